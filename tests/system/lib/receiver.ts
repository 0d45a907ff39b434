// A receiver of webhooks: keeps what comes, verifies it, and answers as a test says.
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { type Authority, makeAuthority } from "./pki.ts";

export interface Came {
  headers: Record<string, string>;
  body: string;
}
/** A status and a body, or whatever else is to happen to the connection. */
export type Reply = [status: number, body: string] | ((request: IncomingMessage, response: ServerResponse) => void);

export interface ReceiverOptions extends ServerOptions {
  /** Whose certificate it has; without it, an authority of its own. */
  authority?: Authority;
  /** Where it listens; 127.0.0.1 unless it is given. */
  address?: string;
  /** The names in its certificate. */
  names?: string[];
  answer?: Reply;
}

export class Receiver {
  readonly came: Came[] = [];
  answer: Reply;

  private constructor(
    private readonly server: Server,
    readonly url: string,
    /** "address:port", for the egress's exceptions. */
    readonly place: string,
    /** The file with its certificate's authority. */
    readonly ca: string,
    answer: Reply,
  ) {
    this.answer = answer;
  }

  static async start(dir: string, { authority, address = "127.0.0.1", names, answer, ...tls }: ReceiverOptions = {}): Promise<Receiver> {
    const from = authority ?? (await makeAuthority(dir));
    const { key, certificate } = await from.issue("receiver", names ?? [`IP:${address}`]);
    const ca = join(dir, "receivers.pem");
    writeFileSync(ca, from.certificate);
    const server = createServer({ key, cert: certificate, ...tls });
    await new Promise<void>((done, failed) => server.once("error", failed).listen(0, address, done));
    const place = `${address}:${(server.address() as AddressInfo).port}`;
    const receiver = new Receiver(server, `https://${place}/hook`, place, ca, answer ?? [204, ""]);
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (more: string) => (body += more));
      request.on("end", () => {
        receiver.came.push({ headers: request.headers as Record<string, string>, body });
        if (typeof receiver.answer === "function") return receiver.answer(request, response);
        response.writeHead(receiver.answer[0]).end(receiver.answer[1]);
      });
    });
    return receiver;
  }

  /** Whether a receiver that knows this secret takes it. */
  verifies(secret: string, { headers, body }: Came = this.came.at(-1)!): boolean {
    try {
      return Boolean(new Webhook(secret).verify(body, headers));
    } catch {
      return false;
    }
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
