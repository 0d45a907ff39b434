// Waiting for something that happens, with a limit and a name for what did not happen.

export class TimedOut extends Error {}

/** Rejects with a sentence when `work` takes longer. The signal tells `work` to stop. */
export async function within<T>(what: string, ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new TimedOut(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work(stop.signal), late]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/**
 * Asks again and again, for things that offer no event (a port that opens, a file that appears).
 * `probe` returns undefined for "not yet"; what it throws is remembered for the message and counts as "not yet".
 */
export async function poll<T>(what: string, ms: number, probe: () => Promise<T | undefined>, everyMs = 100): Promise<T> {
  const end = Date.now() + ms;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) throw new TimedOut(`${what}: not within ${ms} ms${last ? `; last: ${String(last)}` : ""}`);
    await new Promise((next) => setTimeout(next, everyMs));
  }
}
