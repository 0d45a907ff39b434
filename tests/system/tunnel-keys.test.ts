// Two organizations behind one edge: what is done to the tunnel keys of one, visitors of the other do not notice.
import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import { before, describe } from "node:test";
import type { Api } from "./lib/api.ts";
import { putDomain } from "./lib/domains.ts";
import { ownOrg } from "./lib/people.ts";
import type { Environment, List, Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Site {
  org: string;
  host: string;
}

describe("tunnel keys of two organizations", () => {
  const world = worldOfSuite("\nplan_of_new_organizations: agency\n");
  world.patienceMs = 600_000; // real servers are at work
  let api: Api, ours: Site, theirs: Site;

  before(async () => {
    api = await world.api();
    await (await world.git()).addOdoo();
    const other = await ownOrg(api, "Theirs");
    // Both at once: each waits for its server most of the time.
    [ours, theirs] = await Promise.all([site(await world.org(), "ours"), site(other, "theirs")]);
  });

  /** A server of the organization with an Odoo that answers to a name through the tunnel. */
  async function site(org: string, name: string): Promise<Site> {
    const machine = await world.host(name);
    const { command } = await api.post<{ command: string }>(`${org}/registration-tokens`, { name });
    await world.paste(machine, command);
    const server = await poll("the server is online", 90_000, async () =>
      (await api.get<List<Server>>(`${org}/servers`)).data.find((one) => one.name === machine.name && one.status === "online"));
    const git = await world.git();
    await git.commit(name, "v1");
    const project = await api.post<{ id: string }>(`${org}/projects`, {
      name, odoo_version: "19.0", odoo_source: { url: await git.addOdoo(), branch: "19.0" }, addons: [{ name: "demo", url: git.url(name), branch: "19.0" }],
    });
    const host = `${name}.example.org`;
    await putDomain(await world.controller(), org, host);
    const environment = await api.post<Environment>(`${org}/environments`, {
      project_id: project.id, server_id: server.id, name, type: "staging", modules: ["base", "web", "fl_demo"], system_site_packages: true,
      exposure: "tunnel", domains: [host],
    });
    const deploy = await api.post<Operation>(`${org}/environments/${environment.id}/deploy`);
    const end = await poll("the deployment ends", 600_000, async () => {
      const now = await api.get<Operation>(`${org}/operations/${deploy.id}`);
      return ["succeeded", "failed", "cancelled", "expired"].includes(now.state) ? now : undefined;
    });
    assert.equal(end.state, "succeeded", JSON.stringify(end.error));
    const one = { org, host };
    await poll(`${host} answers`, 90_000, async () => (await visit(one)) === 200 || undefined);
    return one;
  }

  /** The status of one request; 0 where there was no answer. */
  async function visit({ host }: Site, agent?: Agent): Promise<number> {
    const { address, port } = await world.controller();
    return new Promise((done) => {
      const asked = request({ host: address, port, servername: host, path: "/web/login", headers: { Host: host }, rejectUnauthorized: false, agent, timeout: 60_000 }, (answer) => {
        answer.resume();
        answer.on("end", () => done(answer.complete ? answer.statusCode! : 0));
        answer.on("error", () => done(0));
      });
      asked.on("timeout", () => asked.destroy());
      asked.on("error", () => done(0));
      asked.end();
    });
  }
  const current = async (org: string): Promise<string> =>
    (await api.get<{ data: { id: string; state: string }[] }>(`${org}/tunnel-keys`)).data.find((one) => one.state === "current")!.id;

  scenario(world, "differ, and rotating and revoking one's drops no request of the other's [S-TUN-07]", async () => {
    assert.notEqual(await current(ours.org), await current(theirs.org));
    const statuses: Record<number, number> = {};
    let going = true;
    const visitor = async (): Promise<void> => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; going; i++) {
        // Both on a connection that is there and on new ones.
        const status = await visit(theirs, i % 2 ? undefined : agent);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      agent.destroy();
    };
    const visitors = Array.from({ length: 6 }, visitor);
    const seen = async (more: number): Promise<void> => {
      const from = statuses[200] ?? 0;
      await poll("visitors of the other", 120_000, async () => (statuses[200] ?? 0) >= from + more || undefined);
    };
    try {
      for (let round = 0; round < 3; round++) {
        const before = await current(ours.org);
        await api.post(`${ours.org}/tunnel-keys/rotate`, { grace_s: 60 });
        await poll("ours answers under the new key", 90_000, async () => (await visit(ours)) === 200 || undefined);
        await seen(20);
        await api.post(`${ours.org}/tunnel-keys/${before}/revoke`);
        await poll("ours goes on", 90_000, async () => (await visit(ours)) === 200 || undefined);
        await api.post(`${ours.org}/tunnel-keys/${await current(ours.org)}/revoke`);
        await poll("nothing gets through without a key", 60_000, async () => (await visit(ours)) !== 200 || undefined);
        await seen(20);
        await api.post(`${ours.org}/tunnel-keys/rotate`);
        await poll("ours is back", 90_000, async () => (await visit(ours)) === 200 || undefined);
      }
    } finally {
      going = false;
      await Promise.all(visitors);
    }
    assert.deepEqual(Object.keys(statuses), ["200"], JSON.stringify(statuses));
    assert.ok(statuses[200]! > 100, JSON.stringify(statuses));
  });
});
