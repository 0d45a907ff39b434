// An open-loop load inside a host: requests on a schedule of their own, while something is done to what answers them.
import { join } from "node:path";
import type { Host } from "./host.ts";
import { root } from "./paths.ts";

export interface Tally {
  sent: number;
  failed: number;
  /** The first twenty, in words. */
  failures: string[];
  /** Answers by the code that gave them. */
  codes: Record<string, number>;
  longest_ms: number;
  /** Requests that found their connection open. */
  reused: number;
}

/** Of the clients of load/open_loop.py. */
export type Tallies = Record<"plain" | "kept" | "slow", Tally>;

export interface LoadOptions {
  port: number;
  /** Over TLS, as this name, trusting this authority (a file inside the host). */
  tls?: { name: string; ca: string };
  rate?: number;
  slowSeconds?: number;
}

/** What became of each request from before `work` until after it. */
export async function under(host: Host, options: LoadOptions, work: () => Promise<unknown>): Promise<Tallies> {
  const program = "/usr/local/lib/fairlead-open-loop.py";
  const stop = "/run/fairlead-open-loop.stop";
  await host.copy(join(root, "tests/system/load/open_loop.py"), program);
  await host.sh(`rm -f ${stop}`);
  const args = [String(options.port), stop, "--rate", String(options.rate ?? 10), "--slow", String(options.slowSeconds ?? 6)];
  if (options.tls) args.push("--tls", options.tls.ca, "--host", options.tls.name);
  const told = host.exec(["python3", program, ...args], { timeoutMs: 300_000 });
  told.catch(() => undefined); // looked at below
  try {
    await work();
  } finally {
    await host.sh(`touch ${stop}`);
  }
  return JSON.parse((await told).stdout) as Tallies;
}
