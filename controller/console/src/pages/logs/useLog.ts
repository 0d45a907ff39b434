import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, ownProblem } from "../../api/client";
import { isEnd, readLog, type LogFilter, type LogOf } from "../../api/logs";
import type { LogEntry } from "../../api/types";
import { comesBack, cureOf, emptyLog, entriesOf, newestCursor, oldestCursor, withNewer, withOlder, type ShownLog } from "../../lib/logs";

/** reading: a page comes. live: what comes is shown. waiting: it is tried again soon. paused, still: nothing is asked. failed: somebody has to look. */
export type LogState = "reading" | "live" | "waiting" | "paused" | "still" | "failed";

const pageLines = 200;
const gather = 100; // ms: so that a flood draws ten times a second, and not a thousand times

const failure = (cause: unknown) => (cause instanceof ApiError ? cause : ownProblem("lost", "The log broke off", String(cause)));

export interface ReadLog {
  log: ShownLog;
  state: LogState;
  error: ApiError | null;
  /** Why the last page ended before it had as much as was asked for. */
  note: string;
  olderUnderWay: boolean;
  older: () => void;
  again: () => void;
}

/** A log from its newest page on. Reads on while it is not paused and has no end; another filter begins anew. */
export function useLog(org: string, of: LogOf, filter: LogFilter, paused: boolean): ReadLog {
  const [log, setLog] = useState<ShownLog>(emptyLog);
  const [state, setState] = useState<LogState>("reading");
  const [error, setError] = useState<ApiError | null>(null);
  const [note, setNote] = useState("");
  const [olderUnderWay, setOlderUnderWay] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const shown = useRef(log);
  const stopOlder = useRef<AbortController | null>(null);
  const what = JSON.stringify([org, of, filter]);
  const begun = useRef("");

  const show = useCallback((now: ShownLog) => {
    shown.current = now;
    setLog(now);
  }, []);

  /** One page back from what is shown; gives its end. */
  const page = useCallback(
    async (signal: AbortSignal) => {
      const before = oldestCursor(shown.current);
      const found: LogEntry[] = [];
      let end = "lost";
      let message = "";
      const body = await readLog(org, of, filter, { lines: pageLines, ...(before ? { before } : {}) }, signal);
      for await (const batch of entriesOf(body))
        for (const said of batch)
          if (isEnd(said)) [end, message] = [said.end, said.message ?? ""];
          else found.push(said);
      if (signal.aborted) return;
      show(withOlder(shown.current, found, end !== "done"));
      if (!["done", "lines"].includes(end) && !comesBack(end)) throw ownProblem(end, "The log ended", `${message} ${cureOf(end)}`.trim());
      setNote(end === "done" || end === "lines" ? "" : message);
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [what, show],
  );

  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let waiting: LogEntry[] = [];
    const flush = () => {
      timer = undefined;
      const entries = waiting;
      waiting = [];
      if (entries.length && !signal.aborted) show(withNewer(shown.current, entries));
    };

    async function follow(): Promise<string> {
      const after = newestCursor(shown.current);
      const body = await readLog(org, of, { ...filter, since: undefined, until: undefined }, { follow: "true", ...(after ? { after } : {}) }, signal);
      setState("live");
      let end = "lost";
      let message = "";
      for await (const batch of entriesOf(body)) {
        for (const said of batch)
          if (isEnd(said)) [end, message] = [said.end, said.message ?? ""];
          else waiting.push(said);
        timer ??= setTimeout(flush, gather);
      }
      flush();
      if (!comesBack(end)) throw ownProblem(end, "The log ended", `${message} ${cureOf(end)}`.trim());
      return end;
    }

    async function run() {
      setError(null);
      if (begun.current !== what) {
        stopOlder.current?.abort();
        setState("reading");
        show(emptyLog);
        setNote("");
        await page(signal);
        if (signal.aborted) return;
        begun.current = what;
      }
      if (paused || filter.until) return setState(paused ? "paused" : "still");
      for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 30_000)) {
        try {
          const since = Date.now();
          await follow();
          if (Date.now() - since > 30_000) wait = 500;
        } catch (cause) {
          // Away, or more readers than may be: both pass.
          const passes = cause instanceof TypeError || (cause instanceof ApiError && (cause.status === 0 || cause.status >= 500 || cause.status === 429 || cause.code === "server_offline"));
          if (!passes) throw cause;
        }
        if (signal.aborted) return;
        setState("waiting");
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }

    run().catch((cause: unknown) => {
      if (signal.aborted) return;
      setError(failure(cause));
      setState("failed");
    });
    return () => {
      stop.abort();
      clearTimeout(timer);
      // What has come counts, so that pausing loses nothing.
      if (waiting.length) show(withNewer(shown.current, waiting));
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [what, paused, attempt, page, show]);

  useEffect(() => () => stopOlder.current?.abort(), [what]);

  const older = useCallback(() => {
    if (stopOlder.current) return;
    const stop = new AbortController();
    stopOlder.current = stop;
    setOlderUnderWay(true);
    page(stop.signal)
      .catch((cause: unknown) => {
        if (!stop.signal.aborted) setError(failure(cause));
      })
      .finally(() => {
        if (stopOlder.current === stop) stopOlder.current = null;
        setOlderUnderWay(false);
      });
  }, [page]);

  const again = useCallback(() => setAttempt((n) => n + 1), []);
  return { log, state, error, note, olderUnderWay, older, again };
}
