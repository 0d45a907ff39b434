// A visitor of an environment's host name, who comes to the controller's public port.
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type RequestOptions, request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import type { Controller } from "./controller.ts";
import { within } from "./wait.ts";
import { readHead, WebSocketEnd } from "./websocket.ts";

export interface Page {
  status: number;
  headers: IncomingMessage["headers"];
  text: string;
}

export interface Visit {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export class Visitor {
  #cookies = new Map<string, string>();

  /** `name` is what the connection is made for, and what requests ask for unless they say otherwise. */
  constructor(private readonly controller: Controller, readonly name: string) {}

  /** One request on a connection of its own, whatever the answer. */
  async ask(path: string, visit: Visit = {}): Promise<Page> {
    const answer = await this.open(path, visit);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() };
  }

  /** The same, with the answer's body still to be read. `send` writes the request's body. */
  open(path: string, visit: Visit = {}, send?: (to: NodeJS.WritableStream) => void): Promise<IncomingMessage> {
    const options: RequestOptions = {
      ...this.#target(), path, method: visit.method ?? (visit.body === undefined && !send ? "GET" : "POST"), agent: false,
      headers: { Host: `${this.name}:${this.controller.port}`, ...this.#cookie(), ...visit.headers },
    };
    return new Promise((done, failed) => {
      const call = request(options, (answer) => {
        for (const cookie of answer.headers["set-cookie"] ?? []) {
          const [pair = ""] = cookie.split(";");
          this.#cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
        }
        done(answer);
      });
      call.on("error", failed);
      if (send) send(call);
      else call.end(visit.body);
    });
  }

  /** Sends these bytes and gives all that comes until the connection ends. */
  async raw(bytes: Buffer): Promise<Buffer> {
    const socket = await this.#connect();
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => undefined); // a reset is an end, too
    socket.write(bytes);
    await within("the connection ends", 40_000, () => new Promise<void>((closed) => socket.on("close", () => closed())));
    return Buffer.concat(chunks);
  }

  /** A WebSocket; throws the head of an answer other than 101. */
  async webSocket(path: string): Promise<WebSocketEnd> {
    const socket = await this.#connect();
    const cookie = this.#cookie().Cookie;
    socket.write([
      `GET ${path} HTTP/1.1`, `Host: ${this.name}:${this.controller.port}`, `Origin: https://${this.name}:${this.controller.port}`, "Upgrade: websocket",
      "Connection: Upgrade", `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`, "Sec-WebSocket-Version: 13",
      ...(cookie ? [`Cookie: ${cookie}`] : []), "", "",
    ].join("\r\n"));
    const { head, rest } = await readHead(socket, 30_000);
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(head);
    return new WebSocketEnd(socket, "client", rest);
  }

  /** Names' certificates are not the subject of who uses this. */
  #target(): { host: string; port: number; servername: string; rejectUnauthorized: false } {
    return { host: this.controller.address, port: this.controller.port, servername: this.name, rejectUnauthorized: false };
  }

  #connect(): Promise<TLSSocket> {
    return new Promise((done, failed) => {
      const socket = connect({ ...this.#target(), ALPNProtocols: ["http/1.1"] }, () => done(socket));
      socket.once("error", failed);
    });
  }

  #cookie(): { Cookie?: string } {
    return this.#cookies.size ? { Cookie: [...this.#cookies].map((pair) => pair.join("=")).join("; ") } : {};
  }
}
