// The executor itself, without link and controller: a deployment, deliveries again and again, and what a crash after a journal
// record leaves; at which ones: `KillPoints` in lib/crash.ts.
import assert from "node:assert/strict";
import { afterEach, before, describe } from "node:test";
import { CrashPoints, type JournalRecord, KillPoints, type Victim, victims } from "./lib/crash.ts";
import { Executor, newId, type Told } from "./lib/direct.ts";
import { demo, type Demo, difference, shape } from "./lib/odoo.ts";
import { seeded } from "./lib/seed.ts";
import type { Environment } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const v1: Demo = { code: "v1", module: "19.0.1.0.0", rows: ["one=new", "two=new", "three=new"], file: "kept by v1" };
const migrated = ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"];
const v2: Demo = { code: "v2", module: "19.0.2.0.0", rows: migrated, file: "kept by v2" };

describe("the executor", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let executor: Executor;
  let number = 0;
  const slug = "shop";
  const environment = { id: newId("env"), slug, port: 8069 } as Environment;
  let spec: Record<string, unknown>;

  before(async () => {
    const git = await world.git();
    await git.commit("shop", "v1");
    const host = await world.host("direct", { disk: "6G", limit: 4 * 3600 });
    executor = await Executor.on(host);
    spec = {
      id: environment.id, slug, name: "shop", type: "staging", odoo_version: "19.0",
      odoo: { name: "odoo", url: await git.addOdoo(), branch: "19.0" },
      addons: [{ name: "demo", url: git.url("shop"), branch: "19.0" }],
      port: 8069, gevent_port: 8072, modules: ["base", "web", "fl_demo"], system_site_packages: true, keep_releases: 2,
      resources: { memory_max_bytes: 1 << 30, cpu_percent: 150, tasks_max: 200, workers: 0 },
    };
  });

  const deployment = () => ({ environment: spec, release: { id: newId("rel"), number: (number += 1) }, update: "automatic" });

  async function deploy(): Promise<Told> {
    return executor.run("environment.deploy", deployment());
  }

  function good(told: Told): Told {
    assert.equal(told.finished?.outcome, "succeeded", `${JSON.stringify(told.finished)}\n${told.log}`);
    return told;
  }

  scenario(world, "brings a first release up, whole", async () => {
    const told = good(await deploy());
    assert.deepEqual(await demo(executor.host, environment), v1);
    assert.equal(told.steps.preflight, "done");
    assert.equal(told.steps.health, "done");
  });

  scenario(world, "runs an operation once, however often it is delivered, and no other in its place [X-OPS-02]", async () => {
    const args = { environment_id: environment.id, slug };
    const process = () => executor.host.sh(`systemctl show -P MainPID fairlead-odoo@${slug}`);
    const restart = await executor.begin("environment.restart", args);
    good(await restart.told);
    const running = await process();
    const again = await executor.begin("environment.restart", args, restart);
    good(await again.told);
    assert.equal(await process(), running);
    await executor.host.sh("systemctl kill -s KILL fairlead-executor.service");
    good(await (await executor.begin("environment.restart", args, restart)).told);
    assert.equal(await process(), running);
    const other = await (await executor.begin("environment.restart", args, { fence: restart.fence })).told;
    assert.equal(other.finished.error?.code, "fence_reused", JSON.stringify(other.finished));
    assert.equal(await process(), running);
  });

  let crash: CrashPoints | undefined;
  // What a test that failed half way left held would hold up all that come after it.
  afterEach(() => crash?.disarm().catch(() => undefined));
  let records: JournalRecord[] = [];
  /** What the server looks like at rest with either release. */
  const rest = new Map<string, string>();

  scenario(world, "writes down in its journal what a deployment with migration does", async () => {
    const { host } = executor;
    await (await world.git()).commit("shop", "v1");
    // What a git leaves that was killed at any moment stands in nobody's way.
    await host.sh("for mirror in /var/lib/fairlead/git/*.git; do touch $mirror/shallow.lock $mirror/objects/pack/tmp_pack_left; done");
    good(await deploy());
    assert.equal(await host.sh("find /var/lib/fairlead/git -name '*.lock' -o -name 'tmp_*'"), "");
    live = number;
    crash = await CrashPoints.on(host);
    // Two rounds, so that the number of kept releases and snapshots is the same at each later start.
    for (let round = 0; round < 2; round++) {
      const from = live;
      await (await world.git()).commit("shop", "v2");
      await crash.arm(0);
      const told = good(await deploy());
      records = await crash.records(told.begun);
      rest.set("v2", await shape(host));
      await back(from);
      rest.set("v1", await shape(host));
    }
    assert.ok(records.length > 10, `only ${records.length} journal records were seen`);
  });

  for (const victim of victims) {
    scenario(world, `whose ${victim} is killed after a journal record of a deployment with migration leaves old or new whole [X-DEP-01] [S-PRE-09]`, async () => {
      const points = await KillPoints.of(records, victims);
      for (const point of points.for(victim)) if (!(await killed(victim, point)) && points.all) break;
    }, 3 * 3_600_000);
  }

  scenario(world, "killed a second time, after a journal record of the undoing, leaves old or new whole [X-DEP-01] [S-PRE-09]", async () => {
    const point = records.find((one) => one.step === "health")!;
    const draw = await seeded();
    if (process.env.FAIRLEAD_KILL !== "all") await killed("executor", point, 1 + draw("again", 12));
    else for (let again = 1; await killed("executor", point, again); again++);
  }, 3 * 3_600_000);

  /** Deploys, kills at a record, and again at the so-manieth after that; then looks. Whether there was such a record. */
  async function killed(victim: Victim, point: JournalRecord, again?: number): Promise<boolean> {
    const from = live;
    await (await world.git()).commit("shop", "v2");
    await crash!.arm(point.number);
    const { id, told } = await executor.begin("environment.deploy", deployment());
    const at = [await crash!.reached(told)];
    if (again !== undefined) await crash!.next(at[0]! + again);
    if (at[0] !== undefined) await crash!.kill(victim);
    await told.catch(() => undefined);
    let end = executor.follow(id);
    if (again !== undefined && at.push(await crash!.reached(end)) && at[1] !== undefined) {
      await crash!.kill(victim);
      await end.catch(() => undefined);
      end = executor.follow(id);
    }
    const { outcome, note, error } = (await end).finished;
    const where = `${victim} killed at ${at.map((one) => one ?? "no record").join(" and ")}, expected ${point.number} in ${point.step}: ${outcome}, ${note}`;
    console.log(`# ${where}`);
    // A deployment that nothing killed has no reason to fail: what a crash left would be one.
    if (at[0] === undefined) assert.equal(outcome, "succeeded", `${where}: ${JSON.stringify(error)}`);
    const serving = await demo(executor.host, environment);
    assert.deepEqual(serving, outcome === "succeeded" ? v2 : v1, where);
    assert.equal(difference(await shape(executor.host), rest.get(serving.code)), "", where);
    if (serving.code === "v2") await back(from);
    return !at.includes(undefined);
  }

  /** The number of the release that serves. */
  let live = 0;

  async function back(to: number): Promise<void> {
    await crash!.arm(0); // a record that the deployment did not come to
    good(await executor.run("environment.rollback", { environment_id: environment.id, slug, release: { id: newId("rel"), number: to }, database: "snapshot" }));
    assert.deepEqual(await demo(executor.host, environment), v1);
    live = to;
  }

  scenario(world, "deletes an environment with all that belongs to it", async () => {
    good(await executor.run("environment.delete", { environment_id: environment.id, slug, drop_data: true }));
    const left = await executor.host.sh(`
      ls -d /var/lib/fairlead/environments/${slug} /etc/systemd/system/fairlead-odoo@${slug}* 2>/dev/null || true
      getent passwd fl-${slug} || true
      runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database' -c 'SELECT rolname FROM pg_roles' | grep -- 'fl-${slug}' || true
      systemctl list-units --all --no-legend 'fairlead-odoo@${slug}*'`);
    assert.equal(left, "");
  });
});
