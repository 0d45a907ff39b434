// Schedules in cron's five fields, and the few shapes of them that people mean most often.

export type Every = "never" | "hour" | "day" | "week" | "custom";

export interface Schedule {
  every: Every;
  /** Minutes of the hour for "hour", else "02:30". */
  time: string;
  /** 0 is Sunday. */
  weekday: number;
  /** For "custom", as it was typed. */
  text: string;
}

export const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const two = (n: number) => String(n).padStart(2, "0");

/** What a cron line means to a person; what is none of the usual shapes is "custom". */
export function scheduleOf(cron: string): Schedule {
  const text = cron.trim().replace(/\s+/g, " ");
  const held: Schedule = { every: "custom", time: "02:30", weekday: 1, text };
  if (!text) return { ...held, every: "never" };
  const [minute, hour, day, month, weekday, more] = text.split(" ");
  const plain = (value: string | undefined, most: number) => value !== undefined && /^\d{1,2}$/.test(value) && Number(value) <= most;
  if (more !== undefined || !plain(minute, 59) || day !== "*" || month !== "*") return held;
  if (hour === "*" && weekday === "*") return { ...held, every: "hour", time: `00:${two(Number(minute))}` };
  if (!plain(hour, 23)) return held;
  const time = `${two(Number(hour))}:${two(Number(minute))}`;
  if (weekday === "*") return { ...held, every: "day", time };
  return plain(weekday, 7) ? { ...held, every: "week", time, weekday: Number(weekday) % 7 } : held;
}

/** The cron line of what was chosen; "" is never. */
export function cronOf({ every, time, weekday, text }: Schedule): string {
  const [hour, minute] = /^\d\d?:\d\d$/.test(time) ? time.split(":").map(Number) : [0, 0];
  switch (every) {
    case "never":
      return "";
    case "hour":
      return `${minute} * * * *`;
    case "day":
      return `${minute} ${hour} * * *`;
    case "week":
      return `${minute} ${hour} * * ${weekday}`;
    case "custom":
      return text.trim().replace(/\s+/g, " ");
  }
}

/** "every day at 02:30", "Mondays at 02:30"; a line of its own shape as it is. */
export function sayCron(cron: string): string {
  const { every, time, weekday, text } = scheduleOf(cron);
  switch (every) {
    case "never":
      return "never";
    case "hour":
      return time === "00:00" ? "every full hour" : `every hour, ${Number(time.slice(3))} min past`;
    case "day":
      return `every day at ${time}`;
    case "week":
      return `${weekdays[weekday]}s at ${time}`;
    case "custom":
      return `cron ${text}`;
  }
}

const fields: [name: string, least: number, most: number][] = [
  ["minute", 0, 59],
  ["hour", 0, 23],
  ["day of the month", 1, 31],
  ["month", 1, 12],
  ["day of the week", 0, 7],
];

/** What is wrong with a cron line, as a sentence; undefined: nothing that can be seen here. */
export function cronProblem(cron: string): string | undefined {
  const parts = cron.trim().split(/\s+/);
  if (parts.length !== 5) return `Five fields are needed (minute, hour, day of the month, month, day of the week); there ${parts.length === 1 ? "is 1" : `are ${parts.length}`}.`;
  for (const [i, [name, least, most]] of fields.entries()) {
    for (const item of parts[i]!.split(",")) {
      const found = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(item);
      if (!found) return `“${item}” as ${name}: a number, a range such as 1-5, *, or */15 is possible.`;
      const [, from, to, step] = found.map((each) => (each === undefined ? undefined : Number(each)));
      for (const value of [from, to]) if (value !== undefined && (value < least || value > most)) return `“${value}” as ${name}: it goes from ${least} to ${most}.`;
      if (from !== undefined && to !== undefined && to < from) return `“${item}” as ${name}: a range goes from the smaller to the larger number.`;
      if (step === 0) return `“${item}” as ${name}: a step is at least 1.`;
    }
  }
  return undefined;
}
