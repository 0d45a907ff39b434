/** The browser's end of a terminal (controller/terminal/README.md): nothing is lost or doubled when its connection breaks. */

export type Phase =
  | { kind: "connecting" }
  | { kind: "open" }
  /** The connection broke; it is tried again until `until` (ms). */
  | { kind: "away"; until: number }
  | { kind: "ended"; reason: string; message: string; code?: number };

/** What a WebSocket does for it. */
export interface Line {
  send(data: string | Uint8Array): void;
  close(code?: number): void;
}

export interface LineEvents {
  opened: () => void;
  text: (text: string) => void;
  bytes: (bytes: Uint8Array) => void;
  closed: (code: number, reason: string) => void;
}

export interface Around {
  connect: (events: LineEvents) => Line;
  /** Shows bytes; `shown` is called when that is done. */
  show: (bytes: Uint8Array, shown: () => void) => void;
  phase: (phase: Phase) => void;
  now: () => number;
  /** Calls later; gives what takes that back. */
  later: (ms: number, act: () => void) => () => void;
}

const ackEvery = 32 * 1024;
const piece = 16 * 1024;
/** Typed, and nothing heard since: the connection is taken for broken. */
const silence = 10_000;

const farewells: Record<number, [reason: string, message: string]> = {
  4400: ["broke_rules", "This page and the controller do not understand one another. Load the page anew."],
  4401: ["ticket_refused", "The ticket ran out before the terminal opened. Open it again."],
  4404: ["nothing_to_resume", "The terminal has ended while its connection was away."],
  4408: ["ticket_refused", "The terminal was not opened in time. Open it again."],
  4409: ["replaced", "The terminal goes on over another connection."],
  1013: ["busy", "The controller has too many terminals at the moment. Try again in a minute."],
};

export class TerminalLink {
  #line: Line | null = null;
  /** Tells events of an earlier connection from those of this one. */
  #turn = 0;
  #phase: Phase = { kind: "connecting" };
  #secret = "";
  #patience = 60_000;
  #awaySince = 0;
  #tries = 0;
  #stopRetry = (): void => {};
  #stopWatch = (): void => {};

  #received = 0;
  #shown = 0;
  #acked = 0;

  /** Typed and not acknowledged: from offset #typedFrom on. */
  #typed: Uint8Array[] = [];
  #typedFrom = 0;
  #typedEnd = 0;
  #sent = 0;
  #window = 64 * 1024;
  #size: { columns: number; rows: number } | null = null;

  readonly #around: Around;

  constructor(around: Around, ticket: string) {
    this.#around = around;
    this.#open(JSON.stringify({ type: "open", ticket }));
  }

  get phase(): Phase {
    return this.#phase;
  }

  type(bytes: Uint8Array): void {
    if (!bytes.length || this.#phase.kind === "ended") return;
    this.#typed.push(bytes);
    this.#typedEnd += bytes.length;
    this.#send();
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    if (this.#phase.kind === "open") this.#say({ type: "resize", columns, rows });
  }

  /** Ends the shell. */
  close(): void {
    if (this.#phase.kind === "open") this.#say({ type: "close" });
    else this.#end("closed", "It was closed here.");
  }

  /** The page goes away. */
  leave(): void {
    this.#end("left", "");
  }

  /** Does not wait for the next try. */
  retry(): void {
    if (this.#phase.kind === "away") this.#again();
  }

  #set(phase: Phase): void {
    this.#phase = phase;
    this.#around.phase(phase);
  }

  #say(message: object): void {
    this.#line?.send(JSON.stringify(message));
  }

  #open(first: string): void {
    const turn = (this.#turn += 1);
    const mine = (act: () => void) => {
      if (turn === this.#turn) act();
    };
    this.#line = this.#around.connect({
      opened: () => mine(() => this.#line?.send(first)),
      text: (text) => mine(() => this.#hear(JSON.parse(text) as Record<string, unknown>)),
      bytes: (bytes) => mine(() => this.#take(bytes)),
      closed: (code) => mine(() => this.#lost(code)),
    });
  }

  #take(bytes: Uint8Array): void {
    this.#watch();
    this.#received += bytes.length;
    this.#around.show(bytes, () => {
      this.#shown += bytes.length;
      if (this.#phase.kind !== "open") return;
      if (this.#shown === this.#received || this.#shown - this.#acked >= ackEvery) this.#acknowledge();
    });
  }

  #acknowledge(): void {
    this.#acked = this.#shown;
    this.#say({ type: "took", bytes: this.#acked });
  }

  #hear(message: Record<string, unknown>): void {
    switch (message.type) {
      case "opened":
        this.#secret = String(message.secret);
        this.#patience = Number(message.resume_s) * 1000;
        this.#window = Number(message.input_window);
        return this.#goOn(0);
      case "resumed":
        this.#secret = String(message.secret);
        return this.#goOn(Number(message.input));
      case "took":
        this.#drop(Number(message.bytes));
        this.#watch();
        return this.#send();
      case "ended":
        return this.#end(String(message.reason), String(message.message), typeof message.code === "number" ? message.code : undefined);
    }
  }

  /** The connection stands; the controller has typed bytes up to `input`. */
  #goOn(input: number): void {
    this.#tries = 0;
    this.#sent = input;
    this.#set({ kind: "open" });
    if (this.#size) this.#say({ type: "resize", ...this.#size });
    if (this.#shown > 0) this.#acknowledge();
    this.#send();
  }

  /** What the server has taken need not be kept. */
  #drop(upTo: number): void {
    while (this.#typed.length && this.#typedFrom < upTo) {
      const first = this.#typed[0]!;
      const gone = Math.min(first.length, upTo - this.#typedFrom);
      this.#typedFrom += gone;
      if (gone === first.length) this.#typed.shift();
      else this.#typed[0] = first.subarray(gone);
    }
  }

  /** Typed bytes that were not sent yet, as far as the window lets. */
  #send(): void {
    if (this.#phase.kind !== "open") return;
    let at = this.#typedFrom;
    for (const bytes of this.#typed) {
      let from = Math.max(0, this.#sent - at);
      while (from < bytes.length) {
        const room = Math.min(piece, this.#typedFrom + this.#window - this.#sent);
        if (room <= 0) return this.#watch();
        const part = bytes.subarray(from, from + room);
        this.#line?.send(part);
        this.#sent += part.length;
        from += part.length;
      }
      at += bytes.length;
    }
    this.#watch();
  }

  /** While something typed is on its way, the other side has to be heard of. */
  #watch(): void {
    this.#stopWatch();
    this.#stopWatch = (): void => {};
    if (this.#phase.kind !== "open" || this.#sent === this.#typedFrom) return;
    this.#stopWatch = this.#around.later(silence, () => {
      this.#line?.close();
      this.#lost(1006);
    });
  }

  #lost(code: number): void {
    this.#stopWatch();
    this.#turn += 1;
    this.#line = null;
    if (this.#phase.kind === "ended") return;
    const farewell = farewells[code];
    if (farewell) return this.#end(...farewell);
    if (!this.#secret) return this.#end("unreachable", "The controller could not be reached. Check your connection, and try again.");
    if (this.#phase.kind !== "away") this.#awaySince = this.#around.now();
    const until = this.#awaySince + this.#patience;
    if (this.#around.now() >= until) return this.#end("left", "The connection was away for too long: the terminal is closed.");
    this.#set({ kind: "away", until });
    this.#stopRetry = this.#around.later(Math.min(5000, 300 * 2 ** this.#tries++), () => this.#again());
  }

  #again(): void {
    this.#stopRetry();
    this.#open(JSON.stringify({ type: "resume", secret: this.#secret, received: this.#received }));
  }

  #end(reason: string, message: string, code?: number): void {
    this.#stopRetry();
    this.#stopWatch();
    this.#turn += 1;
    this.#line?.close(1000);
    this.#line = null;
    this.#secret = "";
    this.#typed = [];
    if (this.#phase.kind !== "ended") this.#set({ kind: "ended", reason, message, code });
  }
}
