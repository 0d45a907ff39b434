// The real agent on a throw-away server: its size, its memory, and how soon it is there.
import { join } from "node:path";
import { statSync } from "node:fs";
import type { Host } from "../../system/lib/host.ts";
import { build, built, folder } from "../../system/lib/paths.ts";
import { run } from "../../system/lib/process.ts";
import type { List, Server } from "../../system/lib/types.ts";
import { poll } from "../../system/lib/wait.ts";
import { World } from "../../system/lib/world.ts";
import { runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export async function size(): Promise<void> {
  const size = async (name: string): Promise<number> => {
    const stripped = join(folder(join(build, "bench")), name);
    await run("strip", ["--strip-unneeded", "--remove-section=.comment", "-o", stripped, built(`agent/${name}`)]);
    return statSync(stripped).size;
  };
  const [bytes, terminal] = [await size("fairlead-agent"), await size("fairlead-terminal")];
  add({ what: "agent binary, stripped", ours: `${(bytes / 1e6).toFixed(2)} MB`, target: "≤ 5 MB", met: bytes <= 5e6, cpu: `libstdc++ inside, OpenSSL of the system; the program of each terminal beside it: ${(terminal / 1e6).toFixed(2)} MB` });
}

interface Memory {
  resident: number;
  proportional: number;
  processes: number;
}

async function memoryOf(host: Host): Promise<Memory> {
  const said = await host.sh(`for pid in $(pgrep -x fairlead-agent); do
    awk '/^(Rss|Pss):/ { print $1, $2 }' /proc/$pid/smaps_rollup 2>/dev/null || true
  done`);
  const sum = (name: string) => [...said.matchAll(new RegExp(`^${name}: (\\d+)`, "gm"))].reduce((all, one) => all + Number(one[1]), 0) / 1024;
  return { resident: sum("Rss"), proportional: sum("Pss"), processes: [...said.matchAll(/^Rss:/gm)].length };
}

/** Idle for two minutes, then two more with nobody to talk to, then back. */
export async function memory(): Promise<void> {
  const world = new World();
  try {
    const { host } = await world.server("idle");
    await poll("the executor has gone", 90_000, async () => ((await memoryOf(host)).processes === 1 ? true : undefined), 2000);
    const sample = async (seconds: number) => {
      const all: Memory[] = [];
      for (let i = 0; i < seconds / 10; ++i) {
        await pause(10_000);
        all.push(await memoryOf(host));
      }
      return all;
    };
    const text = (all: Memory[]) => `${spread(all.map((one) => one.resident))} MB resident`;
    const worst = (all: Memory[]) => Math.max(...all.map((one) => one.resident));
    const processes = (all: Memory[]) => `${Math.max(...all.map((one) => one.processes))} process(es), ${spread(all.map((one) => one.proportional))} MB proportional`;
    const idle = await sample(120);
    add({ what: "agent on an idle server, all its processes, 2 min", ours: text(idle), target: "≤ 8 MB", met: worst(idle) <= 8, cpu: processes(idle) });
    await (await world.controller()).stop();
    const away = await sample(120);
    add({
      what: "the same with the controller away, 2 min", ours: text(away), target: "≤ 8 MB, flat", met: worst(away) <= 8 && worst(away) - worst(idle) < 1,
      cpu: processes(away),
    });
    await (await world.controller()).start();
  } finally {
    await world.stop();
  }
}

/** From Enter to "online" in the API, on servers that have systemd, curl and bash. */
export async function paste(): Promise<void> {
  const world = new World();
  try {
    await world.controller();
    const times: number[] = [];
    for (let i = 0; i < runs; ++i) {
      const host = await world.host(`paste${i}`, { image: "debian12-bare" });
      const command = await world.enrolCommand(`paste ${i}`);
      const began = performance.now();
      const pasted = world.paste(host, command);
      await world.until("it is online", 120_000, async (api, org) =>
        (await api.get<List<Server>>(`${org}/servers`)).data.find((one) => one.name === host.name && one.status === "online"));
      times.push((performance.now() - began) / 1000);
      await pasted;
      say(`pasted: online after ${times.at(-1)!.toFixed(1)} s`);
      await host.down();
    }
    add({ what: "paste to online on a fresh Debian 12", ours: `${spread(times)} s`, target: "≤ 10 s", met: median(times) <= 10, cpu: `${runs} fresh servers` });
  } finally {
    await world.stop();
  }
}
