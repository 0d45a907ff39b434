/** Recordings of terminals (asciicast, version 2) and what a player does with them. */

export interface CastEvent {
  /** Seconds since the beginning. */
  at: number;
  /** Shown, the size, a mark. */
  kind: "o" | "r" | "m";
  data: string;
}

export interface Cast {
  columns: number;
  rows: number;
  /** In order. */
  events: CastEvent[];
}

const sizeOf = (text: string): [number, number] | undefined => {
  const [, columns, rows] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  const size: [number, number] = [Number(columns), Number(rows)];
  return size.every((n) => n >= 1 && n <= 1000) ? size : undefined;
};

/** Throws a sentence for what is none. A last line that is incomplete is left out: a file that somebody has cut is worth what it has. */
export function readCast(text: string): Cast {
  const lines = text.split("\n");
  const head = parsed(lines[0]!) as { version?: unknown; width?: unknown; height?: unknown } | undefined;
  const size = head?.version === 2 ? sizeOf(`${head.width}x${head.height}`) : undefined;
  if (!size) throw new Error("This is no recording of a terminal, or one of another version.");
  const events: CastEvent[] = [];
  let last = 0;
  for (const line of lines.slice(1)) {
    const event = parsed(line);
    if (!Array.isArray(event)) continue;
    const [at, kind, data] = event as unknown[];
    if (typeof at !== "number" || !Number.isFinite(at) || typeof data !== "string") continue;
    if (kind !== "o" && kind !== "r" && kind !== "m") continue;
    if (kind === "r" && !sizeOf(data)) continue;
    last = Math.max(last, at);
    events.push({ at: last, kind, data });
  }
  return { columns: size[0], rows: size[1], events };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The same with no pause longer than this many seconds. */
export function withoutIdle(events: CastEvent[], most: number): CastEvent[] {
  let before = 0;
  let cut = 0;
  return events.map((event) => {
    cut += Math.max(0, event.at - before - most);
    before = event.at;
    return { ...event, at: event.at - cut };
  });
}

/** 75 → "1:15". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${h ? `${h}:${String(m).padStart(2, "0")}` : m}:${String(s).padStart(2, "0")}`;
}

/** What a player draws on. */
export interface CastScreen {
  /** Empty, and of this size. */
  reset: (columns: number, rows: number) => void;
  resize: (columns: number, rows: number) => void;
  write: (text: string, shown: () => void) => void;
}

export interface CastAround {
  now: () => number;
  later: (ms: number, act: () => void) => () => void;
  /** Plays, or does not; or has come to another place. */
  changed: () => void;
}

/** Of one write: the screen says when it has shown it, so that it never has much to draw. */
const piece = 128 * 1024;
/** Ms; what comes closer together is drawn at once. */
const frame = 30;

/** Plays, pauses, goes elsewhere. Draws one piece after another, whatever is asked for meanwhile. */
export class CastPlayer {
  playing = false;
  #events: CastEvent[];
  #idle = Infinity;
  #next = 0; // of the events: not drawn yet
  #at = 0; // seconds; while it plays: at #since
  #since = 0;
  #speed = 1;
  #turn = 0; // of what was asked for last
  #drawing: Promise<void> = Promise.resolve();
  #cancel: () => void = () => {};

  constructor(
    private readonly cast: Cast,
    private readonly screen: CastScreen,
    private readonly around: CastAround,
  ) {
    this.#events = cast.events;
    screen.reset(cast.columns, cast.rows);
    this.#go(0);
  }

  get lasts(): number {
    return this.#events.at(-1)?.at ?? 0;
  }
  get at(): number {
    if (!this.playing) return this.#at;
    return Math.min(this.lasts, this.#at + ((this.around.now() - this.#since) / 1000) * this.#speed);
  }
  get speed(): number {
    return this.#speed;
  }
  set speed(times: number) {
    this.#settle();
    this.#speed = times;
    this.#go(this.#at);
  }

  play(): void {
    if (this.playing) return;
    const from = this.#at >= this.lasts ? 0 : this.#at;
    this.playing = true;
    this.seek(from);
  }
  pause(): void {
    if (!this.playing) return;
    this.#settle();
    this.playing = false;
    this.#go(this.#at);
  }
  seek(to: number): void {
    this.#at = Math.min(Math.max(0, to), this.lasts);
    this.#since = this.around.now();
    this.#go(this.#at);
  }
  /** Pauses are no longer than this many seconds from now on; the place stays the same. */
  skipIdle(most: number): void {
    if (most === this.#idle) return;
    this.#settle();
    const shown = this.#events.findIndex((one) => one.at > this.#at);
    const after = shown < 0 ? this.#events.length : shown;
    const rest = this.#at - (this.#events[after - 1]?.at ?? 0);
    this.#idle = most;
    this.#events = Number.isFinite(most) ? withoutIdle(this.cast.events, most) : this.cast.events;
    const before = this.#events[after - 1]?.at ?? 0;
    this.seek(Math.min(before + rest, this.#events[after]?.at ?? this.lasts));
  }
  /** Nothing more is drawn. */
  stop(): void {
    this.#turn++;
    this.playing = false;
    this.#cancel();
  }

  /** What the clock says becomes the place. */
  #settle(): void {
    this.#at = this.at;
    this.#since = this.around.now();
  }

  #go(to: number): void {
    const turn = ++this.#turn;
    this.#cancel();
    this.#drawing = this.#drawing.then(async () => {
      if (turn !== this.#turn) return;
      if (this.#next > 0 && this.#events[this.#next - 1]!.at > to) {
        this.#next = 0;
        this.screen.reset(this.cast.columns, this.cast.rows);
      }
      await this.#draw(to, turn);
      if (turn === this.#turn) this.#drawn();
    });
    this.around.changed();
  }

  /** Up to a place, as long as nothing else is asked for. */
  async #draw(to: number, turn: number): Promise<void> {
    while (turn === this.#turn) {
      const event = this.#events[this.#next];
      if (!event || event.at > to) return;
      if (event.kind === "o") {
        let text = "";
        for (let one: CastEvent | undefined = event; one?.kind === "o" && one.at <= to && text.length < piece; one = this.#events[this.#next]) {
          text += one.data;
          this.#next++;
        }
        await new Promise<void>((shown) => this.screen.write(text, shown));
        continue;
      }
      this.#next++;
      const size = event.kind === "r" && sizeOf(event.data);
      if (size) this.screen.resize(...size);
    }
  }

  /** All up to here is shown: waits for what comes next. */
  #drawn(): void {
    if (!this.playing) return;
    const next = this.#events[this.#next];
    if (!next) {
      this.#at = this.lasts;
      this.playing = false;
      return this.around.changed();
    }
    // What took long to draw is not hurried after.
    const wait = Math.max(frame, ((next.at - this.at) * 1000) / this.#speed);
    this.#cancel = this.around.later(wait, () => {
      this.#settle();
      this.#go(this.#at);
    });
  }
}
