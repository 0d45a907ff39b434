// What visitors notice of a deployment, beside a plain `systemctl restart` of the same Odoo on the same server.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../system/lib/host.ts";
import { root } from "../../system/lib/paths.ts";
import type { Environment, Operation, Step } from "../../system/lib/types.ts";
import { poll } from "../../system/lib/wait.ts";
import { World } from "../../system/lib/world.ts";
import { runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";

interface Noticed {
  asked: number;
  failed: number;
  slowest_ms: number;
  gap_ms: number;
}

const plain = "bench-plain-odoo.service";
const plainPort = 8999;

/** Visitors ask for a page while `work` runs and for a moment before and after. */
async function noticed(host: Host, url: string, work: () => Promise<void>): Promise<Noticed> {
  await host.sh("rm -f /run/bench-stop");
  const asking = host.exec(["python3", "/usr/local/bin/bench-prober", url, "/run/bench-stop"], { timeoutMs: 600_000 });
  asking.catch(() => undefined);
  try {
    await new Promise((done) => setTimeout(done, 2000));
    await work();
    await poll("the page answers", 60_000, async () => ((await host.exec(["curl", "-fsS", "-o", "/dev/null", "-m", "30", url], { check: false })).code === 0 ? true : undefined), 200);
    await new Promise((done) => setTimeout(done, 1000));
  } finally {
    await host.sh("touch /run/bench-stop");
  }
  return JSON.parse((await asking).stdout.trim().split("\n").at(-1)!) as Noticed;
}

/** The same program, configuration, database and user in a unit without a socket. */
async function startPlain(host: Host, environment: Environment): Promise<void> {
  const unit = `fairlead-odoo@${environment.slug}.service`;
  const show = async (property: string) => (await host.sh(`systemctl show -P ${property} ${unit}`)).trim();
  const command = /argv\[\]=([^;]*) ;/.exec(await show("ExecStart"))?.[1]?.trim();
  if (!command) throw new Error(`no command of ${unit} was found`);
  await host.write(`/etc/systemd/system/${plain}`, `[Service]
User=${await show("User")}
WorkingDirectory=${await show("WorkingDirectory")}
Environment=${await show("Environment")}
ExecStart=${command} --http-port=${plainPort} --max-cron-threads=0
KillMode=mixed
`);
  await host.sh(`systemctl daemon-reload; systemctl start ${plain}`);
}

function seconds(operation: Operation, name: string): number {
  const step = operation.steps.find((one) => one.name === name) as (Step & { started_at: string; finished_at: string }) | undefined;
  return step?.state === "done" ? (Date.parse(step.finished_at) - Date.parse(step.started_at)) / 1000 : 0;
}

export async function redeploy(): Promise<void> {
  const world = new World();
  try {
    const { host, server } = await world.server("shop");
    await host.write("/usr/local/bin/bench-prober", readFileSync(join(root, "tests/bench/prober"), "utf8"));
    let environment = await world.environment(await world.project("shop"), server, "shop", {
      resources: { memory_max_bytes: 1 << 30, cpu_percent: 200, tasks_max: 200, workers: 0 },
    });
    await world.succeeded(await world.deploy(environment));
    environment = await world.look(environment);
    const url = (port: number) => `http://127.0.0.1:${port}/fl_demo`;

    await startPlain(host, environment);
    await poll("the plain Odoo answers", 60_000, async () => ((await host.exec(["curl", "-fsS", "-o", "/dev/null", url(plainPort)], { check: false })).code === 0 ? true : undefined), 200);
    const restarts: Noticed[] = [];
    for (let i = 0; i < runs; ++i) restarts.push(await noticed(host, url(plainPort), async () => void (await host.sh(`systemctl restart ${plain}`))));
    await host.sh(`systemctl stop ${plain}`);
    say(`plain restarts: ${JSON.stringify(restarts)}`);

    const without: Noticed[] = [];
    for (let i = 0; i < runs; ++i) {
      await (await world.git()).commit("shop", i % 2 ? "v1" : "fix");
      without.push(await noticed(host, url(environment.port), async () => {
        const done = await world.succeeded(await world.deploy(environment, { update: "none" }));
        if (seconds(done, "migrate") > 0) throw new Error("this deployment migrated");
      }));
    }
    say(`without migration: ${JSON.stringify(without)}`);
    const failed = without.reduce((all, one) => all + one.failed, 0);
    const gaps = (all: Noticed[]) => all.map((one) => one.gap_ms / 1000);
    add({
      what: `redeploy without migration, 20 requests/s: failed requests in ${runs} deployments`,
      peer: `systemctl restart: ${spread(restarts.map((one) => one.failed), 0)} each`, ours: `${failed} of ${without.reduce((all, one) => all + one.asked, 0)}`,
      target: "none", met: failed === 0,
    });
    add({
      what: "the same: longest time in which nobody was answered", peer: `systemctl restart: ${spread(gaps(restarts))} s`, ours: `${spread(gaps(without))} s`,
      ratio: (median(gaps(without)) / median(gaps(restarts))).toFixed(2), target: "–", met: undefined, cpu: "requests wait in the socket and are answered",
    });

    const over: number[] = [], down: number[] = [], migrations: number[] = [], failures: number[] = [];
    for (let i = 0; i < runs; ++i) {
      let took = 0;
      const one = await noticed(host, url(environment.port), async () => {
        const done = await world.succeeded(await world.deploy(environment, { update: ["fl_demo"] }));
        took = seconds(done, "migrate");
        say(`with migration: ${done.steps.map((step) => `${step.name} ${seconds(done, step.name).toFixed(1)}`).join(", ")}; downtime_ms ${done.result?.downtime_ms}`);
      });
      migrations.push(took);
      down.push(one.gap_ms / 1000);
      over.push(one.gap_ms / 1000 - took);
      failures.push(one.failed);
    }
    add({
      what: "redeploy with migration: downtime", peer: `systemctl restart: ${spread(gaps(restarts))} s`, ours: `${spread(down)} s, of which migration ${spread(migrations)} s`,
      target: "migration + ≤ 3 s", met: median(over) <= 3, cpu: `${spread(over)} s above the migration; ${failures.reduce((all, one) => all + one, 0)} requests failed`,
    });
  } finally {
    await world.stop();
  }
}
