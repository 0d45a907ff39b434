// A site behind a server that lets nothing in, through the agent's link; beside it the other ways of ways.ts, in the same run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../system/lib/process.ts";
import { cpuOf } from "../processes.ts";
import { loadSeconds, runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";
import { answers, tunnelled } from "../tunnelled.ts";
import { download, inTurn, type Way } from "../ways.ts";

const bigBytes = 1 << 30;
const connections = 32;

interface Small { rate: number; p99: number; cpu: number }

/** `hosts`: wrk looks the name up, which no name server has. */
async function small(way: Way, hosts: string): Promise<Small> {
  const before = cpuOf(way.programs);
  const wrk = ["wrk", "-t1", `-c${connections}`, `-d${loadSeconds}s`, "--latency", `${way.url}/small`];
  const said = (await run("unshare", ["--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, ...wrk], { timeoutMs: 120_000 })).stdout;
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(said) ?? /Socket errors: (.*)/.exec(said);
  if (bad) throw new Error(`wrk by ${way.name}: ${bad[0]}`);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(said)![1]);
  const latency = /99%\s+([\d.]+)(us|ms|s)/.exec(said)!;
  return { rate, p99: Number(latency[1]) * { us: 0.001, ms: 1, s: 1000 }[latency[2] as "us" | "ms" | "s"], cpu: ((cpuOf(way.programs) - before) * 1000) / (rate * loadSeconds) };
}

export const tunnel = (): Promise<void> =>
  tunnelled(bigBytes, async ({ world, ways, ours }) => {
    const peers = [await ways.ssh(), await ways.stunnel(), await ways.nginx()];
    const all = [ours, ...peers];
    const hosts = join(world.dir, "hosts");
    writeFileSync(hosts, `127.0.0.1 localhost\n${ours.address} ${new URL(ours.url).hostname}\n`);
    for (const way of all) await answers(way);

    const measured = async <T>(what: string, once: (way: Way) => Promise<T>): Promise<T[][]> => {
      const found = await inTurn(all, runs, once);
      say(`${what}: done`);
      return found;
    };
    const texts = <T>(found: T[][], value: (one: T) => number, digits: number, unit: string): string =>
      peers.map(({ name: peer }, at) => `${peer} ${spread(found[at + 1]!.map(value), digits)} ${unit}`).join(", ");
    const middle = <T>(found: T[][], at: number, value: (one: T) => number): number => median(found[at]!.map(value));

    for (const [streams, wanted] of [[1, 1.2], [10, 1.15]] as const) {
      const found = await measured(`${streams} download(s)`, (way) => (streams > 1 ? download(way, "part", Math.floor(bigBytes / 10), streams) : download(way, "big", bigBytes, 1)));
      const ratio = middle(found, 0, (one) => one.rate) / middle(found, 1, (one) => one.rate);
      const cpu = middle(found, 0, (one) => one.cpu);
      const unfair = middle(found, 0, (one) => one.unfair);
      add({
        what: `a gigabyte through the tunnel in ${streams === 1 ? "one download" : `${streams} downloads at once`}, TLS to the visitor and on the link`, peer: texts(found, (one) => one.rate, 0, "MB/s"),
        ours: `${spread(found[0]!.map((one) => one.rate), 0)} MB/s`, ratio: ratio.toFixed(2), target: `≥ ${wanted} × ssh -R`, met: ratio >= wanted,
        cpu: `CPU s/GB ${cpu.toFixed(1)}; ${texts(found, (one) => one.cpu, 1, "")}`,
      });
      if (streams === 1) add({ what: "the same, CPU", ours: `${cpu.toFixed(2)} s/GB`, target: "≤ 2.7 s/GB", met: cpu <= 2.7, cpu: "both ends, with the visitors' TLS" });
      else add({ what: "the same, fastest over slowest", peer: texts(found, (one) => one.unfair, 2, ""), ours: unfair.toFixed(2), target: "≤ 1.5", met: unfair <= 1.5 });
    }
    const found = await measured("small requests", (way) => small(way, hosts));
    const rate = middle(found, 0, (one) => one.rate);
    const p99 = middle(found, 0, (one) => one.p99);
    add({
      what: `small requests through the tunnel, ${connections} connections`, peer: texts(found, (one) => one.rate, 0, "/s"), ours: `${spread(found[0]!.map((one) => one.rate), 0)}/s`,
      ratio: `${(rate / middle(found, 3, (one) => one.rate)).toFixed(2)} of nginx`, target: "≥ 16,000/s", met: rate >= 16_000,
      cpu: `CPU ms each ${middle(found, 0, (one) => one.cpu).toFixed(3)}; ${texts(found, (one) => one.cpu, 3, "")}`,
    });
    add({ what: "the same, p99", peer: texts(found, (one) => one.p99, 1, "ms"), ours: `${spread(found[0]!.map((one) => one.p99))} ms`, target: "≤ 12 ms", met: p99 <= 12 });
  });
