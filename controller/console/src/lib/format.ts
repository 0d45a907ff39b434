const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 → "1.5 KiB"; null → "–". */
export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return "–";
  let unit = 0;
  let rest = Math.abs(value);
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : 1;
  return `${value < 0 ? "-" : ""}${rest.toFixed(digits).replace(/\.0$/, "")} ${units[unit]}`;
}

/** Length of time with its two largest units: 75_000 → "1 min 15 s". */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return "–";
  if (ms < 0) ms = 0;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(" ");
}

/** "just now", "4 min ago", "in 3 h"; beyond a week the date. */
export function relative(time: string, now: number): string {
  const then = Date.parse(time);
  if (Number.isNaN(then)) return "–";
  const away = Math.abs(now - then);
  const past = then <= now;
  const say = (n: number, unit: string) => (past ? `${n} ${unit} ago` : `in ${n} ${unit}`);
  if (away < 10_000) return "just now"; // also for a clock that is some seconds off
  if (away < 60_000) return say(Math.floor(away / 1000), "s");
  if (away < 3_600_000) return say(Math.floor(away / 60_000), "min");
  if (away < 86_400_000) return say(Math.floor(away / 3_600_000), "h");
  if (away < 7 * 86_400_000) return say(Math.floor(away / 86_400_000), "d");
  return day(time);
}

export function day(time: string): string {
  return new Date(time).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

export function exact(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** Hours, minutes, seconds of a log line, in the reader's time zone. */
export function clock(time: string): string {
  const date = new Date(time);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function percent(part: number | undefined, whole: number | undefined): number | null {
  if (part == null || !whole) return null;
  return Math.min(100, Math.max(0, (part / whole) * 100));
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** A name that an environment or project can have on the server's side, made from what a person typed. */
export function slugFrom(name: string, longest: number): string {
  return name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, longest)
    .replace(/-+$/, "");
}

/** "base, web sale" → ["base", "web", "sale"], without repeats. */
export function words(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}
