// A browser's end of a terminal (controller/terminal/README.md), by hand.
import { connect } from "node:tls";
import { randomBytes } from "node:crypto";
import type { Api } from "./api.ts";
import { TimedOut, within } from "./wait.ts";
import { type Closed, readHead, WebSocketEnd } from "./websocket.ts";

export interface Ticket {
  terminal: { id: string; user: string; state: string };
  ticket: string;
  expires_at: string;
}

export interface Ended {
  reason: string;
  message: string;
  code?: number;
  signal?: string;
}

/** A ticket for a terminal on a server, `org` being "/api/v1/orgs/org_…". */
export const askFor = (api: Api, org: string, server: string, user: string): Promise<Ticket> =>
  api.post<Ticket>(`${org}/servers/${server}/terminals`, { user, columns: 80, rows: 24 });

/** The answer to the request for a WebSocket; the socket where there is one. */
export async function upgrade(api: Api, id: string, headers: Record<string, string> = {}): Promise<{ status: number; socket?: WebSocketEnd }> {
  const { address, port, name, ca } = api.endpoint;
  const socket = connect({ host: address, port, servername: name, ca, ALPNProtocols: ["http/1.1"] });
  socket.on("error", () => undefined);
  const all: Record<string, string> = {
    Host: new URL(api.origin).host, Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"), Origin: api.origin, Cookie: api.cookie, ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== "").map(([key, value]) => `${key}: ${value}\r\n`);
  socket.write(`GET /api/v1/terminals/${id} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const { head, rest } = await readHead(socket);
  const status = Number(head.split(" ")[1]);
  if (status === 101) return { status, socket: new WebSocketEnd(socket, "client", rest) };
  socket.destroy();
  return { status };
}

/** One connection to a terminal, which shows what comes. */
export class Shell {
  /** Everything that was ever shown, over all connections of this terminal. */
  output = Buffer.alloc(0);
  /** Says that it has shown what came. */
  takes = true;
  ended: Ended | undefined;
  secret = "";
  #socket: WebSocketEnd;
  #binaries = 0;
  #texts = 0;
  #took = 0;
  #wake: (() => void)[] = [];

  private constructor(private readonly api: Api, readonly id: string, socket: WebSocketEnd) {
    this.#socket = socket;
    void this.#follow(socket);
  }

  static async open(api: Api, { terminal, ticket }: Ticket): Promise<Shell> {
    const { status, socket } = await upgrade(api, terminal.id);
    if (!socket) throw new Error(`no WebSocket: ${status}`);
    const shell = new Shell(api, terminal.id, socket);
    shell.say({ type: "open", ticket });
    return shell;
  }

  get closed(): Promise<Closed> {
    return this.#socket.closed;
  }
  get text(): string {
    return this.output.toString();
  }

  say(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }
  type(text: string): void {
    this.#socket.send(Buffer.from(text));
  }
  take(): void {
    this.#took = this.output.length;
    this.say({ type: "took", bytes: this.#took });
  }
  /** The connection is lost without a word. */
  break(): void {
    this.#socket.destroy();
  }
  close(): void {
    this.#socket.close();
  }

  /** Comes back after a break; resolves when the controller has said from where on it wants what was typed. */
  async resume(): Promise<number> {
    const { status, socket } = await upgrade(this.api, this.id);
    if (!socket) throw new Error(`no WebSocket: ${status}`);
    this.#socket = socket;
    this.#binaries = this.#texts = 0;
    let input: number | undefined;
    void this.#follow(socket, (given) => (input = given));
    this.say({ type: "resume", secret: this.secret, received: this.output.length });
    await this.until("the terminal goes on", 15_000, () => input !== undefined);
    return input!;
  }

  async until(what: string, ms: number, done: () => boolean): Promise<void> {
    await within(what, ms, async (signal) => {
      while (!signal.aborted && !done()) {
        const news = new Promise<void>((wake) => this.#wake.push(wake));
        if (!this.#socket.open) {
          const closed = await this.#socket.closed;
          if (done()) return;
          throw new Error(`${what}: the connection ended: ${JSON.stringify(closed)} ${JSON.stringify(this.ended)}\n${this.text.slice(-2000)}`);
        }
        await news;
      }
      if (signal.aborted) throw new TimedOut(what);
    });
  }
  /** What is shown from now on has this in it. */
  async shows(text: string | RegExp, ms = 15_000, from = 0): Promise<void> {
    await this.until(`the terminal shows ${text}`, ms, () => (typeof text === "string" ? this.text.slice(from).includes(text) : text.test(this.text.slice(from))));
  }
  async end(ms = 15_000): Promise<Ended> {
    await this.until("the terminal ends", ms, () => this.ended !== undefined);
    this.#socket.close();
    return this.ended!;
  }

  async #follow(socket: WebSocketEnd, resumed: (input: number) => void = () => undefined): Promise<void> {
    for (;;) {
      const change = socket.change();
      if (socket !== this.#socket) return;
      for (const bytes of socket.binaries.slice(this.#binaries)) this.output = Buffer.concat([this.output, bytes]);
      this.#binaries = socket.binaries.length;
      for (const text of socket.texts.slice(this.#texts)) {
        const message = JSON.parse(text) as Record<string, unknown>;
        if (message.type === "opened" || message.type === "resumed") this.secret = String(message.secret);
        if (message.type === "resumed") resumed(Number(message.input));
        if (message.type === "ended") this.ended = message as unknown as Ended;
      }
      this.#texts = socket.texts.length;
      if (this.takes && this.secret && this.#took < this.output.length && socket.open) this.take();
      for (const wake of this.#wake.splice(0)) wake();
      if (!socket.open) return;
      await change;
    }
  }
}
