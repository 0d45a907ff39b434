// The kill matrix: executor, link, host and controller, each killed right after a journal record of a deployment with
// migration. Afterwards Odoo serves the old release whole or the new one whole, nothing is left over, the state that the
// controller tells is true, and the operation ran once. At which records: `KillPoints` in lib/crash.ts.
import assert from "node:assert/strict";
import { afterEach, before, describe } from "node:test";
import { CrashPoints, type JournalRecord, KillPoints } from "./lib/crash.ts";
import { demo, difference, effects, shape } from "./lib/odoo.ts";
import type { Environment, Operation, Server } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const hours = (n: number): number => n * 3_600_000;

describe("a crash in the middle of a deployment", () => {
  const world = worldOfSuite();
  let on: Enrolled;
  let environment: Environment;
  let crash: CrashPoints;
  let points: KillPoints;
  /** The release before the deployment that is under way. */
  let live: string | undefined;
  /** Servers' footprints at rest, by the code that serves: what is not in there was left over. */
  const rest = new Map<string, string>();

  const old = { code: "v1", module: "19.0.1.0.0", rows: ["one=new", "two=new", "three=new"], file: "kept by v1" };
  const migrated = ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"];
  const next = { code: "v2", module: "19.0.2.0.0", rows: migrated, file: "kept by v2" };

  before(async () => {
    on = await world.server("crash", { limit: 8 * 3600 });
    environment = await world.environment(await world.project("crash"), on.server, "crash", { keep_releases: 2 });
    await world.succeeded(await world.deploy(environment), 900_000); // the first builds all, on a machine that may be busy
    crash = await CrashPoints.on(on.host);
    let records: JournalRecord[] = [];
    // Two rounds, so that the number of kept releases is the same at each later start.
    for (let round = 0; round < 2; round++) {
      await crash.arm(0);
      const { steps } = await world.succeeded(await deployNext());
      records = await crash.records(steps.filter((one) => one.started_at).map((one) => ({ name: one.name, begun: Date.parse(one.started_at!) })));
      rest.set("v2", await shape(on.host));
      await back();
      rest.set("v1", await shape(on.host));
    }
    assert.ok(records.length > 10, `only ${records.length} records were seen: is the journal where it was?`);
    points = await KillPoints.of(records, ["executor", "link", "host", "controller"]);
  });

  // What a test that failed half way left held would hold up all that come after it.
  afterEach(() => (crash as CrashPoints | undefined)?.disarm().catch(() => undefined));

  scenario(world, "of the executor leaves the old release whole or the new one whole [X-DEP-01] [S-PRE-09]", () =>
    each("executor", () => crash.kill("executor")), hours(3));

  scenario(world, "of the host leaves the old release whole or the new one whole [X-DEP-01] [S-PRE-09]", () =>
    each("host", () => crash.kill("host")), hours(3));

  scenario(world, "of the link does no harm, and the deployment runs once [X-OPS-01] [X-OPS-02]", () =>
    through("link", async () => {
      // The file tells the state of the link that is killed.
      await on.host.sh("systemctl kill -s KILL fairlead-link.service; rm -f /run/fairlead-link/status.json");
      await crash.release();
      await on.host.sh("fairlead-agent status --wait 60", { timeoutMs: 90_000 });
    }), hours(3));

  scenario(world, "of the controller does no harm, and the deployment runs once [X-OPS-01] [X-OPS-02]", () =>
    through("controller", async () => {
      const controller = await world.controller();
      await controller.kill();
      await crash.release();
      await controller.start();
      await online();
    }), hours(3));

  /** Deploys, kills what carries the deployment at a record, and compares the state that is told with what is there. */
  async function each(victim: string, kill: () => Promise<unknown>): Promise<void> {
    for (const point of points.for(victim)) {
      await crash.arm(point.number);
      const operation = await deployNext();
      const end = world.finished(operation, 300_000);
      const at = await crash.reached(end);
      if (at !== undefined) await kill();
      if (at === undefined) assert.equal((await end).state, "succeeded", `nothing was killed: ${JSON.stringify((await end).error)}`);
      const state = await whole(await end, `${victim} killed at record ${at ?? "none"}, expected ${point.number} in ${point.step}`);
      if (state === "succeeded") await back();
      if (at === undefined && points.all) break;
    }
  }

  /** Kills what the deployment does without, at as many records of one deployment as there is time to come back between. */
  async function through(victim: string, kill: () => Promise<void>): Promise<void> {
    let left = points.for(victim).map((one) => one.number);
    while (left.length > 0) {
      await crash.arm(left[0]!);
      const operation = await deployNext();
      const end = world.finished(operation, 300_000);
      const at: number[] = [];
      for (let stop = await crash.reached(end); stop !== undefined; stop = await crash.reached(end)) {
        at.push(stop);
        await kill();
        const later = left.find((one) => one > stop!);
        if (later === undefined) break;
        await crash.next(later);
      }
      // A deployment has a few records more or fewer, as the log comes: what it does not have is not left to kill at.
      left = at.length === 0 ? (points.all ? [] : left.slice(1)) : left.filter((one) => !at.includes(one));
      const state = await whole(await end, `${victim} killed at records ${at.join(", ")}`);
      assert.equal(state, "succeeded");
      await back();
    }
  }

  async function whole(end: Operation, what: string): Promise<string> {
    const where = `${what}: ${end.state}, ${end.outcome ?? ""} ${JSON.stringify(end.error)}`;
    console.log(`# ${where}`);
    assert.ok(["succeeded", "failed"].includes(end.state), where);
    const serving = await demo(on.host, environment);
    assert.deepEqual(serving, end.state === "succeeded" ? next : old, where);
    assert.equal(difference(await shape(on.host), rest.get(serving.code)), "", where);
    assert.equal(await effects(on.host, end), end.state === "succeeded" ? 1 : 0, where);
    const release = end.state === "succeeded" ? end.result?.release_id : live;
    await world.until(`${what}: the controller tells that ${release} is live`, 30_000, async (api, org) => {
      const now = await api.get<Environment>(`${org}/environments/${environment.id}`);
      return now.status === "running" && now.current_release?.id === release && now.current_release?.state === "live" ? true : undefined;
    });
    return end.state;
  }

  const online = (): Promise<true> => world.until("the server is online", 90_000, async (api, org) =>
    (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);

  async function deployNext(): Promise<Operation> {
    await (await world.git()).commit("crash", "v2");
    await online();
    live = (await world.look(environment)).current_release?.id;
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
});
