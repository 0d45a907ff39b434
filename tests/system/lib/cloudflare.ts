// Stand-ins for Cloudflare, made from its public documentation, for tests alone; nothing here was seen to work with Cloudflare itself:
//   developers.cloudflare.com/api, "Custom Hostnames", and Cloudflare for SaaS, "Custom hostnames" status codes
//   developers.cloudflare.com/ssl, "Authenticated Origin Pulls"; fundamentals, "Cloudflare HTTP headers"
// Stricter than the original where that costs nothing. It takes names below example.org, which the original refuses.
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Controller } from "./controller.ts";
import type { Authority } from "./pki.ts";

export interface CustomHostname {
  id: string;
  hostname: string;
  status: string;
  ssl: { method: string; type: string; status: string; validation_errors?: { message: string }[] };
  verification_errors?: string[];
  created_at: string;
}

/** What happens to the next requests, until it is taken away. */
export type Fault = { kind: "limited"; retryAfterS: number } | { kind: "broken" } | { kind: "refused" } | { kind: "cut"; method: string };

export class CloudflareStandIn {
  readonly zone = randomBytes(16).toString("hex");
  readonly token = randomBytes(20).toString("hex");
  readonly hostnames = new Map<string, CustomHostname>();
  /** "POST /custom_hostnames", in the order they came. */
  readonly asked: string[] = [];
  /** Names of somebody else's, in another zone. */
  readonly taken = new Set<string>();
  fault: Fault | undefined;

  private constructor(private readonly server: Server, readonly address: string) {}

  static async start(authority: Authority, address: string): Promise<CloudflareStandIn> {
    const { key, certificate } = await authority.issue("cloudflare-api", [`IP:${address}`]);
    let self: CloudflareStandIn;
    const server = createServer({ key, cert: certificate }, (asked, response) => {
      self.#answer(asked, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    await new Promise<void>((ready) => server.listen(0, address, ready));
    self = new CloudflareStandIn(server, address);
    return self;
  }

  /** For the egress's exceptions. */
  get place(): string {
    return `${this.address}:${(this.server.address() as AddressInfo).port}`;
  }
  get base(): string {
    return `https://${this.place}/client/v4`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  of(hostname: string): CustomHostname | undefined {
    return [...this.hostnames.values()].find((one) => one.hostname === hostname);
  }

  /** Somebody makes one by hand. */
  put(hostname: string, created = new Date()): CustomHostname {
    const made: CustomHostname = {
      id: randomUUID(), hostname, status: "pending", ssl: { method: "http", type: "dv", status: "pending_validation" },
      verification_errors: ["custom hostname does not CNAME to this zone."], created_at: created.toISOString(),
    };
    this.hostnames.set(made.id, made);
    return made;
  }

  /** Its CNAME record was set, and was seen. */
  activate(hostname: string): void {
    const one = this.of(hostname)!;
    one.status = one.ssl.status = "active";
    delete one.verification_errors;
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(asked.url ?? "/", this.base);
    const body = await text(asked);
    const path = url.pathname.replace(`/client/v4/zones/${this.zone}`, "");
    this.asked.push(`${asked.method} ${path}`);
    const fault = this.fault;
    if (fault?.kind === "limited") {
      response.setHeader("Retry-After", String(fault.retryAfterS));
      return refuse(response, 429, 971, "Please wait and consider throttling your request speed");
    }
    if (fault?.kind === "broken") {
      response.writeHead(502, { "Content-Type": "text/html" }).end("<html>Bad gateway</html>");
      return;
    }
    if (fault?.kind === "refused" || asked.headers.authorization !== `Bearer ${this.token}`) return refuse(response, 403, 10000, "Authentication error");
    if (!url.pathname.startsWith(`/client/v4/zones/${this.zone}/`)) return refuse(response, 404, 7003, `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`);
    const cut = fault?.kind === "cut" && fault.method === asked.method;
    if (path === "/custom_hostnames") {
      if (asked.method === "POST") return this.#create(body, response, cut);
      if (asked.method === "GET") return this.#list(url.searchParams, response);
    }
    const one = this.hostnames.get(path.replace("/custom_hostnames/", ""));
    if (!one) return refuse(response, 404, 1436, "The custom hostname was not found.");
    if (asked.method === "DELETE") {
      this.hostnames.delete(one.id);
      if (cut) return void asked.socket.destroy();
      response.writeHead(200, json).end(JSON.stringify({ id: one.id }));
      return;
    }
    if (asked.method === "PATCH") {
      const { ssl } = JSON.parse(body) as { ssl?: { method?: string; type?: string } };
      if (ssl?.method !== "http" || ssl.type !== "dv") return refuse(response, 400, 1400, "Unable to decode the JSON request body.");
      one.ssl = { method: "http", type: "dv", status: "pending_validation" };
    }
    succeed(response, asked.method === "PATCH" ? 202 : 200, one);
  }

  #create(body: string, response: ServerResponse, cut: boolean): void {
    const { hostname, ssl } = JSON.parse(body) as { hostname: string; ssl: { method: string; type: string } };
    if (ssl.method !== "http" || ssl.type !== "dv" || !/^[a-z0-9.-]{1,255}$/.test(hostname)) return refuse(response, 400, 1407, "Invalid custom hostname.");
    if (this.taken.has(hostname) || this.of(hostname)) return refuse(response, 409, 1406, "Duplicate custom hostname found.");
    const made = this.put(hostname);
    if (cut) return void response.socket?.destroy();
    succeed(response, 201, { ...made, ssl: { ...made.ssl, status: "initializing" } });
  }

  #list(asked: URLSearchParams, response: ServerResponse): void {
    const perPage = Number(asked.get("per_page") ?? 20);
    const page = Number(asked.get("page") ?? 1);
    if (perPage < 5 || perPage > 50) return refuse(response, 400, 1400, "per_page must be from 5 to 50");
    const all = [...this.hostnames.values()].filter((one) => one.hostname.includes(asked.get("hostname") ?? ""));
    const result = all.slice((page - 1) * perPage, page * perPage);
    succeed(response, 200, result, { page, per_page: perPage, count: result.length, total_count: all.length, total_pages: Math.max(1, Math.ceil(all.length / perPage)) });
  }
}

/** What stands at Cloudflare's addresses: ends TLS for one name, and asks the origin with a client certificate. */
export class CloudflareFront {
  private constructor(private readonly server: Server) {}

  /** `pull`: what it shows the origin; without it, nothing. */
  static async start(authority: Authority, name: string, origin: Controller, pull?: { key: string; certificate: string }): Promise<CloudflareFront> {
    const { key, certificate } = await authority.issue(`front-${name}-${pull ? "pull" : "bare"}`, [`DNS:${name}`]);
    const server = createServer({ key, cert: certificate }, (asked, response) => {
      const address = asked.socket.remoteAddress!;
      const call = request({
        host: origin.address, port: origin.port, servername: name, rejectUnauthorized: false, agent: false, method: asked.method, path: asked.url,
        headers: { ...asked.headers, "cf-connecting-ip": address, "cf-ray": randomBytes(8).toString("hex"), "x-forwarded-for": address, "x-forwarded-proto": "https" },
        ...(pull ? { key: pull.key, cert: pull.certificate } : {}),
      }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      call.on("error", (error) => response.writeHead(525).end(String(error)));
      asked.pipe(call);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return new CloudflareFront(server);
  }

  /** A request of a visitor who has this address of loopback. */
  async visit(authority: Authority, name: string, path: string, from: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const { port } = this.server.address() as AddressInfo;
    const call = request({ host: "127.0.0.1", port, localAddress: from, servername: name, ca: authority.certificate, agent: false, path, headers: { Host: name, ...headers } }).end();
    const [answer] = (await once(call, "response")) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, text: await text(answer) };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

const json = { "Content-Type": "application/json" };

function succeed(response: ServerResponse, status: number, result: unknown, info?: Record<string, number>): void {
  response.writeHead(status, json).end(JSON.stringify({ success: true, errors: [], messages: [], result, ...(info ? { result_info: info } : {}) }));
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, json).end(JSON.stringify({ success: false, errors: [{ code, message }], messages: [], result: null }));
}

async function text(from: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of from.setEncoding("utf8")) all += chunk as string;
  return all;
}
