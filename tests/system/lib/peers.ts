// Both ends of the link (proto/README.md) played by a test: a controller that an agent dials, and an agent that dials a
// controller. Neither keeps to any rule by itself.
import { randomBytes } from "node:crypto";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import type { Endpoint } from "./api.ts";
import { type Finished, newId } from "./direct.ts";
import type { KeyPair } from "./stolen.ts";
import { TimedOut, within } from "./wait.ts";
import { acceptKey, readHead, WebSocketEnd } from "./websocket.ts";

export const alpn = "fairlead/1";

export interface Message {
  type: string;
  [member: string]: unknown;
}

interface Reported {
  seq: number;
  operation: string;
  kind: string;
  finished?: Finished;
}

export interface Order {
  id: string;
  kind: string;
  fence: number;
  args: unknown;
  [member: string]: unknown;
}

/** One link of an agent to the false controller; its hello has been read, nothing has been answered. */
export class FalseLink {
  readonly reports: Reported[] = [];
  #seen = 0;
  #fence: number;

  constructor(readonly socket: WebSocketEnd, readonly hello: Message) {
    this.#fence = Number(hello.highest_fence) + 1000;
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  welcome(more: Record<string, unknown> = {}): void {
    this.send({
      type: "welcome", protocol: 1, version: "0.0.0", acknowledged: this.hello.acknowledged, time_ms: Date.now(),
      heartbeat_s: 15, facts_s: 5, controllers: [], ca: "", ...more,
    });
  }

  /** An operation in good form; any member can be another. */
  order(kind: string, args: unknown, more: Record<string, unknown> = {}): Order {
    this.#fence += 1;
    return { id: newId("op"), kind, fence: this.#fence, deadline_ms: 0, requested_by: "somebody@elsewhere.test", args, secrets: {}, ...more };
  }

  deliver(order: Order): void {
    this.send({ type: "deliver", operation: order });
  }

  /** Waits until the agent has told how an operation ended; `after` skips what it told before. */
  async finished(id: string, ms = 30_000, after = 0): Promise<Finished> {
    return this.until(`the agent tells how ${id} ended`, ms, () => this.reports.slice(after).find((one) => one.operation === id && one.finished)?.finished);
  }

  async ask(order: Order, ms?: number): Promise<Finished> {
    const after = this.reports.length;
    this.deliver(order);
    return this.finished(order.id, ms, after);
  }

  /** Looks after each message that comes; acknowledges the reports among them, as a controller does. */
  async until<T>(what: string, ms: number, look: () => T | undefined): Promise<T> {
    return within(what, ms, async (signal) => {
      while (!signal.aborted) {
        const change = this.socket.change();
        for (const text of this.socket.texts.slice(this.#seen)) this.#read(JSON.parse(text) as Message);
        this.#seen = this.socket.texts.length;
        const found = look();
        if (found !== undefined) return found;
        if (!this.socket.open) throw new Error(`${what}: the agent ended the link: ${JSON.stringify(await this.socket.closed)}`);
        await change;
      }
      throw new TimedOut(what);
    });
  }

  #read(message: Message): void {
    if (message.type !== "reports") return;
    const reports = message.reports as Reported[];
    this.reports.push(...reports);
    this.send({ type: "ack", seq: reports.at(-1)!.seq });
  }
}

/** Listens where agents dial, with a certificate that somebody gave it. */
export class FalseController {
  /** TLS failures as node names them. */
  readonly failures: string[] = [];
  #links: FalseLink[] = [];
  #sockets = new Set<TLSSocket>();
  #wake: (() => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async start(address: string, port: number, pair: KeyPair): Promise<FalseController> {
    const server = createServer({
      key: pair.key, cert: pair.certificate, ALPNProtocols: [alpn], requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3",
    });
    const self = new FalseController(server);
    server.on("tlsClientError", (error: NodeJS.ErrnoException) => {
      self.failures.push(String(error.code ?? error.message));
      self.#tell();
    });
    server.on("secureConnection", (socket) => {
      if (socket.alpnProtocol !== alpn) return void socket.destroy();
      self.#sockets.add(socket);
      socket.on("close", () => self.#sockets.delete(socket));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        self.failures.push(String(error.code ?? error.message));
        self.#tell();
      });
      self.#open(socket).catch(() => socket.destroy());
    });
    await new Promise<void>((ready, failed) => server.once("error", failed).listen(port, address, ready));
    return self;
  }

  /** The next link that an agent opens, with its hello. */
  async link(ms = 90_000): Promise<FalseLink> {
    return within("an agent comes", ms, async (signal) => {
      while (!signal.aborted) {
        const link = this.#links.shift();
        if (link) return link;
        await new Promise<void>((wake) => this.#wake.push(wake));
      }
      throw new TimedOut("an agent comes");
    });
  }

  /** Waits until TLS with somebody has failed. */
  async refused(ms = 90_000): Promise<string> {
    return within("somebody refuses the certificate", ms, async (signal) => {
      while (!signal.aborted) {
        const failure = this.failures.at(-1);
        if (failure) return failure;
        await new Promise<void>((wake) => this.#wake.push(wake));
      }
      throw new TimedOut("a refusal");
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }

  async #open(socket: TLSSocket): Promise<void> {
    const { head, rest } = await readHead(socket);
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? "";
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`);
    const end = new WebSocketEnd(socket, "server", rest);
    while (end.texts.length === 0 && end.open) await end.change();
    if (!end.texts.length) return;
    this.#links.push(new FalseLink(end, JSON.parse(end.texts.shift()!) as Message));
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** How a controller took an agent's call. */
export interface Taken {
  /** TLS failed: node's name of it. */
  tls?: string;
  /** The answer to the hello. */
  answer?: Message;
  socket?: WebSocketEnd;
}

export function helloOf(more: Record<string, unknown> = {}): Message {
  return {
    type: "hello", protocol: 1, oldest_protocol: 1, version: "0.0.0", journal: randomBytes(8).toString("hex"), highest_fence: 0, last_seq: 0,
    acknowledged: 0, active: [], time_ms: Date.now(), ...more,
  };
}

/** Dials a controller as an agent would, with whatever identity, and says hello. */
export async function callAs(endpoint: Endpoint, pair: Partial<KeyPair>, hello: unknown = helloOf()): Promise<Taken> {
  const socket = connect({
    host: endpoint.address, port: endpoint.port, servername: endpoint.name, ca: endpoint.ca, key: pair.key, cert: pair.certificate,
    ALPNProtocols: [alpn], minVersion: "TLSv1.3",
  });
  let failure: NodeJS.ErrnoException | undefined;
  socket.on("error", (error) => (failure ??= error));
  try {
    await within("TLS", 30_000, () => new Promise<void>((done, failed) => socket.once("secureConnect", done).once("error", failed)));
    socket.write(`GET /link HTTP/1.1\r\nHost: ${endpoint.name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`);
    const { head, rest } = await readHead(socket);
    if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
    const end = new WebSocketEnd(socket, "client", rest);
    end.send(JSON.stringify(hello));
    await within("an answer to the hello", 30_000, async () => {
      while (end.texts.length === 0 && end.open) await end.change();
    });
    return { answer: end.texts.length ? (JSON.parse(end.texts[0]!) as Message) : undefined, socket: end };
  } catch (error) {
    socket.destroy();
    return { tls: String(failure?.code ?? failure?.message ?? error) };
  }
}
