import type { LogEnd, LogEntry } from "../api/types";

/** Longer lines are none of ours: the text of an entry has at most 16 KiB. */
const longestLine = 256 * 1024;

/** The entries of a body as they come, in the batches that it was cut into. Throws where it breaks. */
export async function* entriesOf<T = LogEntry | LogEnd>(body: ReadableStream<Uint8Array>): AsyncGenerator<T[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = parts.pop()!;
      if (rest.length > longestLine) throw new Error("A line is longer than any may be.");
      const batch = parts.filter(Boolean).map((line) => JSON.parse(line) as T);
      if (batch.length) yield batch;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

export const mostShown = 5000;

export interface ShownLog {
  /** Oldest first, each with a number of its own. */
  lines: (LogEntry & { key: number })[];
  /** Let go at the old end, so that the page stays light. */
  dropped: boolean;
  /** Older ones may be fetched. */
  more: boolean;
}

export const emptyLog: ShownLog = { lines: [], dropped: false, more: true };

let next = 0;
const keyed = (entry: LogEntry) => ({ ...entry, key: next++ });

/** Newer entries behind what is there. */
export function withNewer(log: ShownLog, entries: LogEntry[]): ShownLog {
  const lines = [...log.lines, ...entries.map(keyed)];
  if (lines.length <= mostShown) return { ...log, lines };
  // Older ones can be fetched again from where they were let go.
  return { lines: lines.slice(-mostShown), dropped: true, more: true };
}

/** Older entries, newest first as they come, before what is there. */
export function withOlder(log: ShownLog, entries: LogEntry[], more: boolean): ShownLog {
  return { lines: [...entries.map(keyed).reverse(), ...log.lines], dropped: false, more };
}

/** Of the newest entry that has one. */
export function newestCursor(log: ShownLog): string | undefined {
  for (let i = log.lines.length - 1; i >= 0; i--) if (log.lines[i]!.cursor) return log.lines[i]!.cursor;
  return undefined;
}

export function oldestCursor(log: ShownLog): string | undefined {
  return log.lines.find((line) => line.cursor)?.cursor;
}

/** Whether asking again by itself makes sense. */
export const comesBack = (end: string) => ["lost", "time", "stopped", "controller_stops", "done"].includes(end);

/** What somebody can do about an end; the server's own sentence comes before it. */
export function cureOf(end: string): string {
  switch (end) {
    case "policy":
      return "Its root decides that, under logs: in /etc/fairlead/policy.yaml.";
    case "access_ended":
      return "Sign in again, or ask an owner for the permission.";
    case "denied":
      return "Look at the organization's tunnel keys, and at those that the server's policy pins.";
    case "failed":
      return "On the server, journalctl -u 'fairlead-logs@*' says more.";
    case "gone":
      return "It was deleted, or is on another server now.";
    default:
      return "";
  }
}

/** "fairlead-odoo@shop.service" → "odoo"; the unit's whole name is its title. */
export function shortUnit(from: string): string {
  const name = from.replace(/\.(service|socket|slice)$/, "");
  return (/^fairlead-([a-z-]+?)(@.*)?$/.exec(name)?.[1] ?? name).slice(0, 24);
}

/** The start of a time range that ends now. */
export function sinceOf(range: string, now: number): string | undefined {
  const minutes = Number(range);
  return minutes > 0 ? new Date(now - minutes * 60_000).toISOString() : undefined;
}

/** What a datetime-local field holds, as the controller takes it; undefined for none. */
export function fieldTime(text: string): string | undefined {
  const at = new Date(text);
  return text && !Number.isNaN(at.getTime()) ? at.toISOString() : undefined;
}
