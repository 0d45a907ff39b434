// A name server whose answers change, and web servers for the names: what proofs of domains are looked for at.
import { createSocket, type Socket } from "node:dgram";
import { createServer as plainServer, type Server } from "node:http";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { folder } from "./paths.ts";
import { makeAuthority } from "./pki.ts";

export type Failure = "SERVFAIL" | "silent";
const types: Record<number, "A" | "TXT"> = { 1: "A", 16: "TXT" };

/** Over UDP, at port 53 of an address. What is not there is NXDOMAIN. */
export class Names {
  /** "A shop.example.org" → addresses, "TXT _fairlead-challenge.shop.example.org" → texts. */
  readonly records = new Map<string, string[] | Failure>();
  /** Each question for an A record of these names takes the next of its answers, the last one for ever. */
  readonly answers = new Map<string, string[][]>();
  /** The A record of every other name; without it they do not exist. */
  otherwise: string[] | undefined;
  /** What was asked, in order. */
  readonly asked: string[] = [];
  #socket: Socket = createSocket("udp4");
  #started = false;

  async start(address: string): Promise<this> {
    this.#socket.on("message", (query, from) => {
      const labels: string[] = [];
      let at = 12;
      for (let size = query[at]!; size > 0; size = query[at]!) {
        labels.push(query.subarray(at + 1, at + 1 + size).toString());
        at += size + 1;
      }
      const name = labels.join(".").toLowerCase();
      const type = types[query.readUInt16BE(at + 1)] ?? "?";
      this.asked.push(`${type} ${name}`);
      const found = this.records.get(`${type} ${name}`);
      if (found === "silent") return;
      const turns = this.answers.get(name) ?? (this.otherwise && [this.otherwise]);
      const turn = type === "A" && turns ? (turns.length > 1 ? turns.shift()! : turns[0]!) : [];
      const known = found !== undefined || turns !== undefined || [...this.records.keys()].some((key) => key.endsWith(` ${name}`));
      const now = Array.isArray(found) ? found : turn;
      const head = Buffer.from(query.subarray(0, at + 5));
      head.writeUInt16BE(found === "SERVFAIL" ? 0x8182 : known ? 0x8180 : 0x8183, 2);
      head.writeUInt16BE(now.length, 6);
      head.writeUInt32BE(0, 8);
      const data = (one: string): Buffer => type === "A" ? Buffer.from(one.split(".").map(Number)) : strings(one);
      const records = now.map((one) => {
        const value = data(one);
        const lead = Buffer.from([0xc0, 12, 0, type === "A" ? 1 : 16, 0, 1, 0, 0, 0, 0, 0, 0]);
        lead.writeUInt16BE(value.length, 10);
        return Buffer.concat([lead, value]);
      });
      this.#socket.send(Buffer.concat([head, ...records]), from.port, from.address);
    });
    await new Promise<void>((done, failed) => {
      this.#socket.once("error", failed).bind(53, address, done);
    });
    this.#started = true;
    return this;
  }
  stop(): void {
    if (this.#started) this.#socket.close();
  }
}

/** As strings of at most 30 bytes: a record may have several, which belong together. */
function strings(text: string): Buffer {
  const parts = text.match(/.{1,30}/gs) ?? [""];
  return Buffer.concat(parts.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part)])));
}

/** One web server at port 443, with a certificate for the names that it is told, and one at port 80. */
export class Sites {
  /** "https://name/path" and "http://name/path" → what is answered; 404 for the rest. */
  readonly pages = new Map<string, string | ((request: IncomingMessage, response: ServerResponse) => void)>();
  readonly asked: string[] = [];
  #servers: Server[] = [];
  /** The file with its certificate's authority. */
  ca = "";

  async start(dir: string, address: string, names: string[]): Promise<this> {
    const authority = await makeAuthority(folder(dir));
    const { key, certificate } = await authority.issue("sites", names.map((name) => `DNS:${name}`));
    this.ca = join(dir, "sites.pem");
    writeFileSync(this.ca, authority.certificate);
    const answer = (scheme: string) => (request: IncomingMessage, response: ServerResponse): void => {
      const url = `${scheme}://${request.headers.host}${request.url}`;
      this.asked.push(url);
      const page = this.pages.get(url);
      if (typeof page === "function") return page(request, response);
      response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/plain" }).end(page ?? "nothing here");
    };
    for (const [port, server] of [[443, createServer({ key, cert: certificate }, answer("https"))], [80, plainServer(answer("http"))]] as const) {
      await new Promise<void>((done, failed) => server.once("error", failed).listen(port, address, done));
      this.#servers.push(server);
    }
    return this;
  }
  stop(): void {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}
