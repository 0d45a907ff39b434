// A search through a gigabyte of a server's journal, by the API as the console has it; beside it journalctl, as root on that server.
import { randomBytes } from "node:crypto";
import { readLog } from "../../system/lib/logs.ts";
import { World } from "../../system/lib/world.ts";
import { runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";

const gigabyte = 1e9;
// Lines as Odoo writes them; the oldest and one in the middle have words of their own.
const writer = `
import sys
first, middle = sys.argv[1], sys.argv[2]
lines = 900_000
for i in range(lines):
    mark = first if i == 10 else middle if i == lines // 2 else "-"
    sys.stdout.write(f"2026-11-29 12:00:00,{i % 1000:03} 4711 INFO fl-shop werkzeug: 203.0.113.{i % 256} - - [29/Nov/2026 12:00:00] "
                     f'"POST /web/dataset/call_kw/sale.order/web_search_read?{i * 7919 % 10007} HTTP/1.1" 200 {mark} 12 0.0{i % 97} 0.1{i % 89} {i}\\n')
`;

export async function logs(): Promise<void> {
  const world = new World("\nrates:\n  reads_a_minute: 1000000000\n  writes_a_minute: 1000000000\n");
  try {
    const on = await world.server("logs");
    const [api, org] = [await world.api(), await world.org()];
    const [first, middle] = [randomBytes(8).toString("hex"), randomBytes(8).toString("hex")];
    await on.host.sh(`mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nStorage=persistent\\nSystemMaxUse=4G\\nSystemKeepFree=1G\\nRateLimitIntervalSec=0\\n' >/etc/systemd/journald.conf.d/bench.conf
      systemctl restart systemd-journald; cat >/root/writer.py <<'END'\n${writer}\nEND`);
    const size = async (): Promise<number> => Number((await on.host.sh("du -sb /var/log/journal | cut -f1")).trim());
    const began = await size();
    // In the slice of processes that the agent's log has.
    for (let part = 0; (await size()) - began < gigabyte; ++part)
      await on.host.sh(`systemd-run --quiet --wait --unit=bench-writer-${part} --slice='system-fairlead\\x2dlogs.slice' -p SyslogIdentifier=fairlead-agent -p LogRateLimitIntervalSec=0 python3 /root/writer.py ${part ? "-" : first} ${part ? "-" : middle}; journalctl --sync`, { timeoutMs: 600_000 });
    const bytes = (await size()) - began;
    say(`a journal of ${(bytes / 1e9).toFixed(2)} GB`);
    const path = `${org}/servers/${on.server.id}/logs?source=agent&lines=1&search=`;
    const ours = async (mark: string): Promise<number> => {
      const at = performance.now();
      const found = await readLog(api, path + mark);
      if (found.entries.length !== 1) throw new Error(`${mark} was not found: ${JSON.stringify(found.end)}`);
      return (performance.now() - at) / 1000;
    };
    const theirs = async (mark: string): Promise<number> => {
      const words = `journalctl --quiet --no-pager --reverse --lines=1 --output=json --case-sensitive=no --grep=${mark} SYSLOG_IDENTIFIER=fairlead-agent '_SYSTEMD_SLICE=system-fairlead\\x2dlogs.slice'`;
      const took = await on.host.sh(`began=$(date +%s%N); ${words} | grep -q ${mark}; echo $(( $(date +%s%N) - began ))`, { timeoutMs: 120_000 });
      return Number(took) / 1e9;
    };
    for (const [mark, where] of [[middle, "half of it back"], [first, "all of it back"]] as const) {
      const found: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
      for (let i = 0; i < runs; ++i) {
        found.theirs.push(await theirs(mark));
        found.ours.push(await ours(mark));
      }
      add({
        what: `search of a journal of ${(bytes / 1e9).toFixed(1)} GB for one line, ${where}`, peer: `journalctl ${spread(found.theirs, 2)} s`, ours: `${spread(found.ours, 2)} s`,
        ratio: `${(median(found.ours) / median(found.theirs)).toFixed(2)} of journalctl`, target: "–", met: undefined, cpu: "over the link, with little weight beside what the server is for; a search ends after 20 s and says so",
      });
    }
    const pages: number[] = [];
    for (let i = 0; i < 4 * runs; ++i) {
      const at = performance.now();
      await readLog(api, `${org}/servers/${on.server.id}/logs?source=agent&lines=200`);
      pages.push(performance.now() - at);
    }
    add({ what: "the newest 200 lines of it", ours: `${spread(pages, 0)} ms`, target: "–", met: undefined, cpu: "a process for each reading" });
  } finally {
    await world.stop();
  }
}
