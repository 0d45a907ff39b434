// A disk that becomes full in the middle: a deployment is undone whole, and nothing takes the last of it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe } from "node:test";
import { demo, type Demo, footprint } from "./lib/odoo.ts";
import type { Environment } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("a disk that becomes full", () => {
  const world = worldOfSuite();
  let on: Enrolled;
  let environment: Environment;
  let was: Demo;

  before(async () => {
    on = await world.server("full", { disk: "2500M" });
    environment = await world.environment(await world.project("full"), on.server, "full");
    await world.succeeded(await world.deploy(environment));
    was = await demo(on.host, environment);
  });

  const free = async (): Promise<number> => Number(await on.host.sh("df --output=avail -B1 / | tail -n 1"));

  scenario(world, "in a migration, to the last byte: the old release serves again, with its data, while the disk is still full", async () => {
    const print = await footprint(on.host);
    await (await world.git()).commit("full", "fills");
    const operation = await world.finished(await world.deploy(environment));
    assert.equal(operation.state, "failed", JSON.stringify(operation));
    assert.equal(operation.error?.step, "migrate");
    assert.match(`${operation.error?.message}`, /No space left on device/);
    assert.ok((await free()) < 40 << 20, "it is still full, but for what was held back");
    assert.deepEqual(await demo(on.host, environment), was);
    const now = await world.look(environment);
    assert.equal(now.status, "running");
    assert.equal(now.current_release?.number, 1);

    await on.host.sh("rm /var/lib/fairlead/environments/*/data/filler");
    assert.equal(await footprint(on.host), print);
    assert.match(await on.host.sh("runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database ORDER BY 1'"), /^(?!.*scratch)/s);
  });

  scenario(world, "while a huge repository is fetched: the fetch ends before the last of the disk is gone, and leaves nothing", async () => {
    await (await world.git()).commit("full", "v2");
    await (await world.git()).change("full", { huge: randomBytes(230 << 20) });
    await on.host.sh("fallocate -l $(( $(df --output=avail -B1 / | tail -n 1) - 330 * 1024 * 1024 )) /srv/fill");
    const print = await footprint(on.host);
    const before = await free();
    const operation = await world.finished(await world.deploy(environment));
    assert.equal(operation.error?.code, "preflight_failed", JSON.stringify(operation));
    assert.match(`${operation.error?.message}`, /disk became full while fetching .*full\.git.*Free some space on the disk/);
    assert.ok((await free()) > before - (32 << 20), `${before} were free, and now ${await free()}`);
    assert.equal(await footprint(on.host), print);
    assert.deepEqual(await demo(on.host, environment), was);
    await on.host.sh("rm /srv/fill");
  });

  scenario(world, "does not stand in the way of the next deployment once there is space", async () => {
    await (await world.git()).change("full", { huge: "" });
    await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "v2");
  });
});
