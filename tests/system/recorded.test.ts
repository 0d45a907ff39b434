// Every route that changes something leaves an entry in a log. The test goes through the contract: each of its changing routes is
// called until it succeeds, and the entries of that very request are looked for, wherever they are.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import { Api, type Problem } from "./lib/api.ts";
import { Authenticator } from "./lib/authenticator.ts";
import { tunnelToken } from "./lib/cloudflared.ts";
import { type Controller, controllerName } from "./lib/controller.ts";
import { newId } from "./lib/direct.ts";
import { putDomain } from "./lib/domains.ts";
import { type EnrolledAlone, enrolAlone } from "./lib/fill.ts";
import { controllerAddress } from "./lib/host.ts";
import { MailServer, tokenOf } from "./lib/mail.ts";
import { OpenId } from "./lib/openid.ts";
import { built, folder } from "./lib/paths.ts";
import { join as joinOrg, ownOrg, password, signIn } from "./lib/people.ts";
import { makeAuthority } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import { sendPush, setUpPushes } from "./lib/pushes.ts";
import { type Contract, listRoutes } from "./lib/schema.ts";
import { SealingKey } from "./lib/sealed.ts";
import { askFor, Shell } from "./lib/terminal.ts";
import { codeOf } from "./lib/totp.ts";
import type { Environment, List, Operation, Server, Session } from "./lib/types.ts";
import { Visitor } from "./lib/visitor.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

/** What leaves no entry, and why that is right. Whatever is added here needs a reason as good. */
const exempt: Record<string, string> = {
  "POST /api/v1/setup/check": "looks at a link",
  "POST /api/v1/invitations/check": "looks at an invitation",
  "POST /api/v1/account/passkeys/options": "hands out a challenge that carries its own time; nothing is stored",
  "POST /api/v1/session/passkey/options": "hands out a challenge that carries its own time; nothing is stored",
  "POST /api/v1/session/second-factor/passkey/options": "hands out a challenge that carries its own time; nothing is stored",
  "POST /api/v1/session/elevate/passkey/options": "hands out a challenge that carries its own time; nothing is stored",
  "POST /api/v1/agent/recover/challenge": "hands out a challenge that is in memory for a minute",
  "POST /api/v1/orgs/{org}/environments/{environment}/backup-policy/preview": "says what a retention would keep; nothing is stored",
};

interface Done {
  route: string;
  request: string;
}

describe("every change", () => {
  let mail: MailServer, staff: OpenId, ca = "";
  const world = worldOfSuite(async () => {
    mail = await MailServer.start(join(world.dir, "mail"));
    const authority = await makeAuthority(join(world.dir, "provider"));
    staff = await OpenId.start(authority, await controllerAddress());
    ca = authority.certificate;
    const dir = folder(join(world.dir, "staff"));
    writeFileSync(join(dir, "ca.pem"), ca);
    writeFileSync(join(dir, "secret"), `${staff.client.secret}\n`, { mode: 0o600 });
    return `registration: open\nplan_of_new_organizations: agency\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n${mail.config}
sign_in_with:
  - provider: oidc
    slug: staff
    name: Staff
    issuer: ${staff.issuer}
    client_id: ${staff.client.id}
    client_secret_file: ${join(dir, "secret")}
    ca_file: ${join(dir, "ca.pem")}
acme:
  directory: https://127.0.0.1:1/directory
  contact: ops@example.org
  terms_accepted: true
`;
  });
  let owner: Api, org: string, controller: Controller, agent: PlayedAgent, machine: EnrolledAlone;
  const done: Done[] = [];

  before(async () => {
    owner = await world.api();
    org = await world.org();
    controller = await world.controller();
    staff.serve(`https://${controllerName}:${controller.port}/api/v1/sso/staff/callback`);
    const paths = listRoutes(await owner.get<Contract>("/api/v1/openapi.json")).filter((one) => one.method !== "GET")
      .map((one) => ({ method: one.method, path: one.path, fits: new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`) }));
    owner.heard = (method, path, answer) => {
      if (answer.status >= 400) return;
      const plain = path.split("?")[0]!;
      // "…/session/elevate" fits "…/session/{id}" of no route; where two fit, the one with fewer braces is meant.
      const [found] = paths.filter((one) => one.method === method && one.fits.test(plain)).sort((a, b) => a.path.split("{").length - b.path.split("{").length);
      if (found) done.push({ route: `${method} ${found.path}`, request: String(answer.headers["x-request-id"]) });
    };
  });
  afterEach(() => (agent as PlayedAgent | undefined)?.release()); // also after a test that failed half way
  after(async () => {
    agent?.close();
    await Promise.all([mail?.stop(), staff?.stop()]);
  });

  const ok = async <T = unknown>(api: Api, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> =>
    api.call<T>(method, path, { body, headers });
  const joins = (email: string): ReturnType<typeof joinOrg> =>
    joinOrg(owner, org, email, "viewer", {}, async () => tokenOf((await mail.next(email)).text, "invitation"));
  const confirm = (name: string): Record<string, string> => ({ "X-Confirm": encodeURIComponent(name) });
  const test = (title: string, body: () => Promise<void>): void => scenario(world, title, body, 180_000);

  test("an account's whole life", async () => {
    const api = owner.stranger();
    let email = "bob@fairlead.test";
    await ok(api, "POST", "/api/v1/register", { email, name: "Bob", password });
    await mail.next(email);
    await ok(api, "POST", "/api/v1/email/resend", { email });
    await ok(api, "POST", "/api/v1/email/verify", { token: tokenOf((await mail.next(email)).text, "verify-email") });
    await signIn(api, email);
    await ok(api, "PATCH", "/api/v1/account", { name: "Robert" });
    await ok(api, "POST", "/api/v1/account/email", { email: "robert@fairlead.test" });
    await ok(api, "POST", "/api/v1/email/verify", { token: tokenOf((await mail.next("robert@fairlead.test")).text, "verify-email") });
    email = "robert@fairlead.test";

    const other = await signIn(owner.stranger(), email);
    const sessions = await api.get<List<{ id: string; current: boolean }>>("/api/v1/sessions");
    await ok(api, "DELETE", `/api/v1/sessions/${sessions.data.find((one) => !one.current)!.id}`);
    other.api.close();
    const chosen = "five other words without sense";
    await ok(api, "POST", "/api/v1/password", { current: password, new: chosen });
    await ok(api, "POST", "/api/v1/session/elevate", { password: chosen });

    const totp = await ok<{ otpauth_uri: string }>(api, "POST", "/api/v1/account/totp");
    await ok(api, "POST", "/api/v1/account/totp/confirm", { code: await codeOf(totp.otpauth_uri) });
    const { recovery_codes } = await ok<{ recovery_codes: string[] }>(api, "POST", "/api/v1/account/recovery-codes");
    const half = async (one: Api): Promise<string> => {
      const asked = await one.send<Problem & { challenge: string }>("POST", "/api/v1/session", { body: { email, password: chosen } });
      assert.equal(asked.body.code, "second_factor_required", asked.text);
      return asked.body.challenge;
    };
    const second = owner.stranger();
    await ok(second, "POST", "/api/v1/session/second-factor", { challenge: await half(second), recovery_code: recovery_codes[0] });
    await ok(api, "DELETE", "/api/v1/account/totp");

    const key = new Authenticator(api.origin);
    type Options = { challenge: string };
    const credential = key.create(await ok<Options>(api, "POST", "/api/v1/account/passkeys/options"));
    const made = await ok<{ id: string }>(api, "POST", "/api/v1/account/passkeys", { name: "laptop", credential });
    await ok(api, "PATCH", `/api/v1/account/passkeys/${made.id}`, { name: "old laptop" });
    await ok(api, "POST", "/api/v1/session/elevate/passkey", { credential: key.get(await ok<Options>(api, "POST", "/api/v1/session/elevate/passkey/options")) });
    const third = owner.stranger();
    const challenge = await half(third);
    const options = await ok<Options>(third, "POST", "/api/v1/session/second-factor/passkey/options", { challenge });
    await ok(third, "POST", "/api/v1/session/second-factor/passkey", { challenge, credential: key.get(options) });
    await ok(third, "POST", "/api/v1/session/passkey", { credential: key.get(await ok<Options>(third, "POST", "/api/v1/session/passkey/options")) });
    await ok(third, "DELETE", "/api/v1/session");
    await ok(api, "DELETE", `/api/v1/account/passkeys/${made.id}`, undefined, confirm("old laptop"));

    await ok(api, "POST", "/api/v1/password/forgot", { email });
    await ok(api, "POST", "/api/v1/password/reset", { token: tokenOf((await mail.next(email)).text, "reset-password"), password });
    staff.people.set("robert", { email, email_verified: true });
    await byProvider("robert");
    await signIn(api, email);
    const { data: identities } = await api.get<List<{ id: string }>>("/api/v1/account/identities");
    await ok(api, "DELETE", `/api/v1/account/identities/${identities[0]!.id}`);

    // Into an organization of somebody else, out of it, and in again to be the last thing that is known of them.
    const invite = async (): Promise<string> => (await owner.post<{ token: string }>(`${org}/invitations`, { role: "viewer" })).token;
    const token = await invite();
    await ok(api, "POST", "/api/v1/invitations/check", { token });
    await ok(api, "POST", "/api/v1/invitations/accept", { token });
    await ok(api, "DELETE", `/api/v1/memberships/${org.split("/").at(-1)!}`);
    await ok(api, "POST", "/api/v1/invitations/accept", { token: await invite() });
    const mine = (await api.get<Session>("/api/v1/session")).orgs.find((one) => one.owner)!;
    await ok(api, "PATCH", `/api/v1/orgs/${mine.id}`, { name: "Robert's" });
    await ok(api, "DELETE", `/api/v1/orgs/${mine.id}`, undefined, confirm("Robert's"));
    await ok(api, "DELETE", "/api/v1/account", undefined, confirm(email));
    for (const one of [api, second, third]) one.close();
  });

  /** Signs in at the provider and comes back. */
  async function byProvider(login: string): Promise<void> {
    const visitor = new Visitor([ca, (await controller.endpoint()).ca], { [controllerName]: controller.address });
    const back = (url: URL): boolean => url.pathname.endsWith("/callback");
    let page = await visitor.open(`${owner.origin}/api/v1/sso/staff/start`, { stopBefore: back });
    for (let forms = 0; forms < 4 && !back(page.way.at(-1)!); forms += 1) page = await visitor.submit(page, { login, password }, back);
    page = await visitor.open(page.way.at(-1)!, { from: new URL(staff.origin) });
    assert.ok(!page.way.at(-1)!.searchParams.has("problem"), String(page.way.at(-1)));
    visitor.close();
  }

  test("a link that a command made", async () => {
    const zoe = await joins("zoe@fairlead.test");
    const said = await run(built("controller/fairlead-controller"), ["user", "link", zoe.email, "--config", controller.config]);
    const token = /([A-Za-z0-9_-]{20,})\s*$/m.exec(said.stdout)![1]!;
    const api = owner.stranger();
    await ok(api, "POST", "/api/v1/setup/check", { token });
    await ok(api, "POST", "/api/v1/setup", { token, password, name: "Zoe" });
    api.close();
  });

  test("an organization's people, roles, keys and settings", async () => {
    const own = await ownOrg(owner, "Short lived");
    await ok(owner, "PUT", `${own}/plan`, { plan: "pro" });
    await ok(owner, "DELETE", own, undefined, confirm("Short lived"));
    await ok(owner, "PATCH", org, { name: "Ada & Co" });

    const carl = await joins("carl@fairlead.test");
    const member = `${org}/members/${carl.user}`;
    const role = await owner.post<{ id: string }>(`${org}/roles`, { name: "Lookers", permissions: ["org.view"] });
    await ok(owner, "PATCH", `${org}/roles/${role.id}`, { permissions: ["org.view", "servers.view"] });
    await ok(owner, "PATCH", member, { role: role.id });
    await ok(owner, "PUT", `${member}/adjustments`, { granted: ["projects.view"], withdrawn: [] });
    const seen = await owner.post<{ id: string }>(`${org}/projects`, { name: "Seen", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } });
    await ok(owner, "PUT", `${member}/projects`, { projects: [seen.id] });
    await ok(owner, "PUT", `${member}/connect-as`, { allowed: false });
    await ok(owner, "POST", `${member}/owner`);
    await ok(owner, "DELETE", `${member}/owner`);
    await ok(owner, "PATCH", member, { role: "viewer" });
    await ok(owner, "DELETE", `${org}/roles/${role.id}`);
    await ok(owner, "DELETE", member);
    const invitation = await owner.post<{ invitation: { id: string } }>(`${org}/invitations`, { role: "viewer" });
    await ok(owner, "DELETE", `${org}/invitations/${invitation.invitation.id}`);

    await ok(owner, "PUT", `${org}/security`, {
      sso_required: null, two_factor_required: false, clone_enabled: false, connect_as_enabled: true, download_domains: [], addresses: [],
    });
    const key = await owner.post<{ api_key: { id: string } }>(`${org}/api-keys`, { name: "ci", kind: "read_only", permissions: ["org.view"] });
    await ok(owner, "DELETE", `${org}/api-keys/${key.api_key.id}`);
    await ok(owner, "POST", `${org}/support-access`, { reason: "it is slow", expires_in_s: 3600 });
    await ok(owner, "DELETE", `${org}/support-access`);
  });

  test("an agency at a client's", async () => {
    const gina = await joins("gina@fairlead.test");
    const agency = await ownOrg(gina.api, "Agency");
    await ok(owner, "DELETE", `${org}/members/${gina.user}`);
    const grant = await owner.post<{ id: string }>(`${org}/connect/grants`, { agency: agency.split("/").at(-1), role: "developer", expires_in_s: 86_400 });
    const redeem = async (): Promise<{ token: string; connect_session: { id: string } }> => gina.api.post(`${agency}/connect/grants/${grant.id}/redeem`, { reason: "ticket 17" });
    const first = await redeem();
    await ok(owner, "POST", `${org}/connect/sessions/${first.connect_session.id}/end`);
    await ok(gina.api, "DELETE", "/api/v1/connect", undefined, { "X-Fairlead-Connect": (await redeem()).token });
    await ok(owner, "DELETE", `${org}/connect/grants/${grant.id}`);
    gina.api.close();
  });

  test("servers, projects, environments and operations", async () => {
    machine = await enrolAlone(owner, org, "berlin");
    agent = await PlayedAgent.connect(await controller.endpoint(), machine);
    const server = `${org}/servers/${machine.server}`;
    await ok(owner, "PATCH", server, { name: "munich" });
    const finished = async (operation: Operation): Promise<void> => void (await world.succeeded(operation, 60_000));
    await finished(await owner.post<Operation>(`${server}/ping`));
    await ok(owner, "DELETE", `${org}/registration-tokens/${(await owner.post<{ registration_token: { id: string } }>(`${org}/registration-tokens`, { name: "spare" })).registration_token.id}`);
    const credential = await owner.post<{ id: string }>(`${org}/git-credentials`, { name: "c", host: "git.example.org", kind: "token", secret: "s" });
    await ok(owner, "DELETE", `${org}/git-credentials/${credential.id}`);

    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
    await ok(owner, "PATCH", `${org}/projects/${project.id}`, { name: "Shops" });
    const made = await owner.post<Environment>(`${org}/environments`, { project_id: project.id, server_id: machine.server, name: "live", type: "development" });
    const environment = `${org}/environments/${made.id}`;
    await ok(owner, "PATCH", environment, { name: "lively" });
    await ok(owner, "PUT", `${environment}/variables/GREETING`, { value: "hello" });
    await ok(owner, "DELETE", `${environment}/variables/GREETING`);
    await ok(owner, "PUT", `${environment}/connector-token`, { token: tunnelToken() });
    await ok(owner, "DELETE", `${environment}/connector-token`);
    await finished(await owner.post<Operation>(`${environment}/preflight`));
    await finished(await owner.post<Operation>(`${environment}/deploy`, {}));
    await finished(await owner.post<Operation>(`${environment}/deploy`, {}));
    const hook = await setUpPushes(owner, environment);
    await ok(owner, "PATCH", `${environment}/push-deploy`, { enabled: true });
    const { secret } = await ok<{ secret: string }>(owner, "POST", `${environment}/push-deploy/rotate`);
    const pushed = await sendPush(owner, { ...hook, secret }, "github", source);
    assert.equal(pushed.body.outcome, "queued", pushed.text);
    await world.succeeded({ id: pushed.body.operation_id! }, 60_000);
    await ok(owner, "DELETE", `${environment}/push-deploy`);
    const releases = await owner.get<List<{ id: string; state: string }>>(`${environment}/releases`);
    await finished(await owner.post<Operation>(`${environment}/rollback`, { release_id: releases.data.find((one) => one.state === "kept")!.id, database: "keep" }));
    for (const act of ["stop", "start", "restart"]) await finished(await owner.post<Operation>(`${environment}/${act}`));
    agent.holds = true;
    const slow = await owner.post<Operation>(`${environment}/deploy`, {});
    await ok(owner, "POST", `${org}/operations/${slow.id}/cancel`);
    agent.release();
    await world.finished(slow, 60_000);
    await finished(await ok<Operation>(owner, "DELETE", environment, undefined, confirm("lively")));

    agent.inventory([found(machine.server)]);
    const there = `${server}/found-environments`;
    const strange = await poll("the strange environment is seen", 60_000, async () => (await owner.get<List<{ id: string }>>(there)).data[0]);
    const adopted = await owner.post<Environment>(`${there}/${strange.id}/adopt`, { project_id: project.id });
    await finished(await ok<Operation>(owner, "DELETE", `${org}/environments/${adopted.id}`, undefined, confirm(adopted.name)));
    await ok(owner, "DELETE", `${org}/projects/${project.id}`, undefined, confirm("Shops"));

    const lost = await enrolAlone(owner, org, "lost");
    await recover(lost);
    await ok(owner, "POST", `${org}/servers/${lost.server}/revoke`, { reason: "sold" }, confirm("lost"));
    await ok(owner, "DELETE", `${org}/servers/${lost.server}`, undefined, confirm("lost"));
  });

  test("domains", async () => {
    const domains = `${org}/domains`;
    const domain = await ok<{ id: string }>(owner, "POST", domains, { name: "shop.example.org" });
    await ok(owner, "POST", `${domains}/${domain.id}/check`);
    await ok(owner, "DELETE", `${domains}/${domain.id}`);
  });

  test("tunnel keys", async () => {
    const { id } = await ok<{ id: string }>(owner, "POST", `${org}/tunnel-keys/rotate`, { grace_s: 60 });
    await ok(owner, "POST", `${org}/tunnel-keys/${id}/revoke`);
    await ok(owner, "POST", `${org}/tunnel-keys/rotate`);
  });

  test("terminals", async () => {
    const { host, server } = await world.server("shells"); // one shell that is really there: its opening and its end are entries, too
    await host.sh("useradd --create-home --shell /bin/bash deploy; printf 'terminal:\\n  - allow: [deploy]\\n' >>/etc/fairlead/policy.yaml; systemctl restart fairlead-link");
    await world.until("the server says whom it allows", 60_000, async (api) => {
      const now = await api.get<Server>(`${org}/servers/${server.id}`);
      return now.status === "online" && now.terminal_users.includes("deploy") ? true : undefined;
    });
    const shell = await Shell.open(owner, await askFor(owner, org, server.id, "deploy"));
    await shell.shows(/[$#] $/);
    await ok(owner, "DELETE", `${org}/servers/${server.id}/terminals/${shell.id}`);
    await shell.end();
  });

  test("SSH keys", async () => {
    const keyed = await enrolAlone(owner, org, "keyed");
    const played = await PlayedAgent.connect(await controller.endpoint(), keyed, { protocol: 7 });
    played.inventory([], { ssh: { users: ["deploy"], keys: [], port: 22, problem: "" } });
    const path = `${org}/servers/${keyed.server}/ssh-keys`;
    const all = async (): Promise<{ id: string; state: string; problem: string | null }[]> => (await owner.get<{ data: { id: string; state: string; problem: string | null }[] }>(path)).data;
    const becomes = (what: string, fits: (now: Awaited<ReturnType<typeof all>>) => boolean): Promise<true> => poll(what, 60_000, async () => (fits(await all()) ? true : undefined));
    await poll("the server says whom it keeps keys for", 60_000, async () => (await owner.get<{ server: { users: string[] } }>(path)).server.users[0]);
    const add = (public_key: string): Promise<{ key: { id: string } }> => ok(owner, "POST", path, { user: "deploy", label: "Ada", public_key });
    played.fails = () => "policy_refused";
    const { key } = await add("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs");
    await becomes("it is refused", (now) => now[0]?.problem !== null);
    played.fails = () => undefined;
    await ok(owner, "POST", `${path}/retry`);
    await becomes("it is in place", (now) => now[0]?.state === "active");
    const next = await ok<{ key: { id: string } }>(owner, "POST", `${path}/${key.id}/rotate`, { public_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSSCujoEGjgzvZGoq4N3aDlMxUOtnpYT2R5w5yVcFgv" });
    await becomes("both are in place", (now) => now.length === 2 && now.every((one) => one.state === "active"));
    await ok(owner, "POST", `${path}/${next.key.id}/finish`);
    await becomes("the old one is gone", (now) => now.length === 1);
    await ok(owner, "POST", `${path}/${next.key.id}/revoke`);
    await becomes("all are gone", (now) => now.length === 0);
    played.close();
  });

  test("captured mail", async () => {
    const capturing = await enrolAlone(owner, org, "capturing");
    const played = await PlayedAgent.connect(await controller.endpoint(), capturing, { protocol: 9 });
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Mails", odoo_version: "19.0", odoo_source: source });
    const made = await owner.post<Environment>(`${org}/environments`, { project_id: project.id, server_id: capturing.server, name: "mails", type: "staging" });
    const environment = `${org}/environments/${made.id}`;
    await world.succeeded(await owner.post<Operation>(`${environment}/deploy`, {}), 60_000);
    const set = await ok<{ operation: Operation | null }>(owner, "PUT", `${environment}/mail-settings`, { capture: true, keep_days: 3, keep_messages: 100, keep_bytes: 67_108_864 });
    if (set.operation) await world.succeeded(set.operation, 60_000);
    await world.succeeded(await ok<Operation>(owner, "DELETE", `${environment}/mail/1767225600000-0123456789ab`), 60_000);
    await world.succeeded(await ok<Operation>(owner, "DELETE", `${environment}/mail`), 60_000);
    await world.succeeded(await ok<Operation>(owner, "DELETE", environment, undefined, confirm("mails")), 60_000);
    await ok(owner, "DELETE", `${org}/projects/${project.id}`, undefined, confirm("Mails"));
    played.close();
  });

  test("logging in to Odoo", async () => {
    const entered = await enrolAlone(owner, org, "entered");
    const played = await PlayedAgent.connect(await controller.endpoint(), entered, { protocol: 10 });
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Entered", odoo_version: "19.0", odoo_source: source });
    const made = await owner.post<Environment>(`${org}/environments`, { project_id: project.id, server_id: entered.server, name: "entered", type: "staging" });
    const environment = `${org}/environments/${made.id}`;
    await world.succeeded(await owner.post<Operation>(`${environment}/deploy`, {}), 60_000);
    const public_key = new SealingKey().public;
    await world.succeeded(await ok<Operation>(owner, "POST", `${environment}/odoo/users`, { public_key }), 60_000);
    await world.succeeded(await ok<Operation>(owner, "POST", `${environment}/odoo/login`, { user: "admin", reason: "to be written down", public_key }), 60_000);
    await world.succeeded(await ok<Operation>(owner, "DELETE", environment, undefined, confirm("entered")), 60_000);
    await ok(owner, "DELETE", `${org}/projects/${project.id}`, undefined, confirm("Entered"));
    played.close();
  });

  test("updates of agents", async () => {
    const aged = await enrolAlone(owner, org, "aged");
    const played = await PlayedAgent.connect(await controller.endpoint(), aged, { protocol: 12, version: "0.0.1" });
    await ok(owner, "POST", `${org}/servers/${aged.server}/update-agent`);
    played.close();
    await poll("it is away", 60_000, async () => ((await owner.get<{ status: string }>(`${org}/servers/${aged.server}`)).status === "offline" ? true : undefined));
    await ok(owner, "PATCH", `${org}/servers/${aged.server}`, { labels: { ring: "canary" } });
    const { id } = await ok<{ id: string }>(owner, "POST", `${org}/agent-rollouts`, { stages: [{ labels: { ring: "canary" } }], soak_s: 0 });
    for (const act of ["pause", "resume", "cancel"]) await ok(owner, "POST", `${org}/agent-rollouts/${id}/${act}`);
  });

  test("webhooks", async () => {
    const hooks = `${org}/webhooks`;
    const { webhook } = await ok<{ webhook: { id: string } }>(owner, "POST", hooks, { url: "https://hooks.example.org/fairlead" });
    await ok(owner, "PATCH", `${hooks}/${webhook.id}`, { description: "the shop's", events: ["backup.failed"] });
    await ok(owner, "POST", `${hooks}/${webhook.id}/rotate-secret`, { grace_s: 60 });
    const delivery = await ok<{ id: string }>(owner, "POST", `${hooks}/${webhook.id}/test`);
    await ok(owner, "POST", `${hooks}/${webhook.id}/deliveries/${delivery.id}/replay`);
    await ok(owner, "DELETE", `${hooks}/${webhook.id}`);
  });

  test("alert rules", async () => {
    const rules = `${org}/alert-rules`;
    await ok(owner, "POST", `${rules}/recommended`);
    const rule = await ok<{ id: string }>(owner, "POST", rules, { kind: "cpu" });
    await ok(owner, "PATCH", `${rules}/${rule.id}`, { threshold: 50 });
    await ok(owner, "DELETE", `${rules}/${rule.id}`);
  });

  test("certificates", async () => {
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Named", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } });
    const named = await owner.post<Environment>(`${org}/environments`, {
      project_id: project.id, server_id: machine.server, name: "named", type: "development", exposure: "tunnel", domains: ["recorded.example.org"],
    });
    await putDomain(controller, org, "recorded.example.org");
    // Nobody answers at the directory of this suite.
    const certificate = await poll("the certificate was asked for in vain", 120_000, async () =>
      (await owner.get<List<{ id: string; state: string }>>(`${org}/certificates`)).data.find(({ state }) => state === "failed"));
    await ok(owner, "POST", `${org}/certificates/${certificate.id}/renew`);
    await ok(owner, "DELETE", `${org}/environments/${named.id}`, undefined, confirm("named")); // never deployed: gone at once
    await ok(owner, "DELETE", `${org}/projects/${project.id}`, undefined, confirm("Named"));
  });

  test("backups, restores and clones", async () => {
    await ok(owner, "PUT", `${org}/security`, {
      sso_required: null, two_factor_required: false, clone_enabled: true, connect_as_enabled: true, download_domains: [], addresses: [],
    });
    agent.result = (order) => {
      const args = order.args as { backup_id?: string; settings?: { storage: { id: string } } };
      if (order.kind === "storage.test") return { preflight: { checks: [{ id: "write", title: "Write", result: "passed", value: "", need: "", remedy: "" }] } };
      if (order.kind === "backup.create") return { backup: { id: args.backup_id, kind: "manual", started_at_ms: Date.now(), finished_at_ms: Date.now(), storage_id: args.settings!.storage.id } };
      if (order.kind === "backup.delete") return { removed_backups: [(order.args as { backup: { id: string } }).backup.id] };
      if (order.kind === "import.analyse") return { analysis: { odoo_version: "19.0", fits: true } };
      return {};
    };
    const finished = async (operation: { id: string }): Promise<void> => void (await world.succeeded(operation, 60_000));
    const storage = await owner.post<{ id: string; test_operation_id: string }>(`${org}/storages`, {
      name: "bucket", provider: "other", endpoint: "https://s3.example.org", bucket: "backups", access_key: "a", secret_key: "s", test_on_server: machine.server,
    });
    await finished({ id: storage.test_operation_id });
    await ok(owner, "PATCH", `${org}/storages/${storage.id}`, { name: "the bucket" });
    await finished(await owner.post<Operation>(`${org}/storages/${storage.id}/test`, { server_id: machine.server }));
    await ok(owner, "PUT", `${org}/backup-settings`, { recovery_recipients: [] });
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Kept", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } });
    const [kept, copy] = await Promise.all(["kept", "copy"].map(async (name) => {
      const made = await owner.post<Environment>(`${org}/environments`, { project_id: project.id, server_id: machine.server, name, type: "development" });
      await finished(await owner.post<Operation>(`${org}/environments/${made.id}/deploy`, {}));
      return made;
    }));
    const environment = `${org}/environments/${kept!.id}`;
    const retention = { last: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    const policy = async (of: string, id: string | null): Promise<void> => {
      const set = await ok<{ operation_id: string | null }>(owner, "PUT", `${of}/backup-policy`, { storage_id: id, schedule: "", drill_schedule: "", time_zone: "UTC", retention });
      if (set.operation_id) await finished({ id: set.operation_id });
    };
    await policy(environment, storage.id);
    await policy(`${org}/environments/${copy!.id}`, storage.id);
    await ok(owner, "POST", `${environment}/backup-policy/preview`, { retention });
    await finished(await owner.post<Operation>(`${environment}/backups`));
    const { data: [backup] } = await owner.get<List<{ id: string }>>(`${environment}/backups`);
    await finished(await owner.post<Operation>(`${org}/backups/${backup!.id}/drill`));
    await finished(await owner.post<Operation>(`${environment}/drill`));
    await finished(await owner.post<Operation>(`${org}/backups/${backup!.id}/restore`, { environment_id: kept!.id, safety_backup: false }));
    await finished(await owner.post<Operation>(`${environment}/clone`, { target_environment_id: copy!.id, safety_backup: false }));
    interface Import { id: string; operation_id: string }
    const looked = async (): Promise<Import> => {
      const one = await owner.post<Import>(`${environment}/imports`, { path: "/srv/imports/old.zip" });
      await finished({ id: one.operation_id });
      return one;
    };
    await finished(await owner.post<Operation>(`${environment}/imports/${(await looked()).id}/run`, { safety_backup: false }));
    await finished(await ok<Operation>(owner, "DELETE", `${environment}/imports/${(await looked()).id}`));
    await finished(await ok<Operation>(owner, "DELETE", `${org}/backups/${backup!.id}`, undefined, confirm(backup!.id)));
    await policy(environment, null);
    await policy(`${org}/environments/${copy!.id}`, null);
    await ok(owner, "DELETE", `${org}/storages/${storage.id}`, undefined, confirm("the bucket"));
    agent.result = () => ({});
  });

  /** As a server tells of an environment that it holds. */
  function found(server: string): object {
    const id = newId("env");
    const release = { id: newId("rel"), number: 1, operation: newId("op"), created_at_ms: Date.now(), commits: [], python_packages: [], manifest_sha256: "", has_database_snapshot: false, live: true };
    const odoo = { name: "odoo", url: "https://git.example.org/odoo.git", branch: "19.0", credential: "", credential_kind: "", username: "" };
    return {
      id, slug: "strange", state: "running", detail: "", port: 18269, releases: [release],
      spec: {
        id, slug: "strange", name: "Strange", type: "staging", odoo_version: "19.0", odoo, addons: [], port: 18269, gevent_port: 18270, domains: [],
        resources: { memory_max_bytes: 0, cpu_percent: 0, tasks_max: 0, workers: 0 }, variables: [], modules: ["base"], requirements: [],
        system_site_packages: true, keep_releases: 5, project_id: newId("prj"), project_name: `of ${server}`,
      },
    };
  }

  /** A certificate for the key that the server enrolled with, over a challenge. */
  async function recover(lost: EnrolledAlone): Promise<void> {
    const api = owner.stranger();
    const { challenge } = await ok<{ challenge: string }>(api, "POST", "/api/v1/agent/recover/challenge", { server_id: lost.server });
    const der = Buffer.from(lost.csr.replaceAll(/-----.*-----|\s/g, ""), "base64");
    const text = `fairlead-recover/1\n${lost.server}\n${challenge}\n${createHash("sha256").update(der).digest("hex")}`;
    const signature = sign("sha256", Buffer.from(text), createPrivateKey(lost.key)).toString("base64url");
    await ok(api, "POST", "/api/v1/agent/recover", { server_id: lost.server, challenge, csr: lost.csr, signature });
    api.close();
  }

  test("has left its entry: no changing route of the contract succeeds without one", async () => {
    const contract = await owner.get<Contract>("/api/v1/openapi.json");
    const changing = listRoutes(contract).filter((one) => one.method !== "GET").map((one) => `${one.method} ${one.path}`);
    const succeeded = new Set(done.map((one) => one.route));
    assert.deepEqual(changing.filter((route) => !succeeded.has(route)), [], "routes that no test above has made succeed");
    const rows = JSON.parse((await run("sqlite3", ["-readonly", "-json", join(controller.data, "fairlead.db"),
      "SELECT request_id, action FROM audit_entry WHERE result = 'ok' AND request_id IS NOT NULL"])).stdout) as { request_id: string; action: string }[];
    const entries = new Map<string, string[]>();
    for (const row of rows) entries.set(row.request_id, [...(entries.get(row.request_id) ?? []), row.action]);
    const silent = done.filter((one) => !entries.has(one.request)).map((one) => one.route);
    assert.deepEqual([...new Set(silent)].filter((route) => !(route in exempt)).sort(), [], "succeeded, and left no entry");
    // An exemption that nothing needs any more goes.
    assert.deepEqual(Object.keys(exempt).filter((route) => !silent.includes(route)), [], "exempt, and not in need of it");
  });

  test("stays in the list of both plans that have one: whole on Pro and on Agency [S-AUD-03] [S-AUD-06]", async () => {
    const actions = async (): Promise<Set<string>> => {
      const all = new Set<string>();
      let cursor: string | null = "";
      do {
        const page: { data: { action: string }[]; next_cursor: string | null } = await owner.get(`${org}/audit?limit=200${cursor && `&cursor=${cursor}`}`);
        for (const one of page.data) all.add(one.action);
        cursor = page.next_cursor;
      } while (cursor);
      return all;
    };
    for (const plan of ["pro", "agency"]) {
      if (plan !== (await owner.get<{ plan: string }>(org)).plan) await ok(owner, "PUT", `${org}/plan`, { plan });
      const seen = await actions();
      const missing = [
        "environment.deploy", "environment.start", "environment.stop", "environment.restart", "server.enroll", "connect.start", "connect.end", "terminal.open", "terminal.close",
        "registration_token.create", "api_key.create", "api_key.revoke", "member.role", "invitation.create", "member.remove",
      ].filter((one) => !seen.has(one));
      assert.deepEqual(missing, [], `${plan} shows ${[...seen].sort().join(" ")}`);
    }
  });
});
