// A disk that becomes full in the middle of a deployment: it is undone whole.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { demo, type Demo, footprint } from "./lib/odoo.ts";
import type { Environment } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("a disk that becomes full", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  let was: Demo;

  before(async () => {
    on = await world.server("full", { disk: "2500M" });
    environment = await world.environment(await world.project("full"), on.server, "full");
    await world.succeeded(await world.deploy(environment), 600_000);
    was = await demo(on.host, environment);
  });

  const free = async (): Promise<number> => Number(await on.host.sh("df --output=avail -B1 / | tail -n 1"));

  scenario(world, "in a migration, to the last byte: the old release serves again, with its data, while the disk is still full", async () => {
    const print = await footprint(on.host);
    await (await world.git()).commit("full", "fills");
    const operation = await world.finished(await world.deploy(environment), 600_000);
    assert.equal(operation.state, "failed", JSON.stringify(operation));
    assert.equal(operation.error?.step, "migrate");
    assert.match(`${operation.error?.message}`, /No space left on device/);
    assert.ok((await free()) < 128 << 20, "it is still full, but for what was held back");
    assert.deepEqual(await demo(on.host, environment), was);
    const now = await world.look(environment);
    assert.equal(now.status, "running");
    assert.equal(now.current_release?.number, 1);

    await on.host.sh("rm /var/lib/fairlead/environments/*/data/filler");
    assert.equal(await footprint(on.host), print);
    assert.match(await on.host.sh("runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database ORDER BY 1'"), /^(?!.*scratch)/s);
  });
});
