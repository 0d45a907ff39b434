// A certified OpenID provider (npm's oidc-provider) as a company runs one: over HTTPS, with an authority of its own, with
// log-in and consent pages of its own. Google, GitLab and Microsoft are played by it: only the addresses are not theirs.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import type { Authority } from "./pki.ts";

export interface Claims {
  email?: string;
  email_verified?: boolean;
  name?: string;
  [more: string]: unknown;
}

/** What the controller asked of a provider. */
export interface Asked {
  method: string;
  path: string;
  body: string;
}

export class OpenId {
  /** Who has an account there, by log-in name; whoever is taken out can no longer sign in. */
  readonly people = new Map<string, Claims>();
  readonly asked: Asked[] = [];
  /** Every token that it handed out, of whatever kind. */
  readonly handed: string[] = [];
  readonly client = { id: "fairlead", secret: randomBytes(16).toString("hex") };
  #provider: Provider | undefined;

  private constructor(private readonly server: Server, readonly address: string, private readonly path: string) {}

  /** Listens; signs nobody in before `serve`. `path` is that of the issuer ("/tenant/v2.0"). */
  static async start(authority: Authority, address: string, path = ""): Promise<OpenId> {
    const { key, certificate } = await authority.issue(`openid-${randomBytes(3).toString("hex")}`, [`IP:${address}`]);
    let self: OpenId;
    const server = createServer({ key, cert: certificate }, (request, response) => self.#answer(request, response));
    await new Promise<void>((ready) => server.listen(0, address, ready));
    self = new OpenId(server, address, path);
    return self;
  }

  get origin(): string {
    return `https://${this.address}:${(this.server.address() as AddressInfo).port}`;
  }

  get issuer(): string {
    return this.origin + this.path;
  }

  /** `claimsInToken`: whether the ID token has e-mail and name, or only the userinfo endpoint. */
  serve(redirect: string, options: { claimsInToken?: boolean; alg?: "RS256" | "PS256" | "ES256" | "EdDSA"; method?: string } = {}): void {
    const alg = options.alg ?? "RS256";
    this.#provider = new Provider(this.issuer, {
      clients: [{
        client_id: this.client.id, client_secret: this.client.secret, redirect_uris: [redirect], grant_types: ["authorization_code"],
        response_types: ["code"], id_token_signed_response_alg: alg, token_endpoint_auth_method: options.method ?? "client_secret_basic",
      }],
      jwks: { keys: [signingKey(alg)] },
      pkce: { required: () => true, methods: ["S256"] },
      claims: { openid: ["sub", "tid", "xms_edov"], email: ["email", "email_verified"], profile: ["name"] },
      conformIdTokenClaims: !options.claimsInToken,
      cookies: { keys: [randomBytes(16).toString("hex")] },
      enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
      findAccount: (_: unknown, id: string) => {
        const claims = this.people.get(id);
        return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
      },
      ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? "/";
    const asked: Asked = { method: request.method ?? "", path: url, body: "" };
    this.asked.push(asked);
    // Listens in; the provider reads the same pieces.
    const push = request.push.bind(request);
    request.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk !== null && asked.body.length < 65_536) asked.body += String(chunk);
      return push(chunk, encoding);
    };
    const end = response.end.bind(response);
    response.end = ((...given: Parameters<ServerResponse["end"]>) => {
      if (/\/token$/.test(url)) for (const [, token] of String(given[0]).matchAll(/"\w*_token":"([^"]+)"/g)) this.handed.push(token!);
      return end(...given);
    }) as ServerResponse["end"];
    if (!this.#provider || !url.startsWith(this.path)) {
      response.writeHead(404).end();
      return;
    }
    (request as IncomingMessage & { originalUrl?: string }).originalUrl = url;
    request.url = url.slice(this.path.length) || "/";
    void this.#provider.callback()(request, response);
  }
}

function signingKey(alg: string): Record<string, unknown> {
  const { privateKey } =
    alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : alg === "EdDSA" ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: randomBytes(4).toString("hex") };
}
