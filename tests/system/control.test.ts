// What is in the customer's own hands: who belongs to the team and may what, whether agencies get in, and what lets servers in.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join as path } from "node:path";
import { after, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { enrolAlone } from "./lib/fill.ts";
import { join, ownOrg, password, type Person, signIn } from "./lib/people.ts";
import { root } from "./lib/paths.ts";
import { makeRequest } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import { type Contract, listRoutes } from "./lib/schema.ts";
import type { List, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Token {
  id: string;
  status: string;
  uses: number;
}

describe("in the customer's hands", () => {
  const world = worldOfSuite("\nplan_of_new_organizations: agency\n");
  let owner: Api, org: string, gina: Person, agency: string;

  before(async () => {
    owner = await world.api();
    org = await world.org();
    gina = await join(owner, org, "gina@example.org", "viewer");
    agency = await ownOrg(gina.api, "Agency");
    await owner.call("DELETE", `${org}/members/${gina.user}`);
  });

  scenario(world, "is the team: roles, roles of their own on Agency, and whether agencies get in [S-CTRL-05]", async () => {
    const dave = await join(owner, org, "dave@example.org", "viewer");
    const make = (): Promise<Answer<Problem>> => dave.api.send<Problem>("POST", `${org}/registration-tokens`, { body: { name: "dave's" } });
    const refused = await make();
    assert.deepEqual([refused.status, refused.body.permission], [403, "servers.enroll"]);
    const member = `${org}/members/${dave.user}`;
    await owner.call("PATCH", member, { body: { role: "admin" } });
    assert.equal((await make()).status, 201);
    const body = { name: "Enrols", permissions: ["org.view", "servers.enroll"] };
    const role = await owner.post<{ id: string }>(`${org}/roles`, body);
    await owner.call("PATCH", member, { body: { role: role.id } });
    assert.equal((await make()).status, 201);
    assert.equal((await dave.api.send("GET", `${org}/servers`)).status, 403, "no more than the role of their own has");
    await owner.call("PATCH", `${org}/roles/${role.id}`, { body: { permissions: ["org.view"] } });
    assert.equal((await make()).status, 403);
    // Roles of one's own are Agency's.
    await owner.call("PUT", `${org}/plan`, { body: { plan: "pro" } });
    const onPro = await owner.send<Problem & { required_plan?: string }>("POST", `${org}/roles`, { body: { ...body, name: "Another" } });
    assert.deepEqual([onPro.status, onPro.body.code, onPro.body.required_plan], [403, "plan_required", "agency"]);
    await owner.call("PUT", `${org}/plan`, { body: { plan: "agency" } });

    // The switch of the agency's owner: sessions that are open end, none begins.
    const grant = await owner.post<{ id: string }>(`${org}/connect/grants`, { agency: agency.split("/").at(-1), role: "viewer", expires_in_s: 86_400 });
    const redeem = (): Promise<Answer<Problem & { token: string }>> => gina.api.send("POST", `${agency}/connect/grants/${grant.id}/redeem`, { body: { reason: "ticket" } });
    const opened = await redeem();
    assert.equal(opened.status, 201, opened.text);
    const look = (): Promise<Answer<Problem>> => gina.api.send<Problem>("GET", `${org}/servers`, { headers: { "X-Fairlead-Connect": opened.body.token } });
    assert.equal((await look()).status, 200);
    const settings = { sso_required: null, two_factor_required: false, clone_enabled: true, download_domains: [], addresses: [] };
    await gina.api.call("PUT", `${agency}/security`, { body: { ...settings, connect_as_enabled: false } });
    assert.deepEqual([(await look()).status, (await look()).body.code], [401, "connect_ended"]);
    assert.equal((await redeem()).status, 403);
    await gina.api.call("PUT", `${agency}/security`, { body: { ...settings, connect_as_enabled: true } });
    assert.equal((await redeem()).status, 201);
    await owner.call("DELETE", `${org}/connect/grants/${grant.id}`);
  });

  const makeToken = (more: Record<string, unknown> = {}): Promise<{ token: string; registration_token: Token }> => owner.post(`${org}/registration-tokens`, { name: "scoped", ...more });
  const csr = async (name: string): Promise<string> => makeRequest(path(world.dir, name));
  async function enrol(token: string, name: string): Promise<Answer<Problem & { server_id: string; org_id: string }>> {
    const stranger = owner.stranger();
    const answer = await stranger.send<Problem & { server_id: string; org_id: string }>("POST", "/api/v1/agent/enroll", { body: { token, csr: await csr(name), name, capability: 1, facts: {} } });
    stranger.close();
    return answer;
  }

  scenario(world, "is what a token lets in: one organization, one group of servers, so many, so long [S-CTRL-06]", async () => {
    const made = await makeToken({ labels: { client: "acme", site: "berlin" }, max_uses: 1, expires_in_s: 3600 });
    const first = await enrol(made.token, "one");
    assert.deepEqual([first.status, first.body.org_id], [201, org.split("/").at(-1)]);
    // It says what it is for, and what came by it belongs there and nowhere else.
    const server = await owner.get<Server & { labels: Record<string, string> }>(`${org}/servers/${first.body.server_id}`);
    assert.deepEqual(server.labels, { client: "acme", site: "berlin" });
    assert.equal((await gina.api.send("GET", `${agency}/servers/${first.body.server_id}`)).status, 404);
    assert.deepEqual((await gina.api.get<List<Server>>(`${agency}/servers`)).data, []);
    const second = await enrol(made.token, "two");
    assert.deepEqual([second.status, second.body.code], [403, "token_used_up"]);
    // Its time is put back, which is what a clock would do.
    const old = await makeToken({ expires_in_s: 3600 });
    const database = path((await world.controller()).data, "fairlead.db");
    await run("sqlite3", ["-cmd", ".timeout 20000", database, `UPDATE registration_token SET expires_ms = expires_ms - 3600001 WHERE id = '${old.registration_token.id}'`]);
    const late = await enrol(old.token, "late");
    assert.deepEqual([late.status, late.body.code], [403, "token_expired"]);
    const { data } = await owner.get<List<Server>>(`${org}/servers`);
    assert.deepEqual(data.map((one) => one.name), ["one"]);
  });

  describe("with a server that runs", () => {
    let played: PlayedAgent;
    after(() => played?.close());

    scenario(world, "is to take a token back, which lets nobody in any more and disturbs nobody who is in [S-CTRL-07] [S-CTRL-08]", async () => {
      const command = await owner.post<{ command: string; registration_token: Token }>(`${org}/registration-tokens`, { name: "fleet", max_uses: 5 });
      const token = /flt_[\w-]+/.exec(command.command)![0];
      const host = await world.host("stays");
      await world.paste(host, command.command);
      const online = async (): Promise<Server | undefined> => (await owner.get<List<Server>>(`${org}/servers`)).data.find((one) => one.name === host.name && one.status === "online");
      const server = await world.until("the server is online", 90_000, online);
      const stranger = await enrolAlone(owner, org, "by-another"); // with a token of its own
      played = await PlayedAgent.connect(owner.endpoint, stranger);
      const other = await makeToken({ max_uses: 5 });

      await owner.call("DELETE", `${org}/registration-tokens/${command.registration_token.id}`);
      const refused = await enrol(token, "too-late");
      assert.deepEqual([refused.status, refused.body.code], [403, "token_revoked"]);

      // Who is in works on, on the link that there is and on a new one, and after a restart of the controller.
      const ping = async (id: string): Promise<unknown> => world.succeeded(await owner.post<{ id: string }>(`${org}/servers/${id}/ping`), 90_000);
      await ping(server.id);
      await ping(stranger.server);
      await host.sh("systemctl restart fairlead-link");
      await ping(server.id);
      const controller = await world.controller();
      await controller.stop();
      await controller.start();
      await world.until("the server is back", 90_000, online);
      await ping(server.id);
      // Other tokens work on.
      // The address has been refused before, in this file more than once, and may have to wait.
      const third = await poll("the wait is over", 120_000, async () => {
        const got = await enrol(other.token, "by-a-third");
        return got.status === 429 ? undefined : got;
      });
      assert.equal(third.status, 201);
      // And an agent is revoked by itself: the other one stays.
      await owner.post(`${org}/servers/${stranger.server}/revoke`, { reason: "sold" }, { "X-Confirm": "by-another" });
      await ping(server.id);
    });
  });

  scenario(world, "is their own account on the free plan too: second factor and sessions, and no audit log", async () => {
    const fred = await join(owner, org, "fred@example.org", "viewer");
    const own = await ownOrg(fred.api, "Fred's");
    await owner.call("DELETE", `${org}/members/${fred.user}`);
    await fred.api.call("PUT", `${own}/plan`, { body: { plan: "free" } });
    assert.match((await fred.api.post<{ otpauth_uri: string }>("/api/v1/account/totp")).otpauth_uri, /^otpauth:/);
    const other = await signIn(owner.stranger(), fred.email);
    const { data } = await fred.api.get<List<{ id: string; current: boolean }>>("/api/v1/sessions");
    assert.equal(data.length, 2);
    await fred.api.call("DELETE", `/api/v1/sessions/${data.find((one) => !one.current)!.id}`);
    assert.equal((await other.api.send("GET", "/api/v1/session")).status, 401);
    assert.equal((await fred.api.send<Problem>("POST", "/api/v1/session", { body: { email: fred.email, password } })).status, 200);
    const log = await fred.api.send<Problem>("GET", `${own}/audit`);
    assert.deepEqual([log.status, log.body.code], [403, "plan_required"]);
  });

  scenario(world, "has for each thing a setting that there is, or a procedure that is written down [S-GEN-06]", async () => {
    const text = readFileSync(path(root, "SECURITY.md"), "utf8");
    const rows = /## What is in your hands\n([^]*?)\n\n/.exec(text)![1]!.split("\n").slice(2);
    const contract = await owner.get<Contract>("/api/v1/openapi.json");
    const routes = new Set(listRoutes(contract).map((one) => `${one.method} ${one.path}`));
    for (const thing of [/provider/, /hardening/, /backups/, /users/, /data/]) {
      const row = rows.find((one) => thing.test(one.split("|")[1]!));
      assert.ok(row, String(thing));
      for (const [, route] of row.matchAll(/`((?:GET|PUT|POST) \/api\/[^`]+)`/g)) assert.ok(routes.has(route!), route);
      for (const [, file] of row.matchAll(/\]\(([^)]+)\)/g)) assert.ok(existsSync(path(root, file!)), file);
    }
  });
});
