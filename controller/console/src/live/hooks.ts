import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, need } from "../api/client";
import { keys } from "../api/keys";
import { visitQuery } from "../api/connect";
import { sessionQuery } from "../api/session";
import type { LogLine, Operation, Step } from "../api/types";
import { applyOperation, applyOrgEvent, orgEvents } from "./apply";
import { emptyLog, isFinal, withLines, withStep, type Log } from "./reduce";
import { openStream, type StreamState } from "./stream";

/**
 * True while there is a session; a stream that was closed or refused asks this before it tries again. What the person may, and whether they
 * still belong to the organization, is often why.
 */
async function stillSignedIn(client: QueryClient): Promise<boolean> {
  const { data, response } = await api.GET("/api/v1/session");
  if (data) client.setQueryData(sessionQuery.queryKey, data);
  if (response.status !== 401) return true;
  await need(Promise.resolve({ response, error: undefined })).catch(() => {}); // sends the person to the sign-in page
  return false;
}

/** Tells a stream to let go of its connection while nobody looks, and to resume where it was. */
function followVisibility(stream: { pause(): void; resume(): void }) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => stream.pause(), 20_000);
    else stream.resume();
  };
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

/** Keeps everything held of the organization true, for as long as the shell is shown. */
export function useOrgEvents(org: string): StreamState {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>("connecting");
  useEffect(() => {
    let wasOpen = false;
    const stream = openStream({
      url: `/api/v1/orgs/${org}/events`,
      events: orgEvents,
      onEvent: (name, data) => applyOrgEvent(client, org, name, data),
      onState: (now) => {
        setState(now);
        if (now === "lost") void client.invalidateQueries({ queryKey: visitQuery.queryKey }); // a Connect-As session that was ended closes it
        if (now !== "open") return;
        // Between the first fetches, or the break, and now something may have changed unseen. Only what is shown is asked for.
        void client.invalidateQueries({ queryKey: keys.org(org) });
        // After a break the controller may be a newer one, and the person's permissions others.
        if (wasOpen) void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
        wasOpen = true;
      },
      mayRetry: () => stillSignedIn(client),
    });
    stream.start();
    const unfollow = followVisibility(stream);
    return () => {
      unfollow();
      stream.end();
    };
  }, [client, org]);
  return state;
}

/** The log of an operation, live while it runs, and its steps put into what is held. */
export function useOperationLog(org: string, operation: Pick<Operation, "id" | "state"> | null, wanted: boolean) {
  const client = useQueryClient();
  const [log, setLog] = useState<Log>(emptyLog);
  const [state, setState] = useState<StreamState | "loading">("loading");
  const id = operation?.id;
  const over = operation ? isFinal(operation.state) : false;
  const startedOver = useRef(false);

  useEffect(() => {
    setLog(emptyLog);
    startedOver.current = over;
    // Only at the start of an operation's view: one that ends while it is watched keeps its stream until the controller closes it.
  }, [id]);

  useEffect(() => {
    if (!id || !wanted) return;
    setState("loading");
    if (startedOver.current) return readWhole(org, id, setLog, setState);

    // Lines arrive in bursts; one render per frame is enough.
    let waiting: LogLine[] = [];
    let frame = 0;
    let stopReading = () => {};
    const flush = () => {
      frame = 0;
      const lines = waiting;
      waiting = [];
      setLog((held) => withLines(held, lines));
    };
    const stream = openStream({
      url: `/api/v1/orgs/${org}/operations/${id}/events`,
      events: ["operation", "step", "log"],
      onEvent: (name, data) => {
        if (name === "log") {
          waiting.push(data as LogLine);
          if (!frame) frame = requestAnimationFrame(flush);
        } else if (name === "step") {
          client.setQueryData<Operation>(keys.operation(org, id), (held) => held && withStep(held, data as Step));
        } else {
          const seen = data as Operation;
          applyOperation(client, org, seen);
          if (isFinal(seen.state)) {
            // It may have ended before we came: whatever lines the stream still owed are read instead.
            stream.end();
            stopReading = readWhole(org, id, setLog, setState);
          }
        }
      },
      onState: setState,
      mayRetry: () => stillSignedIn(client),
    });
    stream.start();
    const unfollow = followVisibility(stream);
    return () => {
      unfollow();
      stream.end();
      stopReading();
      if (frame) cancelAnimationFrame(frame);
    };
  }, [client, org, id, wanted]);

  return { log, state };
}

function readWhole(org: string, operation: string, setLog: (change: (held: Log) => Log) => void, setState: (s: StreamState) => void) {
  const abort = new AbortController();
  void (async () => {
    let after = 0;
    for (let pages = 0; pages < 40; pages++) {
      const page = await need(
        api.GET("/api/v1/orgs/{org}/operations/{operation}/log", {
          params: { path: { org, operation }, query: { after, limit: 1000 } },
          signal: abort.signal,
        }),
      );
      setLog((held) => withLines(held, page.data));
      if (page.next_after == null) break;
      after = page.next_after;
    }
    setState("ended");
  })().catch(() => {
    if (!abort.signal.aborted) setState("lost");
  });
  return () => abort.abort();
}
