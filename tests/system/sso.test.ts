// Signing in with a provider: the certified oidc-provider plays Google, GitLab, Microsoft and a company of its own;
// stand-ins play GitHub and Bitbucket. A visitor without scripts goes the way that a browser goes.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { Api } from "./lib/api.ts";
import { admin, Controller, controllerName } from "./lib/controller.ts";
import { controllerAddress } from "./lib/host.ts";
import { OpenId } from "./lib/openid.ts";
import { folder } from "./lib/paths.ts";
import { makeAuthority } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import { PlainOauthStandIn } from "./lib/plain-oauth.ts";
import type { Session } from "./lib/types.ts";
import { type Page, Visitor } from "./lib/visitor.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const tenant = "4f2d0f3e-6c67-4c5b-b112-36a304b66dad";
const password = "only-the-provider-knows-this 5";
const session = "__Host-fairlead";
const attempt = "__Host-fairlead-sso";

describe("single sign-on", () => {
  const openIds = new Map<string, OpenId>();
  const plain = new Map<string, PlainOauthStandIn>();
  const authorities: string[] = [];
  const world = worldOfSuite(providers);
  let controller: Controller;
  let origin: string;

  /** Starts the providers and gives the part of controller.yaml that names them. */
  async function providers(): Promise<string> {
    const dir = folder(join(world.dir, "providers"));
    const address = await controllerAddress();
    const authority = await makeAuthority(join(dir, "pki"), "Fairlead tests providers");
    authorities.push(authority.certificate);
    writeFileSync(join(dir, "ca.pem"), authority.certificate);
    let yaml = "\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nsign_in_with:\n";
    const add = (slug: string, provider: { client: { id: string; secret: string } }, more: Record<string, string>): void => {
      writeFileSync(join(dir, `${slug}.secret`), `${provider.client.secret}\n`, { mode: 0o600 });
      const keys = { ...more, client_id: provider.client.id, client_secret_file: join(dir, `${slug}.secret`), ca_file: join(dir, "ca.pem") };
      yaml += `  - ${Object.entries(keys).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join("\n    ")}\n`;
    };
    for (const slug of ["google", "gitlab", "microsoft", "staff"]) {
      openIds.set(slug, await OpenId.start(authority, address, slug === "microsoft" ? `/${tenant}/v2.0` : ""));
    }
    for (const kind of ["github", "bitbucket"] as const) plain.set(kind, await PlainOauthStandIn.start(kind, authority, address));
    add("google", openIds.get("google")!, { provider: "google", base_url: openIds.get("google")!.issuer });
    add("gitlab", openIds.get("gitlab")!, { provider: "gitlab", base_url: openIds.get("gitlab")!.issuer });
    add("microsoft", openIds.get("microsoft")!, { provider: "microsoft", tenant, base_url: openIds.get("microsoft")!.origin });
    add("staff", openIds.get("staff")!, { provider: "oidc", slug: "staff", name: "Staff", issuer: openIds.get("staff")!.issuer });
    for (const [kind, standIn] of plain) add(kind, standIn, { provider: kind, base_url: standIn.origin });
    return yaml;
  }

  before(async () => {
    controller = await world.controller();
    origin = `https://${controllerName}:${controller.port}`;
    authorities.push((await controller.endpoint()).ca);
    const back = (slug: string): string => `${origin}/api/v1/sso/${slug}/callback`;
    openIds.get("google")!.serve(back("google"), { claimsInToken: true });
    openIds.get("gitlab")!.serve(back("gitlab"), { alg: "PS256", method: "client_secret_post" });
    openIds.get("microsoft")!.serve(back("microsoft"), { claimsInToken: true, alg: "ES256" });
    openIds.get("staff")!.serve(back("staff"), { alg: "EdDSA" });
    const ada = { email: admin.email, email_verified: true, name: "Ada" };
    for (const provider of openIds.values()) {
      provider.people.set("ada", { ...ada, tid: tenant, xms_edov: true });
      provider.people.set("eve", { email: admin.email, email_verified: false, tid: tenant, xms_edov: false });
      provider.people.set("nobody", { email: "nobody@elsewhere.test", email_verified: true, tid: tenant, xms_edov: true });
    }
    for (const [kind, standIn] of plain) {
      const account = (id: number, email: string, verified: boolean) => ({
        password, id: kind === "github" ? id : `{${id}}`, name: "Ada",
        emails: [{ email: "second@fairlead.test", primary: false, verified: true }, { email, primary: true, verified }],
      });
      standIn.people.set("ada", account(583231, admin.email, true));
      standIn.people.set("eve", account(583232, admin.email, false));
      standIn.people.set("nobody", account(583233, "nobody@elsewhere.test", true));
    }
  });
  after(async () => {
    await Promise.all([...openIds.values(), ...plain.values()].map((one) => one.stop()));
  });

  const visitor = (): Visitor => new Visitor(authorities, { [controllerName]: controller.address });
  const back = (url: URL): boolean => url.pathname.endsWith("/callback");

  /** Goes to the provider and gives name and password there; stops before the way back to us. */
  async function atProvider(browser: Visitor, slug: string, who = "ada", change: (url: URL) => URL = (url) => url): Promise<URL> {
    const left = await browser.open(`${origin}/api/v1/sso/${slug}/start?return=/o/here`, { stopBefore: (url) => url.origin !== origin });
    assert.equal(left.status, 303, left.text);
    let page = await browser.open(change(left.way.at(-1)!), { from: new URL(origin), stopBefore: back });
    for (let forms = 0; forms < 4 && !back(page.way.at(-1)!); forms += 1) {
      page = await browser.submit(page, { login: who, password }, back);
    }
    const last = page.way.at(-1)!;
    assert.ok(back(last), `${slug} did not send the browser back: ${last} ${page.text.slice(0, 500)}`);
    return last;
  }
  async function comeBack(browser: Visitor, url: URL): Promise<Page> {
    return browser.open(url, { from: new URL("https://provider.example"), stopBefore: (next) => next.origin === origin });
  }
  /** Where the browser lands in the end. */
  async function signIn(browser: Visitor, slug: string, who = "ada"): Promise<URL> {
    return (await comeBack(browser, await atProvider(browser, slug, who))).way.at(-1)!;
  }
  function cookie(browser: Visitor, name = session): string | undefined {
    return browser.cookies.get(new URL(origin).host)?.get(name);
  }
  async function api(browser: Visitor): Promise<Api> {
    const client = new Api(await controller.endpoint());
    client.cookie = `${session}=${cookie(browser) ?? ""}`;
    return client;
  }
  function problem(landed: URL): string | null {
    assert.equal(landed.pathname, "/signin", String(landed));
    return landed.searchParams.get("problem");
  }

  /** The whole way with one provider: right, then with each part of it forged. */
  async function holds(slug: string, openId: boolean): Promise<void> {
    const browser = visitor();
    const left = await browser.open(`${origin}/api/v1/sso/${slug}/start`, { stopBefore: (url) => url.origin !== origin });
    const asked = left.way.at(-1)!.searchParams;
    for (const name of ["state", "code_challenge", ...(openId ? ["nonce"] : [])]) assert.match(asked.get(name) ?? "", /^[A-Za-z0-9_-]{43}$/, name);
    assert.equal(asked.get("code_challenge_method"), "S256");

    const landed = await signIn(browser, slug);
    assert.equal(landed.pathname, "/o/here", String(landed));
    const client = await api(browser);
    const mine = await client.get<Session & { method: string; issuer: string }>("/api/v1/session");
    assert.deepEqual([mine.user.email, mine.method, mine.issuer], [admin.email, "sso", slug]);
    const identities = await client.get<{ data: { provider: string; email: string }[] }>("/api/v1/account/identities");
    assert.ok(identities.data.some((one) => one.provider === slug && one.email === admin.email), JSON.stringify(identities));
    client.close();

    const forged = async (what: string, change: (url: URL) => URL, turn: (url: URL) => URL, expected: string): Promise<void> => {
      const thief = visitor();
      const code = turn(await atProvider(thief, slug, "ada", change));
      assert.equal(problem((await comeBack(thief, code)).way.at(-1)!), expected, `${slug}: ${what}`);
      assert.equal(cookie(thief), undefined, `${slug}: ${what}`);
      thief.close();
    };
    const set = (name: string, value: string) => (url: URL): URL => {
      const changed = new URL(url);
      changed.searchParams.set(name, value);
      return changed;
    };
    const same = (url: URL): URL => url;
    const other = "A".repeat(43);
    await forged("another state", same, set("state", other), "sso_expired");
    await forged("another PKCE challenge", set("code_challenge", other), same, "sso_refused");
    await forged("a made up code", same, set("code", "made-up"), "sso_refused");
    if (openId) {
      await past();
      await forged("another nonce", set("nonce", other), same, "sso_refused");
      await forged("another issuer's answer", same, set("iss", "https://issuer.example"), "sso_refused");
    }
    await past();
    const eve = visitor();
    assert.equal(problem(await signIn(eve, slug, "eve")), "sso_email_unverified", slug);
    assert.equal(problem(await signIn(eve, slug === "staff" ? "google" : slug, "eve")), "sso_email_unverified", slug);
    eve.close();
    browser.close();
  }

  async function sql(statement: string): Promise<void> {
    await run("sqlite3", ["-cmd", ".timeout 10000", join(controller.data, "fairlead.db"), statement]);
  }
  /** Failures make an address wait; restarting is no way around it, so the row goes. */
  const past = (): Promise<void> => sql("DELETE FROM proof_wait");

  scenario(world, "the sign-in page is told of the providers, in the order of the configuration", async () => {
    const { body } = await (await world.api()).stranger().send<{ providers: { slug: string; kind: string }[]; problem: null }>("GET", "/api/v1/sign-in-options");
    assert.deepEqual(body.providers.map((one) => one.slug), ["google", "gitlab", "microsoft", "staff", "github", "bitbucket"]);
    assert.equal(body.providers[3]!.kind, "oidc");
  });

  scenario(world, "one signs in with Google; forged state, nonce, PKCE challenge, code and issuer are refused [S-AUTH-07]", () => holds("google", true));
  scenario(world, "one signs in with GitHub; forged state, PKCE challenge and code are refused [S-AUTH-08]", () => holds("github", false));
  scenario(world, "one signs in with GitLab; forged state, nonce, PKCE challenge, code and issuer are refused [S-AUTH-09]", () => holds("gitlab", true));
  scenario(world, "one signs in with Bitbucket; forged state, PKCE challenge and code are refused [S-AUTH-10]", () => holds("bitbucket", false));
  scenario(world, "one signs in with Microsoft, and with an OpenID provider of one's own", async () => {
    await holds("microsoft", true);
    await holds("staff", true);
  });

  scenario(world, "the provider's password never reaches the controller: a code does, good once and in the browser that began [S-AUTH-11]", async () => {
    for (const slug of ["google", "github"]) {
      const browser = visitor();
      const url = await atProvider(browser, slug);
      const code = url.searchParams.get("code")!;
      // Somebody else opens the address that the provider sent: with no cookie, and with that of an attempt of their own.
      const victim = visitor();
      assert.equal(problem((await comeBack(victim, url)).way.at(-1)!), "sso_expired");
      await victim.open(`${origin}/api/v1/sso/${slug}/start`, { stopBefore: (next) => next.origin !== origin });
      assert.equal(problem((await comeBack(victim, url)).way.at(-1)!), "sso_expired");
      assert.equal(cookie(victim), undefined);
      // It is still good where it belongs, and there once.
      const kept = cookie(browser, attempt)!;
      assert.equal((await comeBack(browser, url)).way.at(-1)!.pathname, "/o/here");
      assert.match(cookie(browser) ?? "", /^fls_/);
      browser.cookies.get(new URL(origin).host)!.delete(session);
      browser.cookies.get(new URL(origin).host)!.set(attempt, kept);
      assert.equal(problem((await comeBack(browser, url)).way.at(-1)!), "sso_expired");

      const ours = [...browser.sentTo(origin), ...victim.sentTo(origin)];
      assert.ok(ours.length >= 4);
      for (const sent of ours) {
        const all = `${sent.url.href}\n${JSON.stringify(sent.headers)}\n${sent.body}`;
        assert.equal(sent.method, "GET");
        assert.equal(sent.body, "");
        assert.ok(!all.includes("only-the-provider") && !/password/i.test(all), all);
        for (const name of sent.url.searchParams.keys()) assert.ok(["state", "code", "iss", "return", "next", "problem"].includes(name), name);
      }
      const theirs = browser.sent.filter((sent) => sent.url.origin !== origin && sent.body.includes("only-the-provider"));
      assert.equal(theirs.length, 1, "the password went to the provider, once");
      // Nor does the controller keep anything of the way: no code, no token of the provider's.
      const asked = slug === "google" ? openIds.get("google")!.asked.map((one) => one.body).join("\n") : plain.get("github")!.traded.join("\n");
      assert.ok(asked.includes(code), "the controller traded the code");
      for (const file of [...readdirSync(controller.data).filter((name) => name.startsWith("fairlead.db")).map((name) => join(controller.data, name)), join(controller.dir, "controller.log")]) {
        const text = readFileSync(file, "latin1");
        for (const secret of ["only-the-provider", code, "ref_tok_", (slug === "google" ? openIds : plain).get(slug)!.client.secret]) {
          assert.ok(!text.includes(secret), `${file} holds ${secret}`);
        }
      }
      browser.close();
      victim.close();
    }
    await past();
  });

  scenario(world, "no token of a provider is kept: neither sealed nor in the clear, in the database, beside it or in the log [S-ENC-03]", async () => {
    const before = [...openIds.values(), ...plain.values()].map((one) => one.handed.length);
    for (const slug of [...openIds.keys(), ...plain.keys()]) {
      const browser = visitor();
      const left = await browser.open(`${origin}/api/v1/sso/${slug}/start`, { stopBefore: (url) => url.origin !== origin });
      // Who does not ask for a lasting access is given none; stand-ins give one all the same, as some providers do.
      const asked = left.way.at(-1)!.searchParams;
      assert.ok(!/offline/.test(String(asked)) && asked.get("prompt") !== "consent", String(asked));
      assert.equal((await signIn(browser, slug)).pathname, "/o/here");
      browser.close();
    }
    const handed = [...openIds.values(), ...plain.values()].flatMap((one, i) => one.handed.slice(before[i]));
    assert.ok(handed.filter((one) => one.startsWith("ref_")).length === 2 && handed.length >= 10, handed.join("\n"));
    const dir = controller.dir;
    const kept = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name))).filter((path) => statSync(path).isFile());
    assert.ok(["fairlead.db", "fairlead.db-wal", "controller.log"].every((name) => kept.some((path) => path.endsWith(name))), kept.join("\n"));
    for (const path of kept) {
      const bytes = readFileSync(path, "latin1");
      for (const token of handed) assert.ok(!bytes.includes(token), `${path} holds a token`);
    }
    // Sealed it would not be found so: there is no place for one. What an identity has is this, and none of it is secret.
    const columns = (await run("sqlite3", ["-readonly", join(controller.data, "fairlead.db"), "SELECT group_concat(name) FROM pragma_table_info('sign_in_identity')"])).stdout.trim();
    assert.equal(columns, "id,user_id,provider,issuer,subject,email,created_ms,last_used_ms");
    const challenges = (await run("sqlite3", ["-readonly", join(controller.data, "fairlead.db"), "SELECT count(*) FROM challenge"])).stdout.trim();
    assert.equal(challenges, "0", "nothing sealed waits for anything");
  });

  scenario(world, "a code of one provider is worth nothing at another's address", async () => {
    const browser = visitor();
    const url = await atProvider(browser, "google");
    const mixed = new URL(url.href.replace("/sso/google/", "/sso/gitlab/"));
    const before = openIds.get("gitlab")!.asked.length;
    assert.equal(problem((await comeBack(browser, mixed)).way.at(-1)!), "sso_expired");
    assert.equal(openIds.get("gitlab")!.asked.length, before, "the code of one was told to the other");
    browser.close();
  });

  scenario(world, "somebody without an account is told so, and whoever gives up at the provider too", async () => {
    const browser = visitor();
    assert.equal(problem(await signIn(browser, "google", "nobody")), "sso_no_account");
    const said = await (await world.api()).stranger().get<{ problem: { message: string } }>("/api/v1/sign-in-options?problem=sso_no_account");
    assert.match(said.problem.message, /invitation/);
    const wrong = visitor();
    assert.equal(problem(await signIn(wrong, "bitbucket", "stranger")), "sso_cancelled");
    browser.close();
    wrong.close();
  });

  scenario(world, "a team that asks for its own provider lets in by that alone, and whoever is taken out there does not come back [S-AUTH-12]", async () => {
    const byPassword = await world.api();
    const org = await world.org();
    const entered = async (client: Api): Promise<string> => {
      const { status, body } = await client.send<{ code?: string; provider?: string }>("GET", org);
      return status === 200 ? "in" : `${body.code} ${body.provider ?? ""}`;
    };
    const require = async (slug: string, expected: string): Promise<void> => {
      await sql(`INSERT INTO org_setting (org_id, sso_required) VALUES ('${org.split("/").at(-1)}', '${slug}')
        ON CONFLICT (org_id) DO UPDATE SET sso_required = excluded.sso_required`);
      await poll("the setting counts", 20_000, async () => ((await entered(byPassword)) === expected ? true : undefined), 200);
    };
    assert.equal(await entered(byPassword), "in");
    const google = visitor();
    assert.equal((await signIn(google, "google")).pathname, "/o/here");
    const byGoogle = await api(google);
    assert.equal(await entered(byGoogle), "in");

    await require("staff", "sso_required staff");
    // A password is good for the account and for other organizations, and does not reach this one; nor does another provider.
    const anew = byPassword.stranger();
    await anew.call("POST", "/api/v1/session", { body: { email: admin.email, password: admin.password } });
    assert.equal(await entered(anew), "sso_required staff");
    assert.equal(await entered(byGoogle), "sso_required staff");
    const staff = visitor();
    assert.equal((await signIn(staff, "staff")).pathname, "/o/here");
    const byStaff = await api(staff);
    assert.equal(await entered(byStaff), "in");

    const ada = openIds.get("staff")!.people.get("ada")!;
    openIds.get("staff")!.people.delete("ada");
    for (const browser of [staff, visitor()]) {
      browser.cookies.get(new URL(origin).host)?.delete(session);
      const left = await browser.open(`${origin}/api/v1/sso/staff/start`, { stopBefore: (url) => url.origin !== origin });
      let page = await browser.open(left.way.at(-1)!, { from: new URL(origin), stopBefore: back });
      for (let forms = 0; forms < 4 && !back(page.way.at(-1)!) && page.text.includes("<form"); forms += 1) {
        page = await browser.submit(page, { login: "ada", password }, back);
      }
      if (back(page.way.at(-1)!)) assert.notEqual(problem((await comeBack(browser, page.way.at(-1)!)).way.at(-1)!), null);
      assert.equal(cookie(browser), undefined, "somebody was signed in who is gone at the provider");
      browser.close();
    }
    openIds.get("staff")!.people.set("ada", ada);
    await past();
    await require("", "in");
    for (const client of [anew, byGoogle, byStaff]) client.close();
    google.close();
  });

  scenario(world, "an identity is added while signed in, whatever its address, and removed again", async () => {
    const client = await world.api();
    const browser = visitor();
    browser.cookies.set(new URL(origin).host, new Map([[session, client.cookie.split("=")[1]!]]));
    const start = `${origin}/api/v1/sso/staff/link?return=/account`;
    assert.equal((await browser.open(start)).status, 403, "by a link in a mail");
    assert.equal((await browser.open(start, { from: new URL("https://evil.example") })).status, 403, "from another site");
    let page = await browser.open(start, { from: new URL(origin), stopBefore: back });
    while (!back(page.way.at(-1)!)) page = await browser.submit(page, { login: "nobody", password }, back);
    assert.equal((await comeBack(browser, page.way.at(-1)!)).way.at(-1)!.href, `${origin}/account`);
    type Identity = { id: string; provider: string; provider_name: string; email: string };
    const mine = (await client.get<{ data: Identity[] }>("/api/v1/account/identities")).data.find((one) => one.email === "nobody@elsewhere.test");
    assert.equal(mine?.provider_name, "Staff");
    const other = visitor();
    assert.equal((await signIn(other, "staff", "nobody")).pathname, "/o/here");
    await client.call("DELETE", `/api/v1/account/identities/${mine!.id}`);
    assert.equal(problem(await signIn(visitor(), "staff", "nobody")), "sso_no_account");
    browser.close();
    other.close();
  });
});
