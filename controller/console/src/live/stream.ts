/** What of an EventSource we use; a test puts its own in its place. */
export interface Source {
  addEventListener(name: string, act: (event: MessageEvent) => void): void;
  close(): void;
  onopen: (() => void) | null;
  onerror: (() => void) | null;
}

export type StreamState = "connecting" | "open" | "lost" | "ended";

export interface StreamOptions {
  url: string;
  events: readonly string[];
  onEvent: (name: string, data: unknown) => void;
  onState?: (state: StreamState) => void;
  /** Asked before each new try after a refused one; false ends the stream. */
  mayRetry?: () => Promise<boolean>;
  open?: (url: string) => Source;
  wait?: (ms: number, act: () => void) => () => void;
  random?: () => number;
}

const longestWait = 15_000;

/**
 * Server-Sent Events that come back. A browser's EventSource gives up for good after any answer but 200 (a proxy's 502 while the controller
 * restarts); this opens a new one after any break, with full-jitter backoff, and resumes after the last event seen.
 */
export function openStream(options: StreamOptions) {
  const open = options.open ?? ((url) => new EventSource(url) as unknown as Source);
  const wait = options.wait ?? ((ms, act) => (clearTimeoutLater(setTimeout(act, ms))));
  const random = options.random ?? Math.random;
  let source: Source | undefined;
  let cancelWait: (() => void) | undefined;
  let lastId = "";
  let failures = 0;
  let ended = false;

  const say = (state: StreamState) => options.onState?.(state);

  function connect() {
    if (ended) return;
    say("connecting");
    const url = lastId ? `${options.url}?last_event_id=${encodeURIComponent(lastId)}` : options.url;
    const mine = open(url);
    source = mine;
    mine.onopen = () => {
      failures = 0;
      say("open");
    };
    mine.onerror = () => {
      if (ended || source !== mine) return;
      say("lost");
      // The browser would wait three seconds after a break and give up after a refusal; both are better done here.
      retry();
    };
    for (const name of options.events) {
      mine.addEventListener(name, (event) => {
        if (ended || source !== mine) return;
        if (event.lastEventId) lastId = event.lastEventId;
        let data: unknown;
        try {
          data = JSON.parse(event.data as string);
        } catch {
          return; // not ours to guess at; the next fetch brings the truth
        }
        options.onEvent(name, data);
      });
    }
  }

  function retry() {
    source?.close();
    source = undefined;
    failures++;
    const ceiling = Math.min(longestWait, 500 * 2 ** Math.min(failures, 8));
    cancelWait = wait(250 + random() * ceiling, async () => {
      if (ended) return;
      const may = options.mayRetry ? await options.mayRetry().catch(() => true) : true;
      if (!may) return end();
      connect();
    });
  }

  function end() {
    if (ended) return;
    ended = true;
    cancelWait?.();
    source?.close();
    source = undefined;
    say("ended");
  }

  return {
    start: connect,
    end,
    /** Lets go of the connection, for instance while the tab is hidden: a browser has only six per host over HTTP/1.1. */
    pause() {
      cancelWait?.();
      source?.close();
      source = undefined;
    },
    resume() {
      if (!ended && !source) connect();
    },
  };
}

function clearTimeoutLater(timer: ReturnType<typeof setTimeout>) {
  return () => clearTimeout(timer);
}
