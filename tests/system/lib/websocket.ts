// WebSocket (RFC 6455) by hand, for either side: a test must be able to send what no library would.
import { createHash, randomBytes } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { within } from "./wait.ts";

export interface Closed {
  /** As in a close frame; 1006 where there was none. */
  code: number;
  reason: string;
}

export interface FrameOptions {
  opcode?: number;
  fin?: boolean;
  /** The three reserved bits. */
  reserved?: number;
  /** Against the rules for the role that this side has. */
  wrongMask?: boolean;
  /** Length to claim, whatever is sent. */
  claim?: bigint;
}

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function acceptKey(key: string): string {
  return createHash("sha1").update(key + magic).digest("base64");
}

/** Reads up to the empty line that ends a head; gives it and what came after. */
export function readHead(stream: TLSSocket, ms = 30_000): Promise<{ head: string; rest: Buffer }> {
  return within("a head of HTTP", ms, () => new Promise((done, failed) => {
    let data = Buffer.alloc(0);
    const more = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) return;
      stream.off("data", more);
      stream.pause();
      done({ head: data.subarray(0, end).toString(), rest: data.subarray(end + 4) });
    };
    stream.on("data", more);
    stream.once("error", failed);
    stream.once("close", () => failed(new Error("closed before the head was over")));
  }));
}

/** One end of a WebSocket whose upgrade is over. Messages are kept as they come. */
export class WebSocketEnd {
  readonly texts: string[] = [];
  readonly binaries: Buffer[] = [];
  readonly closed: Promise<Closed>;
  #rest: Buffer;
  #message: Buffer[] = [];
  #binary = false;
  #wake: (() => void)[] = [];
  #over: Closed | undefined;
  #settle!: (closed: Closed) => void;

  constructor(private readonly stream: TLSSocket, private readonly role: "client" | "server", rest: Buffer) {
    this.#rest = rest;
    this.closed = new Promise((done) => (this.#settle = done));
    stream.on("data", (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      this.#take();
    });
    stream.on("error", () => undefined);
    stream.on("close", () => this.#end({ code: 1006, reason: "" }));
    this.#take();
    stream.resume();
  }

  get open(): boolean {
    return this.#over === undefined && !this.stream.destroyed;
  }

  /** Resolves at the next message or at the end. */
  change(): Promise<void> {
    return this.#over ? Promise.resolve() : new Promise((wake) => this.#wake.push(wake));
  }

  send(data: string | Buffer, options: FrameOptions = {}): void {
    const payload = typeof data === "string" ? Buffer.from(data) : data;
    const opcode = options.opcode ?? (typeof data === "string" ? 1 : 2);
    const head = [((options.fin ?? true) ? 0x80 : 0) | ((options.reserved ?? 0) << 4) | opcode];
    const masked = (this.role === "client") !== (options.wrongMask ?? false);
    const length = options.claim ?? BigInt(payload.length);
    const bit = masked ? 0x80 : 0;
    if (length < 126n) head.push(bit | Number(length));
    else if (length < 65536n) head.push(bit | 126, Number(length) >> 8, Number(length) & 255);
    else {
      const eight = Buffer.alloc(8);
      eight.writeBigUInt64BE(length);
      head.push(bit | 127, ...eight);
    }
    if (!masked) return this.raw(Buffer.concat([Buffer.from(head), payload]));
    const mask = randomBytes(4);
    this.raw(Buffer.concat([Buffer.from(head), mask, Buffer.from(payload.map((byte, i) => byte ^ mask[i % 4]!))]));
  }

  raw(bytes: Buffer): void {
    if (!this.stream.destroyed) this.stream.write(bytes);
  }

  close(code = 1000): void {
    this.send(Buffer.from([code >> 8, code & 255]), { opcode: 8 });
    this.stream.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  #take(): void {
    for (;;) {
      if (this.#rest.length < 2) return;
      const [first, second] = [this.#rest[0]!, this.#rest[1]!];
      let length = second & 127;
      let at = 2;
      if (length === 126) {
        if (this.#rest.length < 4) return;
        length = this.#rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (this.#rest.length < 10) return;
        length = Number(this.#rest.readBigUInt64BE(2));
        at = 10;
      }
      const mask = second & 128 ? this.#rest.subarray(at, at + 4) : undefined;
      if (mask) at += 4;
      if (this.#rest.length < at + length) return;
      const payload = Buffer.from(this.#rest.subarray(at, at + length));
      if (mask) payload.forEach((byte, i) => (payload[i] = byte ^ mask[i % 4]!));
      this.#rest = this.#rest.subarray(at + length);
      this.#frame(first & 15, (first & 128) !== 0, payload);
    }
  }

  #frame(opcode: number, fin: boolean, payload: Buffer): void {
    if (opcode === 9) return this.send(payload, { opcode: 10 });
    if (opcode === 8) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#end({ code, reason: payload.subarray(2).toString() });
      if (!this.stream.destroyed) this.close(code === 1005 ? 1000 : code);
      return;
    }
    if (opcode > 2) return;
    if (opcode > 0) this.#binary = opcode === 2;
    this.#message.push(payload);
    if (!fin) return;
    const whole = Buffer.concat(this.#message);
    if (this.#binary) this.binaries.push(whole);
    else this.texts.push(whole.toString());
    this.#message = [];
    this.#tell();
  }

  #end(closed: Closed): void {
    this.#over ??= closed;
    this.#settle(this.#over);
    this.#tell();
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
