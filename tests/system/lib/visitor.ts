// A browser without scripts: follows redirects, keeps cookies, fills in forms, and writes down all that it sent.
import { Agent, request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";

export interface Sent {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
}

export interface Page {
  url: URL;
  status: number;
  text: string;
  headers: IncomingHttpHeaders;
  /** Every address on the way, this page's the last. */
  way: URL[];
}

export class Visitor {
  /** All requests so far, to whomever. */
  readonly sent: Sent[] = [];
  /** By host and port, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();
  #agent: Agent;

  /** `ca`: PEM of all authorities that it trusts; `names`: host names that lead to an address. */
  constructor(ca: string[], private readonly names: Record<string, string> = {}) {
    this.#agent = new Agent({ ca: ca.join("\n"), keepAlive: false });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Opens an address as a person types it, or, with `from`, as a page of that origin leads to it. */
  async open(address: string | URL, options: { from?: URL; stopBefore?: (url: URL) => boolean } = {}): Promise<Page> {
    return this.#go("GET", new URL(address), "", options.from ? siteOf(options.from, new URL(address)) : "none", options.stopBefore);
  }

  /** Fills in the first form of a page and sends it. */
  async submit(page: Page, fields: Record<string, string>, stopBefore?: (url: URL) => boolean): Promise<Page> {
    const form = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(page.text);
    if (!form) throw new Error(`${page.url} (${page.status}) has no form:\n${page.text.slice(0, 2000)}`);
    const body = new URLSearchParams();
    for (const [input] of form[2]!.matchAll(/<input\b[^>]*>/gi)) {
      const name = attribute(input, "name");
      if (name) body.set(name, fields[name] ?? attribute(input, "value") ?? "");
    }
    const target = new URL(attribute(form[1]!, "action") ?? page.url, page.url);
    return this.#go("POST", target, body.toString(), siteOf(page.url, target), stopBefore);
  }

  /** What was sent to one origin. */
  sentTo(origin: string): Sent[] {
    return this.sent.filter((one) => one.url.origin === origin);
  }

  async #go(first: string, to: URL, form: string, from: string, stopBefore?: (url: URL) => boolean): Promise<Page> {
    const way: URL[] = [];
    let [method, url, body, site] = [first, to, form, from];
    for (let hops = 0; hops < 20; hops += 1) {
      way.push(url);
      const page = { url, ...(await this.#ask(method, url, body, site)), way };
      const location = page.headers.location;
      if (page.status < 300 || page.status > 399 || !location) return page;
      const next = new URL(location, url);
      if (stopBefore?.(next)) return { ...page, way: [...way, next] };
      if (siteOf(url, next) === "cross-site") site = "cross-site"; // and so it stays
      [method, url, body] = ["GET", next, ""];
    }
    throw new Error(`more than 20 redirects:\n${way.join("\n")}`);
  }

  #ask(method: string, url: URL, body: string, site: string): Promise<{ status: number; text: string; headers: IncomingHttpHeaders }> {
    const jar = this.cookies.get(url.host) ?? new Map<string, string>();
    this.cookies.set(url.host, jar);
    const headers: Record<string, string> = {
      Host: url.host, "User-Agent": "visitor", Accept: "text/html", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate",
    };
    if (jar.size > 0) headers.Cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    if (method === "POST") {
      headers["Content-Type"] = "application/x-www-form-urlencoded";
      headers["Content-Length"] = String(Buffer.byteLength(body));
    }
    this.sent.push({ method, url, headers, body });
    return new Promise((done, failed) => {
      const asked = request({
        agent: this.#agent, host: this.names[url.hostname] ?? url.hostname, port: url.port || 443,
        servername: /^[\d.]+$/.test(url.hostname) ? "" : url.hostname, method, path: url.pathname + url.search, headers, timeout: 30_000,
      }, (response) => {
        for (const cookie of response.headers["set-cookie"] ?? []) take(jar, cookie);
        let text = "";
        response.setEncoding("utf8").on("data", (more: string) => (text += more)).on("error", failed);
        response.on("end", () => done({ status: response.statusCode ?? 0, text, headers: response.headers }));
      });
      asked.on("timeout", () => asked.destroy(new Error(`${method} ${url}: no answer`))).on("error", failed).end(body);
    });
  }
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`, "i").exec(tag)?.[1]?.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
}

function siteOf(from: URL, to: URL): string {
  return from.origin === to.origin ? "same-origin" : "cross-site";
}

function take(jar: Map<string, string>, cookie: string): void {
  const [pair = "", ...rest] = cookie.split(";").map((part) => part.trim());
  const name = pair.slice(0, pair.indexOf("="));
  const value = pair.slice(pair.indexOf("=") + 1);
  const ends = rest.find((part) => /^expires=/i.test(part))?.slice(8);
  const gone = value === "" || rest.some((part) => /^max-age=0$/i.test(part)) || (ends !== undefined && Date.parse(ends) < Date.now());
  if (gone) jar.delete(name);
  else jar.set(name, value);
}
