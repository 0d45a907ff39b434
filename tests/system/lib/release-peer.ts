// A controller that hands out packages and takes registrations, and lies where a test tells it to. Real controllers
// cannot be made to send a wrong clock or altered packages.
import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { controllerName } from "./controller.ts";
import { built } from "./paths.ts";
import { makeAuthority } from "./pki.ts";

export interface Lies {
  /** Seconds by which its Date header is off. */
  clock?: number;
  /** Files that it serves other than as they are. */
  files?: Record<string, (real: Buffer) => Buffer>;
  /** How it answers a registration. */
  enroll?: { status: number; code: string; detail: string };
}

export class ReleasePeer {
  lies: Lies = {};
  /** Paths asked for since the last look. */
  asked: string[] = [];

  private constructor(readonly server: Server, readonly url: string, readonly pin: string, readonly packages: string) {}

  static async start(dir: string, address: string, packages = built("packages")): Promise<ReleasePeer> {
    const authority = await makeAuthority(dir, "Fairlead release peer");
    const { key, certificate } = await authority.issue("peer", [`DNS:${controllerName}`]);
    const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    const pin = `sha256//${createHash("sha256").update(spki).digest("base64")}`;
    const server = createTlsServer({ key, cert: certificate }) as unknown as ReturnType<typeof createServer>;
    await new Promise<void>((listening) => server.listen(0, address, listening));
    const { port } = server.address() as { port: number };
    const peer = new ReleasePeer(server, `https://${controllerName}:${port}`, pin, packages);
    server.on("request", (request, response) => {
      // The whole body first, so that nothing is left on the connection.
      request.on("data", () => undefined).on("end", () => peer.#answer(request.url ?? "", response));
    });
    return peer;
  }

  /** install.sh as a controller would serve it. */
  script(pin = this.pin): string {
    return readFileSync(join(this.packages, "install.sh"), "utf8")
      .replace("@CONTROLLER_URL@", this.url).replace("@CONTROLLER_PIN@", pin);
  }

  /** The command that a console would show. */
  command(token: string): string {
    return `curl -fsSLk --pinnedpubkey ${this.pin} ${this.url}/install.sh | bash -s -- --token ${token} --pin ${this.pin}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  #answer(path: string, response: ServerResponse): void {
    this.asked.push(path);
    response.setHeader("Date", new Date(Date.now() + 1000 * (this.lies.clock ?? 0)).toUTCString());
    if (path === "/install.sh") return void response.end(this.script());
    if (path === "/api/v1/agent/enroll" && this.lies.enroll) {
      const { status, code, detail } = this.lies.enroll;
      response.writeHead(status, { "Content-Type": "application/problem+json" });
      return void response.end(JSON.stringify({
        type: `urn:fairlead:problem:${code}`, title: "Refused", status, detail, code, request_id: "req-test",
      }));
    }
    const name = /^\/agent\/([A-Za-z0-9][A-Za-z0-9._-]*)$/.exec(path)?.[1];
    try {
      if (!name) throw new Error("no such route");
      const real = readFileSync(join(this.packages, name));
      response.end(this.lies.files?.[name]?.(real) ?? real);
    } catch {
      response.writeHead(404, { "Content-Type": "application/problem+json" });
      response.end(JSON.stringify({ title: "Not found", status: 404, detail: `There is no ${path}.`, code: "not_found" }));
    }
  }
}
