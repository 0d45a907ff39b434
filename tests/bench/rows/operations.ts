// Operations: one after another from the API call to the durable result, and how many the state machine stores.
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { built } from "../../system/lib/paths.ts";
import { run } from "../../system/lib/process.ts";
import type { Linked, Percentiles } from "../fleet.ts";
import { cpuSeconds } from "../processes.ts";
import { loadSeconds, runs, type Site } from "../site.ts";
import { add, median, spread } from "../table.ts";

const agents = 100;

export async function trip(site: Site): Promise<void> {
  await site.enrol(agents);
  await site.fleet.ask("journal", join(site.dir, "journal"));
  await site.fleet.ask<Linked>("start", agents, 16);
  await site.fleet.ask("trip", 200); // warm
  const p50: number[] = [], p99: number[] = [], call: number[] = [];
  const count = 1000;
  const syncs: Percentiles[] = [];
  const cpu = cpuSeconds(site.controller.pid);
  for (let i = 0; i < runs; ++i) {
    const took = await site.fleet.ask<Percentiles & { call: Percentiles }>("trip", count);
    syncs.push(await site.fleet.ask<Percentiles>("sync", join(site.dir, "sync"), 300));
    p50.push(took.p50_ms);
    p99.push(took.p99_ms);
    call.push(took.call.p50_ms);
  }
  const each = ((cpuSeconds(site.controller.pid) - cpu) * 1000) / (count * runs);
  await site.hangUp();
  await site.fleet.ask("journal", "off");
  add({
    what: "operation round trip, p50", peer: `one fdatasync ${spread(syncs.map((one) => one.p50_ms), 2)} ms`, ours: `${spread(p50, 2)} ms`, target: "≤ 2 ms", met: median(p50) <= 2,
    cpu: `${each.toFixed(2)} ms of the controller's CPU; POST /ping to its event, three durable writes one after another (asked and handed out, the agent's journal, its reports); the call alone ${median(call).toFixed(2)} ms`,
  });
  add({ what: "operation round trip, p99", peer: `one fdatasync ${spread(syncs.map((one) => one.p99_ms), 2)} ms`, ours: `${spread(p99, 2)} ms`, target: "≤ 10 ms", met: median(p99) <= 10 });
}

interface Counted {
  a_second: number;
  commits_a_second: number;
  cpu_s_a_thousand: number;
}

export async function store(site: Site): Promise<void> {
  const asked: Counted[] = [], whole: Counted[] = [];
  for (let i = 0; i < runs; ++i) {
    const dir = mkdtempSync(join(site.dir, "store-"));
    const said = JSON.parse((await run(built("tests/bench/bench-operations"), [dir, "64", String(loadSeconds / 2)])).stdout) as {
      asked: Counted;
      whole: Counted;
    };
    asked.push(said.asked);
    whole.push(said.whole);
    rmSync(dir, { recursive: true });
  }
  const rate = asked.map((one) => one.a_second);
  const cost = (all: Counted[]) => `${median(all.map((one) => one.cpu_s_a_thousand)).toFixed(3)} CPU s per 1,000, ${median(all.map((one) => one.commits_a_second)).toFixed(0)} commits/s`;
  add({
    what: "durable operations, 64 threads, group commit", ours: `${spread(rate, 0)}/s`, target: "≥ 5,000/s", met: median(rate) >= 5000,
    cpu: `${cost(asked)}; each with its audit entry`,
  });
  add({
    what: "the same from the question to the reported end", ours: `${spread(whole.map((one) => one.a_second), 0)}/s`, target: "–", met: undefined,
    cpu: `${cost(whole)}; two commits each`,
  });
}
