// Deployments, rollbacks and restarts that need no migration, while clients go on asking: what each of them gets.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { CrashPoints, type JournalRecord, KillPoints } from "./lib/crash.ts";
import { Executor, newId, type Told } from "./lib/direct.ts";
import { type Tallies, under } from "./lib/load.ts";
import { demo, difference, shape } from "./lib/odoo.ts";
import type { Environment } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

/** Odoo's two servers: threads in one process, and processes. */
const servers = [
  { slug: "threads", port: 8069, workers: 0 },
  { slug: "workers", port: 8169, workers: 3 },
];

describe("clients that go on asking", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let executor: Executor;

  before(async () => {
    executor = await Executor.on(await world.host("no-drop", { limit: 2 * 3600 }));
  });

  interface Odoo {
    slug: string;
    port: number;
    workers: number;
  }
  const ids = new Map(servers.map(({ slug }) => [slug, newId("env")]));
  const numbers = new Map<string, number>();
  const look = ({ slug, port }: Odoo) => demo(executor.host, { id: ids.get(slug), slug, port } as Environment);

  async function deployment({ slug, port, workers }: Odoo, state: "v1" | "fix"): Promise<unknown> {
    const git = await world.git();
    await git.commit(slug, state);
    const number = (numbers.get(slug) ?? 0) + 1;
    numbers.set(slug, number);
    const spec = {
      id: ids.get(slug), slug, name: slug, type: "staging", odoo_version: "19.0",
      odoo: { name: "odoo", url: await git.addOdoo(), branch: "19.0" },
      addons: [{ name: "demo", url: git.url(slug), branch: "19.0" }],
      port, gevent_port: port + 1, modules: ["base", "web", "fl_demo"], system_site_packages: true, keep_releases: 3,
      resources: { memory_max_bytes: 0, cpu_percent: 0, tasks_max: 0, workers },
    };
    return { environment: spec, release: { id: newId("rel"), number }, update: number === 1 ? "automatic" : "none" };
  }
  const deploy = async (odoo: Odoo, state: "v1" | "fix"): Promise<Told> => good(await executor.run("environment.deploy", await deployment(odoo, state)));
  const back = async ({ slug }: Odoo, number: number): Promise<Told> =>
    good(await executor.run("environment.rollback", { environment_id: ids.get(slug), slug, release: { id: newId("rel"), number }, database: "keep" }));

  for (const odoo of servers) {
    scenario(world, `get all their answers from ${odoo.slug} while a release takes the place of another [X-DEP-03]`, async () => {
      await deploy(odoo, "v1");
      const told = await under(executor.host, { port: odoo.port }, async () => {
        const { steps } = await deploy(odoo, "fix");
        assert.deepEqual([steps.migrate, steps.beside], ["skipped", "done"]);
      });
      answered(told);
      assert.ok(told.plain.codes.v1! > 0 && told.plain.codes.fix! > 0, JSON.stringify(told));
      assert.equal((await look(odoo)).code, "fix");
    });

    scenario(world, `get all their answers from ${odoo.slug} while it is rolled back and restarted`, async () => {
      const told = await under(executor.host, { port: odoo.port }, async () => {
        await back(odoo, 1);
        good(await executor.run("environment.restart", { environment_id: ids.get(odoo.slug), slug: odoo.slug }));
      });
      answered(told);
      assert.equal((await look(odoo)).code, "v1");
    });

    scenario(world, `find ${odoo.slug} changed when they come back, and no process was forced to end`, async () => {
      await deploy(odoo, "fix");
      await back(odoo, 1);
      assert.equal((await look(odoo)).code, "v1");
      assert.equal(await executor.host.sh("journalctl --no-pager -o cat -u 'fairlead-odoo*' | grep -c 'Forced shutdown' || true"), "0\n");
    });
  }

  scenario(world, "see the old release or the new one, and nothing is left, whenever the executor is killed meanwhile [X-DEP-01]", async () => {
    const { host } = executor;
    const odoo = servers[0]!;
    const crash = await CrashPoints.on(host);
    const rest = new Map<string, string>();
    const live = 1;
    let records: JournalRecord[] = [];
    // Two rounds, so that the number of kept releases is the same at each later start.
    for (let round = 0; round < 2; round++) {
      await crash.arm(0);
      const told = await deploy(odoo, "fix");
      records = await crash.records(told.begun);
      rest.set("fix", await shape(host));
      await back(odoo, live);
      rest.set("v1", await shape(host));
    }
    const points = await KillPoints.of(records.filter(({ step }) => step === "beside" || step === "switch"), ["executor"]);
    try {
      for (const point of points.for("executor")) await killedAt(point);
    } finally {
      await crash.disarm();
    }

    async function killedAt(point: JournalRecord): Promise<void> {
      await crash.arm(point.number);
      const { id, told } = await executor.begin("environment.deploy", await deployment(odoo, "fix"));
      const at = await crash.reached(told);
      if (at !== undefined) await host.sh("systemctl kill -s KILL fairlead-executor.service");
      await told.catch(() => undefined);
      const { outcome, note } = (await executor.follow(id)).finished;
      const where = `killed at record ${at ?? "none"}, expected ${point.number} in ${point.step}: ${outcome}, ${note}`;
      console.log(`# ${where}`);
      const { code } = await look(odoo);
      assert.equal(code, outcome === "succeeded" ? "fix" : "v1", where);
      assert.equal(difference(await shape(host), rest.get(code)), "", where);
      if (code === "v1") return;
      await crash.arm(0);
      await back(odoo, live);
    }
  }, 3_600_000);

  function good(told: Told): Told {
    assert.equal(told.finished?.outcome, "succeeded", `${JSON.stringify(told.finished)}\n${told.log}`);
    return told;
  }

  /** No client was refused, cut or answered with an error, the slow ones neither. */
  function answered(told: Tallies): void {
    console.log(`# ${JSON.stringify(told)}`);
    for (const [name, tally] of Object.entries(told)) assert.equal(tally.failed, 0, `${name}: ${JSON.stringify(tally)}`);
    assert.ok(told.plain.sent > 50 && told.slow.sent > 2 && told.kept.sent > 20, JSON.stringify(told));
  }
});
