// What people do leaves a trail that says who it was, in the organization that it was done in, and nowhere else.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { fillOrg } from "./lib/fill.ts";
import { join, ownOrg, type Person, withKey } from "./lib/people.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Entry {
  id: string;
  action: string;
  actor: { type: string; id: string | null; label: string };
  target: { type: string; id: string; name: string } | null;
  result: string;
  address: string | null;
  on_behalf_of: string | null;
  connect_session: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

describe("the trail", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  let owner: Api, org: string, ids: Record<string, string>, dev: Person;

  before(async () => {
    owner = await world.api();
    org = await world.org();
    ids = await fillOrg(owner, org);
    dev = await join(owner, org, "dev@example.org", "developer");
  });

  const entries = async (reader = owner, of = org, more = ""): Promise<Entry[]> => (await reader.get<List<Entry>>(`${of}/audit?limit=200${more}`)).data;
  const find = async (action: string, target: string): Promise<Entry> => {
    const found = (await entries()).find((one) => one.action === action && one.target?.id === target);
    assert.ok(found, `no ${action} of ${target}`);
    return found;
  };

  scenario(world, "a deployment stands in it with who asked, for what, and what became of the asking [S-AUD-10]", async () => {
    const asked = await dev.api.post<{ id: string }>(`${org}/environments/${ids.environment}/deploy`, {});
    const entry = await find("environment.deploy", ids.environment!);
    assert.deepEqual([entry.actor.type, entry.actor.id, entry.actor.label, entry.result], ["user", dev.user, "dev@example.org", "ok"]);
    assert.equal(entry.target!.name, "contract");
    assert.ok(entry.address);
    await dev.api.call("POST", `${org}/operations/${asked.id}/cancel`);
  });

  scenario(world, "invitations, roles and removals stand in it with what was before, and outlive who they are about [S-AUD-19] [S-AUD-20] [S-AUD-21] [S-AUD-27] [S-AUD-28]", async () => {
    const eva = await join(owner, org, "eva@example.org", "viewer");
    assert.ok((await entries()).some((one) => one.action === "invitation.create" && one.actor.label === "ada@fairlead.test"));
    await owner.call("PATCH", `${org}/members/${eva.user}`, { body: { role: "developer" } });
    const change = await find("member.role", eva.user);
    assert.deepEqual([change.before?.role, change.after?.role], ["viewer", "developer"]);
    const project = await owner.post<{ id: string }>(`${org}/projects`, { name: "Short", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } });
    await eva.api.call("PATCH", `${org}/projects/${project.id}`, { body: { name: "Shorter" } });

    const count = (await entries()).length;
    await owner.call("DELETE", `${org}/projects/${project.id}`, { headers: { "X-Confirm": "Shorter" } });
    await owner.call("DELETE", `${org}/members/${eva.user}`);
    assert.equal((await find("member.remove", eva.user)).target!.name, "eva@example.org");
    // She is gone, and what she did is still hers, by the name she had.
    assert.equal((await eva.api.send("GET", org)).status, 404);
    const hers = await find("project.edit", project.id);
    assert.deepEqual([hers.actor.id, hers.actor.label], [eva.user, "eva@example.org"]);
    assert.equal((await entries()).length, count + 2, "nothing went with the project and the member");
    for (const method of ["DELETE", "PUT", "PATCH", "POST"]) {
      for (const path of [`${org}/audit`, `${org}/audit/${hers.id}`]) {
        const answer = await owner.send<Problem>(method, path, { body: {} });
        assert.ok(answer.status === 405 || answer.status === 404, `${method} ${path}: ${answer.status}`);
      }
    }
    assert.equal((await find("project.edit", project.id)).id, hers.id);
  });

  scenario(world, "a key acts under its own name", async () => {
    const key = await withKey(owner, org, "rw", ["servers.view", "servers.edit"]);
    const renamed = await owner.stranger().send("PATCH", `${org}/servers/${ids.server}`, { body: { name: "renamed" }, headers: { Authorization: `Bearer ${key.key}` } });
    assert.equal(renamed.status, 200, renamed.text);
    const entry = await find("server.edit", ids.server!);
    assert.deepEqual([entry.actor.type, entry.actor.id, entry.actor.label], ["key", key.id, "rw key"]);
  });

  scenario(world, "nobody of another organization sees any of it: by list, filter, export or id [S-ISO-04]", async () => {
    const zoe = await join(owner, org, "zoe@example.org", "viewer");
    const own = await ownOrg(zoe.api, "Zoe's");
    await owner.call("DELETE", `${org}/members/${zoe.user}`);
    const mine = await entries();
    for (const path of ["", `?actor=${dev.user}`, `/export?format=jsonl`, `/${mine[0]!.id}`, `/${mine[0]!.id}/proof`, "/checkpoint"]) {
      assert.equal((await zoe.api.send("GET", `${org}/audit${path}`)).status, 404, path);
    }
    for (const entry of await entries(zoe.api, own)) assert.ok(!mine.some((one) => one.id === entry.id));
    assert.equal((await zoe.api.send("GET", `${own}/audit/${mine[0]!.id}`)).status, 404);
    const exported = await zoe.api.send("GET", `${own}/audit/export?format=jsonl`);
    assert.ok(!exported.text.includes(mine[0]!.id) && !exported.text.includes("dev@example.org"));
  });

  scenario(world, "registration tokens belong to one organization, and so does what enrols with them [S-ISO-05]", async () => {
    const bob = await join(owner, org, "bob@example.org", "viewer");
    const own = await ownOrg(bob.api, "Bob's");
    const tokens = (await owner.get<List<{ id: string }>>(`${org}/registration-tokens`)).data;
    assert.ok(tokens.length > 0);
    assert.deepEqual((await bob.api.get<List<unknown>>(`${own}/registration-tokens`)).data, []);
    assert.equal((await bob.api.send("GET", `${own}/registration-tokens/${tokens[0]!.id}`)).status, 404);
    assert.equal((await bob.api.send("DELETE", `${own}/registration-tokens/${tokens[0]!.id}`)).status, 404);
    // What enrols with a token of Bob's is Bob's.
    const theirs = await fillOrg(bob.api, own);
    assert.equal((await owner.send("GET", `${org}/servers/${theirs.server}`)).status, 404);
    assert.equal((await bob.api.get<List<unknown>>(`${own}/servers`)).data.length, 1);
  });

  scenario(world, "somebody of an agency deploys for a client under their own name, in both logs [S-CONN-01]", async () => {
    const gina = await join(owner, org, "gina@example.org", "viewer");
    const agency = await ownOrg(gina.api, "Agency");
    await owner.call("DELETE", `${org}/members/${gina.user}`);
    assert.equal((await gina.api.send("GET", org)).status, 404);
    const grant = await owner.post<{ id: string }>(`${org}/connect/grants`, { agency: agency.split("/").at(-1), role: "developer", expires_in_s: 86_400 });
    const redeemed = await gina.api.post<{ token: string; connect_session: { id: string } }>(`${agency}/connect/grants/${grant.id}/redeem`, { reason: "ticket 17" });
    const as = { "X-Fairlead-Connect": redeemed.token };
    const deployed = await gina.api.send<{ id: string }>("POST", `${org}/environments/${ids.environment}/deploy`, { body: {}, headers: as });
    assert.equal(deployed.status, 202, deployed.text);
    const session = redeemed.connect_session.id;
    const here = await entries(owner, org, `&connect_session=${session}`);
    const deploy = here.find((one) => one.action === "environment.deploy");
    assert.deepEqual([deploy?.actor.id, deploy?.actor.label, deploy?.on_behalf_of], [gina.user, "gina@example.org", "Agency"]);
    const there = await entries(gina.api, agency, `&connect_session=${session}`);
    assert.ok(here.some((one) => one.action === "connect.start") && there.some((one) => one.action === "connect.start"));
    // What is nobody's to lend stays closed.
    assert.equal((await gina.api.send<Problem>("GET", `${org}/members`, { headers: as })).status, 403);
    await owner.call("DELETE", `${org}/connect/grants/${grant.id}`);
    const after: Answer<Problem> = await gina.api.send("GET", org, { headers: as });
    assert.ok([401, 403, 404].includes(after.status), after.text);
  });
});
