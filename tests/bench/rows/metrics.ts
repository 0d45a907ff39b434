// Metrics: what a day of a server's measurements costs the controller.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { built } from "../../system/lib/paths.ts";
import { run } from "../../system/lib/process.ts";
import { runs, type Site } from "../site.ts";
import { add, median, spread } from "../table.ts";

interface Said {
  facts_a_second: number;
  cpu_s_a_server_and_day: number;
  link_bytes_a_server_and_day: number;
  fine_bytes_a_server_and_day: number;
  coarse_bytes_a_server_and_day: number;
  bytes_a_server: number;
}

const servers = 64;
const environments = 3;

export async function metrics(site: Site): Promise<void> {
  const all: Said[] = [];
  for (let i = 0; i < runs; ++i) {
    const dir = mkdtempSync(join(site.dir, "metrics-"));
    all.push(JSON.parse((await run(built("tests/bench/bench-metrics"), [dir, String(servers), "24", String(environments)], { timeoutMs: 1_800_000 })).stdout) as Said);
    rmSync(dir, { recursive: true });
  }
  const of = (name: keyof Said, unit: number): number[] => all.map((one) => one[name] / unit);
  const what = `measurements of a server with ${environments} environments, a day`;
  add({
    what: `${what}: CPU`, ours: `${spread(of("cpu_s_a_server_and_day", 1), 2)} s`, target: "–", met: undefined,
    cpu: `2,880 times decoded and stored, ${median(of("facts_a_second", 1)).toFixed(0)} a second with group commit; the rest of facts and TLS not counted`,
  });
  add({
    what: "the same: bytes stored", ours: `${spread(of("bytes_a_server", 1024), 0)} KiB in the end`, target: "–", met: undefined,
    cpu: `${spread(of("fine_bytes_a_server_and_day", 1024), 0)} KiB for 24 h at 30 s, ${spread(of("coarse_bytes_a_server_and_day", 1024), 1)} KiB for each of 30 days at 10 min`,
  });
  add({ what: "the same: bytes over the link", ours: `${spread(of("link_bytes_a_server_and_day", 1024 * 1024), 1)} MiB`, target: "–", met: undefined, cpu: "facts with their measures, as JSON" });
}
