// The kill matrix: executor, link, host and controller, each killed right after a journal record of a deployment with
// migration. Afterwards Odoo serves the old release whole or the new one whole, and nothing is left over.
//
// FAIRLEAD_KILL=all kills at every record; otherwise at some, spread over the whole deployment, others each day.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { CrashPoints } from "./lib/crash.ts";
import { demo, footprint } from "./lib/odoo.ts";
import type { Environment, Operation, Server } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const everyRecord = process.env.FAIRLEAD_KILL === "all";
const points = Number(process.env.FAIRLEAD_KILL_POINTS ?? 4);

describe("a crash in the middle of a deployment", () => {
  const world = worldOfSuite();
  let on: Enrolled;
  let environment: Environment;
  let crash: CrashPoints;
  let records = 0;
  /** Servers' footprints at rest, by the code that serves: what is not in there was left over. */
  const rest = new Map<string, string>();

  const old = { code: "v1", module: "19.0.1.0.0", rows: ["one=new", "two=new", "three=new"], file: "kept by v1" };
  const migrated = ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"];
  const next = { code: "v2", module: "19.0.2.0.0", rows: migrated, file: "kept by v2" };

  before(async () => {
    on = await world.server("crash");
    environment = await world.environment(await world.project("crash"), on.server, "crash", { keep_releases: 2 });
    await world.succeeded(await world.deploy(environment));
    crash = await CrashPoints.on(on.host);
    // Two rounds, so that the number of kept releases is the same at each later start.
    for (let round = 0; round < 2; round++) {
      await crash.arm(0);
      await world.succeeded(await deployNext());
      records = await crash.count();
      rest.set("v2", await shape());
      await back();
      rest.set("v1", await shape());
    }
    assert.ok(records > 10, `only ${records} records were seen: is the journal where it was?`);
  });

  scenario(world, "of the executor, at journal records, leaves the old release whole or the new one whole", () =>
    each(async () => {
      await on.host.sh("systemctl kill -s KILL fairlead-executor.service");
    }), hours(2));

  scenario(world, "of the host leaves the old release whole or the new one whole", () =>
    each(async () => {
      await on.host.kill();
      await on.host.boot();
    }), hours(2));

  scenario(world, "of the link does no harm", () =>
    each(async () => {
      await on.host.sh("systemctl kill -s KILL fairlead-link.service");
      await crash.release();
    }), hours(2));

  scenario(world, "of the controller does no harm", () =>
    each(async () => {
      const controller = await world.controller();
      await controller.kill();
      await crash.release();
      await controller.start();
    }), hours(2));

  /** Deploys, kills at a record, waits for the truth, and compares it with what is there. */
  async function each(kill: () => Promise<void>): Promise<void> {
    for (const at of chosen()) {
      await crash.arm(at);
      const operation = await deployNext();
      if (await crash.reached(120)) await kill();
      const end = await world.finished(operation, 180_000);
      await on.host.sh("rm -f /var/lib/fairlead-crash/at");
      const serving = await demo(on.host, environment);
      const where = `record ${at} of ${records}: ${end.state}, ${end.outcome ?? ""}`;
      assert.ok(["succeeded", "failed"].includes(end.state), where);
      assert.deepEqual(serving, end.state === "succeeded" ? next : old, where);
      const shown = (await world.look(environment)).current_release;
      assert.equal((await demo(on.host, environment)).code, end.state === "succeeded" ? "v2" : "v1");
      assert.equal(shown?.state, "live", where);
      assert.equal(await shape(), rest.get(serving.code), where);
      if (serving.code === "v2") await back();
    }
  }

  function chosen(): number[] {
    if (everyRecord) return Array.from({ length: records }, (_, index) => index + 1);
    const day = Math.floor(Date.now() / 86_400_000);
    const stride = records / points;
    return Array.from({ length: points }, (_, index) => 1 + Math.floor(index * stride + (day % Math.max(1, Math.floor(stride)))));
  }

  async function deployNext(): Promise<Operation> {
    await (await world.git()).commit("crash", "v2");
    await world.until("the server is online", 90_000, async (api, org) =>
      (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);
    return world.deploy(environment);
  }

  /** To v1 with its database, by the newest kept release that has it. */
  async function back(): Promise<void> {
    await crash.arm(0);
    const releases = await world.releases(environment);
    const kept = releases.find((one) => one.state === "kept" && one.has_database_snapshot);
    assert.ok(kept, JSON.stringify(releases));
    await world.succeeded(await world.act(environment, "rollback", { release_id: kept.id, database: "snapshot" }));
    assert.deepEqual(await demo(on.host, environment), old);
  }

  /** The footprint without the numbers and commits that grow with each round. */
  async function shape(): Promise<string> {
    return (await footprint(on.host)).replaceAll(/[0-9a-f]{40}/g, "COMMIT").replaceAll(/releases\/\d+/g, "releases/N")
      .split("\n").filter((line, index, all) => all.indexOf(line) === index).join("\n");
  }
});

function hours(n: number): number {
  return n * 3_600_000;
}
