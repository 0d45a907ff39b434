// The controller's API as a browser or a program uses it: one authority is trusted and no other.
import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { randomUUID } from "node:crypto";

export interface Endpoint {
  /** Where to connect. */
  address: string;
  port: number;
  /** The name in its certificate. */
  name: string;
  /** PEM of the authority that signed it. */
  ca: string;
  /** An address of this machine to come from; any where it is not said. */
  from?: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: { field: string; message: string }[];
  operation_id?: string;
  permission?: string;
}

export class ApiError extends Error {
  constructor(readonly status: number, readonly problem: Problem, what: string) {
    super(`${what}: ${status} ${problem.code}: ${problem.detail}${problem.errors ? ` ${JSON.stringify(problem.errors)}` : ""}`);
  }
}

export interface Answer<T> {
  status: number;
  headers: IncomingMessage["headers"];
  body: T;
  text: string;
}

export interface CallOptions {
  body?: unknown;
  /** Sent as it is, instead of `body` as JSON. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  timeoutMs?: number;
}

export interface Event {
  id: string;
  event: string;
  data: unknown;
}

export class Api {
  /** The session's. */
  cookie = "";
  /** Hears every answer of this client and of each stranger that comes from it. */
  heard: ((method: string, path: string, answer: Answer<unknown>) => void) | undefined;
  #more = new Map<string, string>();
  #agent: Agent;

  constructor(readonly endpoint: Endpoint) {
    this.#agent = new Agent({
      ca: endpoint.ca, servername: endpoint.name, keepAlive: true, maxSockets: 64, minVersion: "TLSv1.2",
    });
  }

  /** The address as a browser would show it. */
  get origin(): string {
    return `https://${this.#host}`;
  }

  get #host(): string {
    const { name, port } = this.endpoint;
    return port === 443 ? name : `${name}:${port}`;
  }

  /** Another client of the same controller, signed in as nobody. */
  stranger(): Api {
    const other = new Api(this.endpoint);
    other.heard = this.heard;
    return other;
  }

  /** Sends a request and takes any answer. */
  async send<T = unknown>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
    const response = await this.#open(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const kind = String(response.headers["content-type"] ?? "");
    for (const cookie of response.headers["set-cookie"] ?? []) this.#take(cookie);
    const answer = {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: (/[/+]json\b/.test(kind) && text ? JSON.parse(text) : text) as T,
      text,
    };
    this.heard?.(method, path, answer);
    return answer;
  }

  /** Sends a request; throws an ApiError for an answer from 400 up. */
  async call<T = unknown>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const answer = await this.send<T>(method, path, options);
    if (answer.status >= 400) throw new ApiError(answer.status, answer.body as unknown as Problem, `${method} ${path}`);
    return answer.body;
  }

  get<T = unknown>(path: string): Promise<T> {
    return this.call<T>("GET", path);
  }

  post<T = unknown>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.call<T>("POST", path, { body, headers: { "Idempotency-Key": randomUUID(), ...headers } });
  }

  /**
   * Server-Sent Events until the server or the signal ends them. Ends with the signal without a throw; a
   * connection that breaks throws.
   */
  async *events(path: string, signal: AbortSignal, lastEventId?: string): AsyncGenerator<Event> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastEventId !== undefined) headers["Last-Event-ID"] = lastEventId;
    const response = await this.#open("GET", path, { headers, timeoutMs: 0 });
    if (response.statusCode !== 200) {
      const text = await read(response);
      throw new ApiError(response.statusCode ?? 0, JSON.parse(text) as Problem, `GET ${path}`);
    }
    const stop = (): void => void response.destroy();
    signal.addEventListener("abort", stop, { once: true });
    let rest = "";
    try {
      for await (const chunk of response.setEncoding("utf8")) {
        rest += (chunk as string).replaceAll("\r\n", "\n");
        for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
          const event = parseEvent(rest.slice(0, end));
          rest = rest.slice(end + 2);
          if (event) yield event;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      response.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, options: CallOptions): Promise<IncomingMessage> {
    const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const headers: Record<string, string> = { "Sec-Fetch-Site": "same-origin", Origin: this.origin };
    const cookies = [this.cookie, ...this.#more.values()].filter(Boolean);
    if (cookies.length > 0) headers.Cookie = cookies.join("; ");
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = String(Buffer.byteLength(body));
    } else if (method !== "GET" && method !== "HEAD") {
      headers["Content-Length"] = "0";
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = value;
    return new Promise((done, failed) => {
      const timeout = options.timeoutMs ?? 30_000;
      const request = httpsRequest({
        agent: this.#agent, host: this.endpoint.address, port: this.endpoint.port, servername: this.endpoint.name, localAddress: this.endpoint.from,
        method, path, headers: { Host: this.#host, ...headers }, timeout,
      });
      request.on("timeout", () => request.destroy(new Error(`${method} ${path}: no answer in ${timeout} ms`)));
      // A kept connection that the other side has just closed: browsers ask again as well.
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNRESET" && request.reusedSocket && method === "GET") this.#open(method, path, options).then(done, failed);
        else failed(error);
      });
      request.on("response", done);
      request.end(body);
    });
  }

  #take(cookie: string): void {
    const [pair = ""] = cookie.split(";");
    const value = pair.endsWith("=") ? "" : pair;
    if (pair.startsWith("__Host-fairlead=")) this.cookie = value;
    else this.#more.set(pair.split("=")[0]!, value);
  }
}

async function read(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
  return text;
}

/** One block of a stream; nothing for a comment. */
function parseEvent(block: string): Event | undefined {
  const event: Event = { id: "", event: "message", data: undefined };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") event.id = value;
    else if (name === "event") event.event = value;
    else if (name === "data") data.push(value);
  }
  if (data.length === 0) return undefined;
  event.data = JSON.parse(data.join("\n"));
  return event;
}
