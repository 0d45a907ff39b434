// A terminal's browser that keeps next to nothing of what comes, and takes it as fast as a test says; and what a flood must not cost.
import { readdirSync, readFileSync } from "node:fs";
import type { Api } from "./api.ts";
import type { Host } from "./host.ts";
import { type Ended, type Ticket, upgrade } from "./terminal.ts";
import { TimedOut, within } from "./wait.ts";
import type { WebSocketEnd } from "./websocket.ts";

const keeps = 16 * 1024;
/** As the controller says in `opened`. */
export const windows = { output: 256 * 1024, input: 64 * 1024 };

export class FloodReader {
  /** Bytes that have come, and those that were taken of them. */
  received = 0;
  taken = 0;
  /** The last of what came. */
  tail = "";
  /** Takes what comes at once. */
  takesAll = true;
  ended: Ended | undefined;
  /** Bytes that were typed, and those of them that are on their way to the server. */
  typed = 0;
  passed = 0;
  passedAt = Date.now();
  #open = false;
  #wake: (() => void)[] = [];

  private constructor(readonly id: string, private readonly socket: WebSocketEnd) {
    void this.#follow();
  }

  static async open(api: Api, { terminal, ticket }: Ticket): Promise<FloodReader> {
    const { status, socket } = await upgrade(api, terminal.id);
    if (!socket) throw new Error(`no WebSocket: ${status}`);
    const reader = new FloodReader(terminal.id, socket);
    reader.say({ type: "open", ticket });
    return reader;
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }
  type(text: string | Buffer): void {
    const bytes = Buffer.from(text);
    this.typed += bytes.length;
    this.socket.send(bytes);
  }
  /** Types all of it, as fast as the server takes it. */
  async paste(bytes: Buffer, ms = 60_000): Promise<void> {
    for (let at = 0; at < bytes.length; at += 8192) {
      await this.until("the server takes what is typed", ms, () => this.typed - this.passed + 8192 <= windows.input);
      this.type(bytes.subarray(at, at + 8192));
    }
  }
  take(most = Infinity): void {
    const bytes = Math.min(most, this.received - this.taken);
    if (bytes <= 0 || !this.socket.open) return;
    this.taken += bytes;
    this.say({ type: "took", bytes: this.taken });
  }
  get waiting(): number {
    return this.received - this.taken;
  }
  close(): void {
    this.socket.close();
  }

  async until(what: string, ms: number, done: () => boolean): Promise<void> {
    await within(`${what} (${this.received} bytes came, the last ${JSON.stringify(this.tail.slice(-300))})`, ms, async (signal) => {
      while (!signal.aborted && !done()) {
        if (!this.socket.open) throw new Error(`${what}: the connection ended: ${JSON.stringify(await this.socket.closed)} ${JSON.stringify(this.ended)}`);
        await new Promise<void>((wake) => this.#wake.push(wake));
      }
      if (signal.aborted) throw new TimedOut(what);
    });
  }
  async shows(text: string | RegExp, ms = 30_000): Promise<void> {
    await this.until(`the terminal shows ${text}`, ms, () => (typeof text === "string" ? this.tail.includes(text) : text.test(this.tail)));
  }
  /** A command, and what it shows at last. Not what its own echo says. */
  async run(command: string, shows: string | RegExp, ms = 30_000): Promise<void> {
    this.tail = "";
    this.type(`${command}\r`);
    await this.shows(shows, ms);
  }

  async #follow(): Promise<void> {
    for (;;) {
      const change = this.socket.change();
      for (const bytes of this.socket.binaries.splice(0)) {
        this.received += bytes.length;
        this.tail = (this.tail + bytes.subarray(-keeps).toString("latin1")).slice(-keeps);
      }
      for (const text of this.socket.texts.splice(0)) {
        const message = JSON.parse(text) as Record<string, unknown>;
        if (message.type === "opened") this.#open = true;
        if (message.type === "ended") this.ended = message as unknown as Ended;
        if (message.type === "took") {
          this.passed = Number(message.bytes);
          this.passedAt = Date.now();
        }
      }
      if (this.takesAll && this.#open) this.take();
      for (const wake of this.#wake.splice(0)) wake();
      if (!this.socket.open) return;
      await change;
    }
  }
}

/** KiB that no other process shares, of one of this machine. */
export function privateKib(pid: number): number {
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
}

/** The same of an agent's link and all its terminals: the agent's own processes, without the shells. */
export async function agentPrivateKib(host: Host): Promise<{ kib: number; processes: number }> {
  const said = await host.sh(`files=$(pgrep -f '^(/usr/bin/fairlead-agent link|/usr/lib/fairlead/fairlead-terminal)' | sed 's|.*|/proc/&/smaps_rollup|')
    awk '/^Private_Dirty:/ { sum += $2; ++count } END { print sum + 0, count + 0 }' $files 2>/dev/null || true`);
  const [kib, processes] = said.trim().split(" ").map(Number);
  if (!kib || !processes) throw new Error(`a process ended while it was looked at: ${said}`);
  return { kib, processes };
}

/** Processes of this machine, those in its hosts too, that run a program of this name (at most 15 characters). */
export function pidsOf(program: string): number[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === program;
    } catch {
      return false; // gone meanwhile
    }
  }).map(Number);
}
