// The audit log: entries a second on a real file, and how fast an export of them is checked.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { built } from "../../system/lib/paths.ts";
import { run } from "../../system/lib/process.ts";
import { runs, type Site } from "../site.ts";
import { add, median, spread } from "../table.ts";

interface Measured {
  a_second: number;
  a_cpu_second: number;
  peak_grew_kib: number;
}

type Said = Record<"append" | "export" | "check_export" | "check_database", Measured>;

const entries = 200_000;

export async function audit(site: Site): Promise<void> {
  const all: Said[] = [];
  for (let i = 0; i < runs; ++i) {
    const dir = mkdtempSync(join(site.dir, "audit-"));
    const { stdout } = await run(built("tests/bench/bench-audit"), [dir, String(entries), "64"], { timeoutMs: 600_000 });
    all.push(JSON.parse(stdout) as Said);
    rmSync(dir, { recursive: true });
  }
  const of = (what: keyof Said, which: keyof Measured) => all.map((one) => one[what][which]);
  const appended = of("append", "a_second");
  const checked = of("check_export", "a_cpu_second");
  add({
    what: "audit entries, durable, 64 threads, group commit", ours: `${spread(appended, 0)}/s`, target: "≥ 15,000/s", met: median(appended) >= 15_000,
    cpu: `${median(of("append", "a_cpu_second")).toFixed(0)} a CPU s`,
  });
  add({
    what: "check of an export, entries a core", ours: `${spread(checked, 0)}/s`, target: "≥ 1,000,000/s", met: median(checked) >= 1_000_000,
    cpu: `of the database ${median(of("check_database", "a_cpu_second")).toFixed(0)}/s; the export is made at ${median(of("export", "a_second")).toFixed(0)}/s in ${(median(of("export", "peak_grew_kib")) / 1024).toFixed(0)} MiB`,
  });
}
