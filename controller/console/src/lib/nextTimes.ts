import { Cron } from "croner";

/**
 * The next times of a cron line in a zone, as the server counts them: a wall time that the clocks leap over is left out, and one that
 * comes twice counts the first time. Needs croner, so whoever shows them loads this file when it is needed.
 */
export function nextTimes(cron: string, zone: string, most: number, after: Date): Date[] {
  const times = new Cron(cron, { timezone: zone, mode: "5-part", paused: true });
  const wall = new Intl.DateTimeFormat("en-GB", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const again = (time: Date) => wall.format(new Date(time.getTime() - 3_600_000)) === wall.format(time); // the clocks were put back
  const found: Date[] = [];
  let at = after;
  // A change of the clocks leaves out 60 times at most: a few more looks are enough, and no line can make this long.
  for (let looks = 0; found.length < most && looks < most + 70; looks++) {
    const next = times.nextRun(at);
    if (!next) break;
    at = next;
    if (times.match(next) && !again(next)) found.push(next);
  }
  return found;
}
