import type { LogLine, Operation, OperationState, Step } from "../api/types";

const final: ReadonlySet<OperationState> = new Set(["succeeded", "failed", "cancelled", "expired"]);

export function isFinal(state: OperationState): boolean {
  return final.has(state);
}

const order: Record<OperationState, number> = {
  queued: 0,
  delivered: 1,
  running: 2,
  unknown: 2, // running, out of sight; either may follow the other
  succeeded: 3,
  failed: 3,
  cancelled: 3,
  expired: 3,
};

/**
 * The newer of two views of one operation. Two streams and a fetch can overtake one another; a state never goes back, and a final one stays.
 */
export function newerOperation(held: Operation | undefined, seen: Operation): Operation {
  if (!held || held.id !== seen.id) return seen;
  if (order[seen.state] < order[held.state]) return held;
  if (isFinal(held.state) && !isFinal(seen.state)) return held;
  // The answer to an act may come without steps; the ones known stay.
  if (!seen.steps.length) return { ...seen, steps: held.steps };
  return { ...seen, steps: seen.steps.map((step) => newerStep(held.steps.find((s) => s.name === step.name), step)) };
}

const stepOrder: Record<Step["state"], number> = { pending: 0, running: 1, done: 2, failed: 2, skipped: 2, undone: 3 };

export function newerStep(held: Step | undefined, seen: Step): Step {
  if (!held) return seen;
  if (stepOrder[seen.state] < stepOrder[held.state]) return held;
  if (seen.state === "running" && held.state === "running" && (seen.percent ?? 0) < (held.percent ?? 0)) return held;
  return seen;
}

/** An operation with one step changed; a step not heard of before comes last. */
export function withStep(operation: Operation, step: Step): Operation {
  const at = operation.steps.findIndex((s) => s.name === step.name);
  if (at < 0) return { ...operation, steps: [...operation.steps, step] };
  const newer = newerStep(operation.steps[at], step);
  if (newer === operation.steps[at]) return operation;
  const steps = operation.steps.slice();
  steps[at] = newer;
  return { ...operation, steps };
}

export interface Log {
  lines: LogLine[];
  /** How many older lines were let go to stay under the limit. */
  dropped: number;
}

export const emptyLog: Log = { lines: [], dropped: 0 };
export const mostLines = 20_000;

/** Adds lines in order of sequence, each once, and keeps the newest `most`. Returns the same object when nothing is new. */
export function withLines(log: Log, arrived: readonly LogLine[], most = mostLines): Log {
  const last = log.lines[log.lines.length - 1]?.seq ?? 0;
  const inOrder = arrived.every((line, i) => line.seq > (i ? arrived[i - 1]!.seq : last));
  let lines: LogLine[];
  if (inOrder) {
    if (!arrived.length) return log;
    lines = log.lines.concat(arrived);
  } else {
    const have = new Set(log.lines.map((line) => line.seq));
    // What was let go for being too old must not come back.
    const oldest = log.dropped ? (log.lines[0]?.seq ?? 0) : 0;
    const fresh = arrived.filter((line) => line.seq > oldest && !have.has(line.seq) && have.add(line.seq));
    if (!fresh.length) return log;
    lines = log.lines.concat(fresh).sort((a, b) => a.seq - b.seq);
  }
  const over = Math.max(0, lines.length - most);
  return { lines: over ? lines.slice(over) : lines, dropped: log.dropped + over };
}

/** A list with one thing put in its place, or added at the end when `add`. Same list when it was not there and is not to be added. */
export function withItem<T extends { id: string }>(list: readonly T[], item: T, add: boolean): T[] {
  const at = list.findIndex((one) => one.id === item.id);
  if (at < 0) return add ? [...list, item] : (list as T[]);
  const next = list.slice();
  next[at] = item;
  return next;
}

export function withoutItem<T extends { id: string }>(list: readonly T[], id: string): T[] {
  return list.some((one) => one.id === id) ? list.filter((one) => one.id !== id) : (list as T[]);
}
