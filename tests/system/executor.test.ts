// Deployments on a real server, asked of the executor itself: what succeeds, what fails and is undone, what is refused
// beforehand, and what a crash at each journal record leaves.
//
// FAIRLEAD_KILL=all kills at every record; otherwise at FAIRLEAD_KILL_POINTS (6), spread over the whole deployment.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { CrashPoints } from "./lib/crash.ts";
import { Executor, newId, type Told } from "./lib/direct.ts";
import type { AddonCase } from "./lib/git.ts";
import { demo, type Demo, footprint, healthy } from "./lib/odoo.ts";
import type { Environment } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const v1: Demo = { code: "v1", module: "19.0.1.0.0", rows: ["one=new", "two=new", "three=new"], file: "kept by v1" };
const migrated = ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"];
const v2: Demo = { code: "v2", module: "19.0.2.0.0", rows: migrated, file: "kept by v2" };

describe("the executor", () => {
  const world = worldOfSuite();
  let executor: Executor;
  let number = 0;
  const slug = "shop";
  const environment = { id: newId("env"), slug, port: 8069 } as Environment;
  let spec: Record<string, unknown>;

  before(async () => {
    const git = await world.git();
    await git.commit("shop", "v1");
    const host = await world.host("direct", { disk: "6G" });
    executor = await Executor.on(host);
    spec = {
      id: environment.id, slug, name: "shop", type: "staging", odoo_version: "19.0",
      odoo: { name: "odoo", url: await git.addOdoo(), branch: "19.0" },
      addons: [{ name: "demo", url: git.url("shop"), branch: "19.0" }],
      port: 8069, gevent_port: 8072, modules: ["base", "web", "fl_demo"], system_site_packages: true, keep_releases: 2,
      resources: { memory_max_bytes: 1 << 30, cpu_percent: 150, tasks_max: 200, workers: 0 },
    };
  });

  const deployment = (update = "automatic") => ({ environment: spec, release: { id: newId("rel"), number: (number += 1) }, update });

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

  const cases: { state: AddonCase; what: string; step: string; says: RegExp }[] = [
    { state: "raises", what: "migration raises half-way", step: "migrate", says: /stops half-way/ },
    { state: "syntax", what: "code does not parse", step: "migrate", says: /SyntaxError|was never closed/ },
    { state: "dies", what: "server dies after five seconds", step: "health", says: /ends after 5 s|status 3/ },
    { state: "hangs", what: "server never answers", step: "health", says: /answer/ },
  ];
  for (const { state, what, step, says } of cases) {
    scenario(world, `undoes a release whose ${what}: code, configuration, database and filestore as one [X-DEP-02]`, async () => {
      const was = await demo(executor.host, environment);
      const print = await footprint(executor.host);
      await (await world.git()).commit("shop", state);
      const told = await deploy();
      assert.equal(told.finished.outcome, "failed");
      assert.equal(told.finished.error?.step, step, JSON.stringify(told.finished));
      assert.match(`${told.finished.error?.message}\n${told.log}`, says);
      assert.deepEqual(await demo(executor.host, environment), was);
      assert.equal(await footprint(executor.host), print);
    });
  }

  scenario(world, "takes changes without and with migration, and goes back with the database", async () => {
    const git = await world.git();
    await git.commit("shop", "v1");
    await git.commit("shop", "fix");
    good(await deploy());
    assert.deepEqual(await demo(executor.host, environment), { ...v1, code: "fix" });
    const fixed = number;
    await git.commit("shop", "v2");
    good(await deploy());
    assert.deepEqual(await demo(executor.host, environment), v2);
    good(await executor.run("environment.rollback", { environment_id: environment.id, slug, release: { id: newId("rel"), number: fixed }, database: "snapshot" }));
    assert.deepEqual(await demo(executor.host, environment), { ...v1, code: "fix" });
  });

  scenario(world, "stops, starts and restarts", async () => {
    const args = { environment_id: environment.id, slug };
    good(await executor.run("environment.stop", args));
    assert.equal(await healthy(executor.host, environment), false);
    good(await executor.run("environment.start", args));
    assert.equal(await healthy(executor.host, environment), true);
    good(await executor.run("environment.restart", args));
    assert.equal(await healthy(executor.host, environment), true);
  });

  scenario(world, "killed with its host or alone, after journal records of a deployment with migration, leaves old or new whole [X-DEP-01] [S-PRE-09]", async () => {
    const { host } = executor;
    await (await world.git()).commit("shop", "v1");
    good(await deploy());
    live = number;
    const crash = await CrashPoints.on(host);
    const rest = new Map<string, string>();
    let records = 0;
    // What the server looks like at rest with either release, after the same number of rounds.
    for (let round = 0; round < 2; round++) {
      const from = live;
      await (await world.git()).commit("shop", "v2");
      await crash.arm(0);
      good(await deploy());
      records = await crash.count();
      rest.set("v2", await shape());
      await back(from);
      rest.set("v1", await shape());
    }
    assert.ok(records > 10, `only ${records} journal records were seen`);

    for (const at of chosen(records)) {
      for (const victim of ["executor", "host"]) {
        const from = live;
        await crash.arm(at);
        const { id, told } = await executor.begin("environment.deploy", deployment());
        if (await crash.reached(120)) {
          if (victim === "host") {
            await host.kill();
            await host.boot();
          } else {
            await host.sh("systemctl kill -s KILL fairlead-executor.service");
          }
        }
        await told.catch(() => undefined);
        const end = (await executor.follow(id)).finished;
        const where = `${victim} killed at record ${at} of ${records}: ${end.outcome}, ${end.note}`;
        const serving = await demo(host, environment);
        assert.deepEqual(serving, end.outcome === "succeeded" ? v2 : v1, where);
        assert.equal(await shape(), rest.get(serving.code), where);
        if (serving.code === "v2") await back(from);
      }
    }
  }, 7_200_000);

  /** The number of the release that serves. */
  let live = 0;

  async function back(to: number): Promise<void> {
    good(await executor.run("environment.rollback", { environment_id: environment.id, slug, release: { id: newId("rel"), number: to }, database: "snapshot" }));
    assert.deepEqual(await demo(executor.host, environment), v1);
    live = to;
  }

  function chosen(records: number): number[] {
    if (process.env.FAIRLEAD_KILL === "all") return Array.from({ length: records }, (_, index) => index + 1);
    const points = Number(process.env.FAIRLEAD_KILL_POINTS ?? 6);
    return Array.from({ length: points }, (_, index) => 1 + Math.floor((index * records) / points));
  }

  async function shape(): Promise<string> {
    const lines = (await footprint(executor.host)).replaceAll(/[0-9a-f]{40}/g, "COMMIT").replaceAll(/releases\/\d+/g, "releases/N")
      .replaceAll(/snapshots\/\d+/g, "snapshots/N").replaceAll(/\.r\d+/g, ".rN").split("\n");
    return [...new Set(lines)].sort().join("\n");
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
