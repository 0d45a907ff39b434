// TLS in front of an S3 server, and the faults of a network and of a storage.
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";

/** What to do with a request instead of passing it on. */
export type Fault =
  | { kind: "answer"; status: number; code: string; headers?: Record<string, string> }
  /** The answer ends, with the connection, after so many bytes of its body. */
  | { kind: "cut-answer"; after: number }
  /** The connection ends after so many bytes of the request's body. */
  | { kind: "cut-request"; after: number }
  /** Carried out, and the connection ends before an answer. */
  | { kind: "lose-answer" }
  /** Carried out, and the answer waits until that is over. */
  | { kind: "hold-answer"; until: () => Promise<void> }
  /** Never answered. */
  | { kind: "silent" }
  /** The answer's body with some bytes changed. */
  | { kind: "alter-answer" };

export interface Asked {
  method: string;
  /** With the query. */
  url: string;
  headers: IncomingHttpHeaders;
  /** Of the request's body, as far as its head says. */
  bytes: number;
}

export class Relay {
  /** Asked at each request, which waits for the answer; undefined: passed on as it is. */
  fault: ((asked: Asked) => Fault | undefined | Promise<Fault | undefined>) | undefined;
  /** Requests so far. */
  readonly asked: Asked[] = [];
  /** Bytes of all bodies, both ways. */
  bytes = 0;
  #server: Server;

  private constructor(server: Server, readonly address: string, readonly port: number, private readonly backend: number) {
    this.#server = server;
  }

  static async start(address: string, tls: { key: string; certificate: string }, backend: number, port = 0): Promise<Relay> {
    let self: Relay;
    const server = createServer({ key: tls.key, cert: tls.certificate }, (from, to) => void self.#pass(from, to));
    server.keepAliveTimeout = 3000;
    await new Promise<void>((ready) => server.listen(port, address, ready));
    self = new Relay(server, address, (server.address() as AddressInfo).port, backend);
    return self;
  }

  /** Holds the first request of a kind, before it is passed on or after it was carried out, until whoever sent it was ended. */
  hold(is: (asked: Asked) => boolean, at: "before" | "after"): { reached: Promise<void>; end: () => void } {
    let arrived = (): void => undefined;
    let end = (): void => undefined;
    const reached = new Promise<void>((done) => (arrived = done));
    const ended = new Promise<void>((done) => (end = done));
    let seen = false;
    const until = (): Promise<void> => {
      arrived();
      return ended;
    };
    this.fault = async (asked) => {
      if (seen || !is(asked)) return undefined;
      seen = true;
      if (at === "after") return { kind: "hold-answer", until };
      await until();
      return { kind: "silent" };
    };
    return { reached, end };
  }

  /** Connections are refused from now on. */
  async stop(): Promise<void> {
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  async #pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const asked = { method: from.method ?? "", url: from.url ?? "", headers: from.headers, bytes: Number(from.headers["content-length"] ?? 0) };
    this.asked.push(asked);
    const fault = await this.fault?.(asked);
    if (fault?.kind === "silent") return void from.resume();
    if (fault?.kind === "answer") {
      from.on("end", () => {
        to.writeHead(fault.status, fault.headers);
        to.end(`<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>by the relay</Message></Error>`);
      }).resume();
      return;
    }
    // A connection each: Swift sends a body after the head of a missing object, which would be the next answer's begin.
    const headers = { ...from.headers, connection: "close" };
    const onward = request({ host: "127.0.0.1", port: this.backend, method: from.method, path: from.url, headers, agent: false });
    onward.on("error", () => {
      if (!to.headersSent) to.destroy();
    });
    onward.on("response", (answer) => void (async () => {
      if (fault?.kind === "hold-answer") await fault.until();
      if (fault?.kind === "lose-answer") return void answer.resume().on("end", () => to.destroy());
      const { connection: _, "keep-alive": __, ...head } = answer.headers;
      to.writeHead(answer.statusCode ?? 502, head);
      let passed = 0;
      answer.on("data", (part: Buffer) => {
        this.bytes += part.length;
        if (fault?.kind === "alter-answer" && passed === 0) part[0] = (part[0] ?? 0) ^ 1;
        if (fault?.kind === "cut-answer" && passed + part.length > fault.after) {
          to.write(part.subarray(0, fault.after - passed), () => to.destroy());
          answer.destroy();
          return;
        }
        passed += part.length;
        if (!to.write(part)) {
          answer.pause();
          to.once("drain", () => answer.resume());
        }
      });
      answer.on("end", () => to.end());
      answer.on("error", () => to.destroy());
    })());
    let taken = 0;
    from.on("data", (part: Buffer) => {
      this.bytes += part.length;
      taken += part.length;
      if (fault?.kind === "cut-request" && taken > fault.after) {
        from.destroy();
        onward.destroy();
        return;
      }
      if (!onward.write(part)) {
        from.pause();
        onward.once("drain", () => from.resume());
      }
    });
    from.on("end", () => onward.end());
    from.on("error", () => onward.destroy());
    to.on("close", () => onward.destroy());
  }
}
