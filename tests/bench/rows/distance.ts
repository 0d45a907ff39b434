// A site, and a terminal, on a server that is 50 ms away and back; beside it the line itself and OpenSSH. The line is bench-wire's.
import { join } from "node:path";
import { Service } from "../processes.ts";
import { runs } from "../site.ts";
import { add, median, percentile, say, spread } from "../table.ts";
import { answers, tunnelled } from "../tunnelled.ts";
import { consoleOf, echoes } from "../typing.ts";
import { download, inTurn, type Way } from "../ways.ts";
import { type Line, Wire } from "../wire.ts";

const delayMs = 25; // each way
const narrow = 12_500_000; // bytes a second: a line of 100 Mbit/s
const bigBytes = 400_000_000;
const bytesTyped = 100;

/** Milliseconds of each byte that is typed, while `way` is kept busy. */
async function besides(way: Way, dir: string, type: () => Promise<number[]>): Promise<number[]> {
  const { hostname, port } = new URL(way.url);
  const again = Array.from({ length: 50 }, () => ["-o", "/dev/null", `${way.url}/big`]).flat();
  const load = Service.start("curl", ["-fsSk", "--resolve", `${hostname}:${port}:${way.address}`, ...again], join(dir, "curl.log"));
  try {
    return await type();
  } finally {
    await load.stop();
  }
}

export const distance = (): Promise<void> =>
  tunnelled(bigBytes, async ({ world, on, ways, ours }) => {
    const keys = await consoleOf(world, on);
    const all = [ours, await ways.direct(), await ways.ssh()];
    /** The agent's connection begins there: TCP's idea of a line that changed under it would be another one. */
    const far = async (line: Line): Promise<Wire> => {
      const made = await Wire.on(on.host, ours.address, line);
      await on.host.sh("systemctl restart fairlead-link");
      for (const way of all) await answers(way);
      return made;
    };
    let wire = await far({ delayMs });
    try {
      for (const [streams, wanted] of [[1, 0.9], [10, 0.6]] as const) {
        const found = await inTurn(all, runs, (way) => (streams > 1 ? download(way, "part", bigBytes / 10, streams) : download(way, "big", bigBytes, 1)));
        say(`${streams} download(s): done`);
        const rates = (at: number): number[] => found[at]!.map((one) => one.rate);
        const ratio = median(rates(0)) / median(rates(1));
        add({
          what: `400 MB at 50 ms through the tunnel in ${streams === 1 ? "one download" : `${streams} downloads at once`}`, peer: `the line itself ${spread(rates(1), 0)}, ssh -R ${spread(rates(2), 0)} MB/s`,
          ours: `${spread(rates(0), 0)} MB/s`, ratio: ratio.toFixed(2), target: `≥ ${wanted} of the line`, met: ratio >= wanted, cpu: `CPU s/GB ${median(found[0]!.map((one) => one.cpu)).toFixed(1)}`,
        });
      }
      const type = (): Promise<number[]> => echoes(keys, bytesTyped);
      const say50 = (times: number[]): string => `p50 ${percentile(times, 0.5).toFixed(0)}, p99 ${percentile(times, 0.99).toFixed(0)} ms`;
      const [alone, wide] = [await type(), await besides(ours, world.dir, type)];
      await wire.stop();
      wire = await far({ delayMs, bytesPerSecond: narrow });
      const full = await besides(ours, world.dir, type);
      add({ what: "a byte typed at 50 ms and back, while a download takes the whole link", ours: say50(wide), target: "–", met: undefined, cpu: `alone ${say50(alone)}; while it takes a line of 100 Mbit/s ${say50(full)}` });
    } finally {
      await wire.stop();
    }
  });
