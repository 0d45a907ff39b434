// Stand-ins for GitHub and Bitbucket, made from what they publish about OAuth, for tests alone:
//   docs.github.com, "Authorizing OAuth apps", REST "Users" and "Emails"
//   developer.atlassian.com, "OAuth on Bitbucket Cloud", REST "Users"
// Both are stricter than the originals where that costs nothing: PKCE has to be there and right, a code is good once.
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Authority } from "./pki.ts";

export interface Account {
  password: string;
  id: string | number;
  name: string;
  emails: { email: string; primary: boolean; verified: boolean }[];
}

interface Grant {
  login: string;
  redirect: string;
  challenge: string;
}

export type Kind = "github" | "bitbucket";

/** Paths below the base address; those of GitHub Enterprise Server, which has all on one host. */
const paths = {
  github: { authorize: "/login/oauth/authorize", token: "/login/oauth/access_token", api: "/api/v3" },
  bitbucket: { authorize: "/site/oauth2/authorize", token: "/site/oauth2/access_token", api: "/2.0" },
};

export class PlainOauthStandIn {
  readonly people = new Map<string, Account>();
  readonly client = { id: "fairlead", secret: randomBytes(16).toString("hex") };
  /** Requests to the token address, as they came. */
  readonly traded: URLSearchParams[] = [];
  /** Every token that it handed out, to use and to refresh. */
  readonly handed: string[] = [];
  #codes = new Map<string, Grant>();
  #tokens = new Map<string, string>();

  private constructor(readonly kind: Kind, private readonly server: Server, readonly address: string) {}

  static async start(kind: Kind, authority: Authority, address: string): Promise<PlainOauthStandIn> {
    const { key, certificate } = await authority.issue(`${kind}-stand-in`, [`IP:${address}`]);
    let self: PlainOauthStandIn;
    const server = createServer({ key, cert: certificate }, (request, response) => {
      self.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    await new Promise<void>((ready) => server.listen(0, address, ready));
    self = new PlainOauthStandIn(kind, server, address);
    return self;
  }

  get origin(): string {
    return `https://${this.address}:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    const mine = paths[this.kind];
    const body = new URLSearchParams(await text(request));
    if (request.method === "GET" && url.pathname === mine.authorize) return this.#page(url.searchParams, response);
    if (request.method === "POST" && url.pathname === mine.authorize) return this.#signIn(body, response);
    if (request.method === "POST" && url.pathname === mine.token) return this.#trade(request, body, response);
    if (request.method === "GET" && url.pathname.startsWith(mine.api)) return this.#api(request, url.pathname.slice(mine.api.length), response);
    response.writeHead(404).end();
  }

  /** The provider's own log-in page. */
  #page(asked: URLSearchParams, response: ServerResponse): void {
    const kept = ["redirect_uri", "state", "code_challenge"]
      .map((name) => `<input type="hidden" name="${name}" value="${escape(asked.get(name) ?? "")}">`).join("");
    const fine = asked.get("client_id") === this.client.id && asked.get("response_type") === "code" && asked.get("code_challenge_method") === "S256";
    if (!fine) response.writeHead(400).end("not asked as the documentation says");
    else {
      response.writeHead(200, { "Content-Type": "text/html" })
        .end(`<form method="post" action="${paths[this.kind].authorize}">${kept}<input name="login"><input type="password" name="password"></form>`);
    }
  }

  #signIn(form: URLSearchParams, response: ServerResponse): void {
    const login = form.get("login") ?? "";
    const back = new URL(form.get("redirect_uri") ?? "");
    back.searchParams.set("state", form.get("state") ?? "");
    const account = this.people.get(login);
    if (!account || account.password !== form.get("password")) {
      back.searchParams.set("error", "access_denied");
    } else {
      const code = randomBytes(10).toString("hex");
      this.#codes.set(code, { login, redirect: form.get("redirect_uri")!, challenge: form.get("code_challenge")! });
      back.searchParams.set("code", code);
    }
    response.writeHead(302, { Location: back.href }).end();
  }

  #trade(request: IncomingMessage, form: URLSearchParams, response: ServerResponse): void {
    this.traded.push(form);
    const basic = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    const [id, secret] = this.kind === "bitbucket" ? basic.split(":") : [form.get("client_id"), form.get("client_secret")];
    const grant = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    // GitHub tells errors with status 200, in a form of words unless JSON is asked for.
    const refuse = (error: string): void => json(response, { error, error_description: "refused" }, this.kind === "github" ? 200 : 400);
    if (id !== this.client.id || secret !== this.client.secret) return refuse(this.kind === "github" ? "incorrect_client_credentials" : "invalid_client");
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    const fine = grant && form.get("redirect_uri") === grant.redirect && challenge === grant.challenge;
    if (!fine) return refuse(this.kind === "github" ? "bad_verification_code" : "invalid_grant");
    if (!String(request.headers.accept).includes("application/json")) return refuse("no_json");
    const token = `tok_${randomBytes(16).toString("hex")}`;
    this.#tokens.set(token, grant.login);
    this.handed.push(token, `ref_${token}`);
    json(response, { access_token: token, token_type: "bearer", refresh_token: `ref_${token}`, scope: "read:user" });
  }

  #api(request: IncomingMessage, path: string, response: ServerResponse): void {
    const account = this.people.get(this.#tokens.get((request.headers.authorization ?? "").replace("Bearer ", "")) ?? "");
    if (!account || !request.headers["user-agent"]) return json(response, { message: "Bad credentials" }, 401);
    const github = this.kind === "github";
    if (path === "/user") return json(response, github ? { id: account.id, login: "x", name: account.name } : { uuid: account.id, display_name: account.name });
    if (path === "/user/emails") {
      return json(response, github ? account.emails.map((one) => ({ ...one, visibility: null }))
        : { pagelen: 10, values: account.emails.map((one) => ({ type: "email", email: one.email, is_primary: one.primary, is_confirmed: one.verified })) });
    }
    json(response, { message: "Not Found" }, 404);
  }
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

function escape(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

async function text(request: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of request.setEncoding("utf8")) all += chunk as string;
  return all;
}
