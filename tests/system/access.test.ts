// Every route for everybody: who may what, as the contract and the table of permissions say it, asked by direct HTTP.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { fillOrg } from "./lib/fill.ts";
import { join, ownOrg, password, type Person, withKey } from "./lib/people.ts";
import { type Contract, listRoutes, type Listed } from "./lib/schema.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Permission {
  code: string;
  area: string;
  least_role: "viewer" | "developer" | "admin";
  reach: "org" | "project" | "any";
}

/** Somebody who asks, and what they should hold in organization A. */
interface Caller {
  name: string;
  send: (method: string, path: string, body?: unknown) => Promise<Answer<Problem>>;
  holds: (permission: string) => boolean;
  kind: "person" | "key";
  owner?: boolean;
  operator?: boolean;
  readOnly?: boolean;
}

const nobody: Record<string, string> = {
  server: "srv", token: "tok", credential: "gcr", project: "prj", environment: "env", release: "rel", operation: "op", entry: "aud",
  user: "usr", invitation: "inv", role: "rol", key: "key", grant: "cag", session: "con", storage: "sto", backup: "bak", domain: "dom", tunnel_key: "tkey", terminal: "term", recording: "term", ssh_key: "sshk", rollout: "aro", alert_rule: "alr",
};

describe("who may what", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 1000000\n  writes_a_minute: 1000000\n  key_reads_a_minute: 1000000\n  key_writes_a_minute: 1000000\n");
  let owner: Api, org: string, routes: Listed[], permissions: Permission[], ids: Record<string, string>;
  let callers: Caller[], other: { owner: Api; org: string };
  let custom: { id: string; person: Person };

  /**
   * The path with ids that are well formed and nobody's: whoever may ask gets 404, and nothing is changed. A stream is asked to go on after
   * something that is no event, so that who may read it gets 400 and not the stream.
   */
  const harmless = (listed: Listed, of: string): string =>
    listed.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => name === "org" ? of.split("/").at(-1)! : nobody[name] ? `${nobody[name]}_01JD8Q4M3N7V5X2K9B6T0W1YHZ` : "SAMPLE")
    + (listed.path.endsWith("/events") ? "?last_event_id=yesterday" : "");
  /** No route takes this, so no write of the matrix has an effect. */
  const body = (listed: Listed): unknown => listed.route.requestBody ? { no_such_member: true } : undefined;

  const person = (name: string, api: Api, holds: (code: string) => boolean, more: Partial<Caller> = {}): Caller =>
    ({ name, holds, kind: "person", send: (method, path, given) => api.send<Problem>(method, path, { body: given }), ...more });
  const program = (name: string, key: string, holds: (code: string) => boolean, more: Partial<Caller> = {}): Caller =>
    ({ name, holds, kind: "key", send: (method, path, given) => owner.stranger().send<Problem>(method, path, { body: given, headers: { Authorization: `Bearer ${key}` } }), ...more });

  const operatorRoutes = (): Listed[] => routes.filter((one) => one.route["x-permission"] === "operator");
  const orgRoutes = (): Listed[] => routes.filter((one) => one.path.startsWith("/api/v1/orgs/{org}"));
  const byRole = (role: string) => (code: string): boolean => {
    const order = ["viewer", "developer", "admin"];
    const found = permissions.find((one) => one.code === code);
    return !!found && order.indexOf(found.least_role) <= order.indexOf(role);
  };

  before(async () => {
    owner = await world.api();
    org = await world.org();
    routes = listRoutes(await owner.get<Contract>("/api/v1/openapi.json"));
    permissions = (await owner.get<List<Permission>>("/api/v1/permissions")).data;
    ids = await fillOrg(owner, org);
    const auditor = permissions.map((one) => one.code).filter((code) => code.endsWith(".view") || code === "operations.log");
    const role = await owner.post<{ id: string }>(`${org}/roles`, { name: "Changing", permissions: auditor });
    const people = {
      admin: await join(owner, org, "admin@example.org", "admin"),
      developer: await join(owner, org, "developer@example.org", "developer"),
      viewer: await join(owner, org, "viewer@example.org", "viewer"),
      auditor: await join(owner, org, "auditor@example.org", role.id),
      limited: await join(owner, org, "limited@example.org", "developer", { projects: [ids.project] }),
      other: await join(owner, org, "other@example.org", "viewer"),
    };
    custom = { id: role.id, person: people.auditor };
    ids.user = people.viewer.user;
    ids.role = role.id;
    const all = permissions.map((one) => one.code);
    const limitedTo = (code: string): boolean => permissions.some((one) => one.code === code && one.reach !== "org");
    callers = [
      person("owner", owner, () => true, { owner: true, operator: true }),
      person("admin", people.admin.api, byRole("admin")),
      person("developer", people.developer.api, byRole("developer")),
      person("viewer", people.viewer.api, byRole("viewer")),
      person("auditor (custom role)", people.auditor.api, (code) => auditor.includes(code)),
      person("developer limited to a project", people.limited.api, (code) => byRole("developer")(code) && limitedTo(code)),
      program("key with everything", (await withKey(owner, org, "rw", all)).key, (code) => all.includes(code)),
      program("read-only key with everything", (await withKey(owner, org, "ro", all)).key, (code) => all.includes(code), { readOnly: true }),
      program("key limited to a project", (await withKey(owner, org, "rw", all.filter(limitedTo), { projects: [ids.project] })).key, limitedTo),
      program("key that deploys", (await withKey(owner, org, "rw", ["org.view", "deployments.create"])).key, (code) => ["org.view", "deployments.create"].includes(code)),
    ];
    const own = await ownOrg(people.other.api, "Other");
    await owner.call("DELETE", `${org}/members/${people.other.user}`);
    other = { owner: people.other.api, org: own };
  });

  /** What the contract says must come of it. */
  function check(listed: Listed, caller: Caller, answer: Answer<Problem>): void {
    const permission = listed.route["x-permission"];
    const what = `${caller.name}: ${listed.method} ${listed.path} (${permission}): ${answer.status} ${answer.text.slice(0, 200)}`;
    const code = answer.status >= 400 ? answer.body.code : "";
    const writes = listed.method !== "GET" || listed.route["x-socket"] === true;
    const forPeople = permission === "owner" || permission === "operator" || listed.route["x-step-up"] === true;
    assert.ok(answer.status < 500, what);
    assert.notEqual(answer.status, 401, what);
    if (caller.kind === "key" && (forPeople || (caller.readOnly && writes))) {
      // Which of the reasons comes first is not promised; that it is refused is.
      assert.equal(answer.status, 403, what);
      assert.ok(["session_required", "read_only_key", "permission_denied", "owner_required", "operator_required"].includes(code), what);
    } else if (permission === "owner") {
      if (caller.owner) assert.ok(answer.status !== 403, what);
      else assert.deepEqual([answer.status, code], [403, "owner_required"], what);
    } else if (permission === "operator") {
      if (caller.operator) assert.ok(answer.status !== 403, what);
      else assert.deepEqual([answer.status, code], [403, "operator_required"], what);
    } else if (caller.holds(permission)) {
      assert.ok(answer.status !== 403, what);
    } else {
      assert.deepEqual([answer.status, code, answer.body.permission], [403, "permission_denied", permission], what);
    }
  }

  scenario(world, "each route answers each role, custom role, limited member and key as the contract declares [S-RBAC-14]", async () => {
    let asked = 0;
    for (const caller of callers) {
      for (const listed of [...orgRoutes(), ...operatorRoutes()]) {
        check(listed, caller, await caller.send(listed.method, harmless(listed, org), body(listed)));
        asked++;
      }
    }
    assert.ok(asked > 700, `only ${asked} requests`);
  });

  scenario(world, "nobody signed in gets anything, and a key is not a person", async () => {
    const stranger = owner.stranger();
    const key = callers.find((one) => one.kind === "key")!;
    for (const listed of routes.filter((one) => one.route["x-permission"] !== "none")) {
      const answer = await stranger.send<Problem>(listed.method, harmless(listed, org), { body: body(listed) });
      assert.equal(answer.status, 401, `${listed.method} ${listed.path}: ${answer.text}`);
      if (listed.route["x-permission"] !== "self" || listed.path === "/api/v1/key") continue;
      const asKey = await key.send(listed.method, harmless(listed, org), body(listed));
      assert.deepEqual([asKey.status, asKey.body.code], [403, "session_required"], `${listed.method} ${listed.path}`);
    }
  });

  scenario(world, "every permission guards a route, and each route opens and closes with it alone [S-RBAC-02]", async () => {
    assert.ok(permissions.length >= 55, `${permissions.length} permissions`);
    const used = new Set(orgRoutes().flatMap((one) => [one.route["x-permission"], one.route["x-permission-production"]]));
    assert.deepEqual(permissions.map((one) => one.code).filter((code) => !used.has(code)), [], "permissions that guard no route");
    const all = permissions.map((one) => one.code);
    const ask = (listed: Listed): Promise<Answer<Problem>> =>
      custom.person.api.send<Problem>(listed.method, harmless(listed, org), { body: body(listed) });
    for (const code of all) {
      const guarded = orgRoutes().filter((one) => one.route["x-permission"] === code);
      await owner.call("PATCH", `${org}/roles/${custom.id}`, { body: { permissions: [code] } });
      for (const listed of guarded) assert.notEqual((await ask(listed)).status, 403, `${listed.method} ${listed.path} with ${code} alone`);
      await owner.call("PATCH", `${org}/roles/${custom.id}`, { body: { permissions: all.filter((one) => one !== code) } });
      for (const listed of guarded) {
        const answer = await ask(listed);
        assert.deepEqual([answer.status, answer.body.permission], [403, code], `${listed.method} ${listed.path} without ${code}`);
      }
    }
  });

  scenario(world, "somebody in two organizations is what they are in each, and no more [S-RBAC-08] [S-RBAC-09]", async () => {
    const invited = await owner.post<{ token: string }>(`${org}/invitations`, { role: "viewer" });
    await other.owner.call("POST", "/api/v1/invitations/accept", { body: { token: invited.token } });
    assert.equal((await other.owner.send("GET", `${org}/servers`)).status, 200);
    assert.equal((await other.owner.send<Problem>("GET", `${org}/registration-tokens`)).body.permission, "registration_tokens.view");
    assert.equal((await other.owner.send("GET", `${other.org}/registration-tokens`)).status, 200);
    const session = await other.owner.get<{ orgs: { id: string; role: string; owner: boolean; permissions: string[] }[] }>("/api/v1/session");
    const here = session.orgs.find((one) => org.endsWith(one.id))!, there = session.orgs.find((one) => other.org.endsWith(one.id))!;
    assert.deepEqual([here.role, here.owner, there.owner], ["viewer", false, true]);
    assert.ok(here.permissions.length < there.permissions.length);
  });

  scenario(world, "deployments, environments, servers, registration tokens, webhooks and the team each open and close with one permission [S-RBAC-03]", async () => {
    const below = (path: string, name: string): string => `${org}/${path}/${ids[name]}`;
    const areas: Record<string, [permission: string, method: string, path: string, body?: unknown]> = {
      deployments: ["deployments.create", "POST", `${below("environments", "environment")}/deploy`, {}],
      environments: ["environments.edit", "PATCH", below("environments", "environment"), { name: "renamed" }],
      servers: ["servers.edit", "PATCH", below("servers", "server"), { name: "renamed" }],
      "registration tokens": ["registration_tokens.revoke", "DELETE", below("registration-tokens", "token")],
      webhooks: ["webhooks.create", "POST", `${org}/webhooks`, { url: "https://hooks.example.org/here" }],
      team: ["invitations.create", "POST", `${org}/invitations`, { role: "viewer" }],
    };
    const base = permissions.filter((one) => one.least_role === "viewer").map((one) => one.code);
    const role = async (codes: string[]): Promise<unknown> => owner.call("PATCH", `${org}/roles/${custom.id}`, { body: { permissions: codes } });
    for (const [area, [permission, method, path, given]] of Object.entries(areas)) {
      assert.ok(!base.includes(permission), permission);
      const ask = (): Promise<Answer<Problem>> => custom.person.api.send<Problem>(method, path, { body: given });
      const refused = async (when: string): Promise<void> => {
        const answer = await ask();
        assert.deepEqual([answer.status, answer.body.permission], [403, permission], `${area} ${when}: ${answer.text}`);
      };
      await role(base);
      await refused("before");
      await role([...base, permission]);
      const done = await ask();
      assert.ok(done.status >= 200 && done.status < 300, `${area}: ${done.status} ${done.text}`);
      await role(base);
      await refused("after");
    }
  });

  scenario(world, "repeated wrong passwords make the account wait, for the right one too", async () => {
    const stranger = owner.stranger();
    // Until it has to wait so long that the right one is asked for within that on any machine.
    for (let i = 0, wait = 0; wait < 4; i++) {
      await new Promise((over) => setTimeout(over, wait * 1000));
      const wrong = await stranger.send<Problem>("POST", "/api/v1/session", { body: { email: "viewer@example.org", password: `wrong ${i} password` } });
      wait = wrong.status === 429 ? Number(wrong.headers["retry-after"]) : 0;
    }
    const again = await stranger.send<Problem>("POST", "/api/v1/session", { body: { email: "viewer@example.org", password } });
    assert.deepEqual([again.status, again.body.code], [429, "rate_limited"]);
  });
});
