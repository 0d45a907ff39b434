// Deployments that go wrong on the server: each is undone whole, with the reason where a person sees it.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import type { AddonCase } from "./lib/git.ts";
import { demo, type Demo, footprint } from "./lib/odoo.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("a deployment that fails", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  let was: Demo;
  let print: string;

  before(async () => {
    on = await world.server("bad");
    environment = await world.environment(await world.project("bad"), on.server, "bad");
    await world.succeeded(await world.deploy(environment), 900_000);
    was = await demo(on.host, environment);
    print = await footprint(on.host);
  });

  const cases: { state: AddonCase; what: string; step: string; says: RegExp }[] = [
    { state: "raises", what: "whose migration raises half-way", step: "migrate", says: /stops half-way/ },
    { state: "syntax", what: "with a syntax error", step: "migrate", says: /SyntaxError|was never closed/ },
    { state: "dies", what: "whose server dies after five seconds", step: "health", says: /ends after 5 s|status 3|exit/ },
    { state: "hangs", what: "whose server never answers", step: "health", says: /health|answer/ },
  ];

  for (const { state, what, step, says } of cases) {
    scenario(world, `of an addon ${what} puts back code, configuration, database and filestore as one [X-DEP-02]`, async () => {
      await (await world.git()).commit("bad", state);
      const operation = await world.finished(await world.deploy(environment));
      await undone(operation, step, says);
    });
  }

  scenario(world, "because a repository went away after the checks leaves the old release serving", async () => {
    await (await world.git()).commit("bad", "fix");
    const api = await world.api();
    const project = await api.get<{ data: { id: string; addons: object[] }[] }>(`${await world.org()}/projects`);
    await api.call("PATCH", `${await world.org()}/projects/${project.data[0]!.id}`, {
      body: { addons: [...project.data[0]!.addons, { name: "gone", url: (await world.git()).url("nowhere"), branch: "19.0" }] },
    });
    try {
      const operation = await world.finished(await world.deploy(environment));
      assert.equal(operation.state, "failed");
      assert.deepEqual(await demo(on.host, environment), was);
    } finally {
      await api.call("PATCH", `${await world.org()}/projects/${project.data[0]!.id}`, { body: { addons: project.data[0]!.addons } });
    }
  });

  scenario(world, "does not stand in the way of the next good one", async () => {
    await (await world.git()).commit("bad", "v2");
    await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "v2");
  });

  async function undone(operation: Operation, step: string, says: RegExp): Promise<void> {
    assert.equal(operation.state, "failed", JSON.stringify(operation));
    assert.equal(operation.error?.step, step);
    const log = await world.logOf(operation);
    assert.match(`${operation.error?.message}\n${log}`, says);
    assert.deepEqual(await demo(on.host, environment), was);
    const now = await world.look(environment);
    assert.equal(now.status, "running");
    assert.equal(now.current_release?.number, 1);
    assert.equal(await footprint(on.host), print);
  }
});
