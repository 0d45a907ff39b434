// What the rows share: one controller as it ships, with room in its rate limits, and a fleet of fake agents enrolled there.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Api } from "../system/lib/api.ts";
import { Controller } from "../system/lib/controller.ts";
import { folder } from "../system/lib/paths.ts";
import { poll } from "../system/lib/wait.ts";
import { Fleet } from "./fleet.ts";
import { say } from "./table.ts";

const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);

/** Agents in the rows about many of them. */
export const manyAgents = number("FAIRLEAD_BENCH_AGENTS", 10_000);
/** How often a short row is run; the median counts. */
export const runs = number("FAIRLEAD_BENCH_RUNS", 5);
/** How long one run under load lasts. */
export const loadSeconds = number("FAIRLEAD_BENCH_SECONDS", 6);

const settings = `\nconnections_per_address: 20000\nrates:\n  reads_a_minute: 1000000000\n  writes_a_minute: 1000000000\n${(process.env.FAIRLEAD_BENCH_SETTINGS ?? "").replaceAll(";", "\n")}\n`;

export class Site {
  /** Below TMPDIR: put that on the disk whose fsync is meant. */
  readonly dir = mkdtempSync(join(process.env.FAIRLEAD_BENCH_DIR ?? tmpdir(), "fairlead-bench-"));
  controller!: Controller;
  api!: Api;
  org!: string;
  #fleet: Fleet | undefined;
  #enrolled = 0;

  /** There once some are enrolled: rows without agents need no bench-fleet. */
  get fleet(): Fleet {
    if (!this.#fleet) throw new Error("no agent is enrolled yet");
    return this.#fleet;
  }

  static async make(): Promise<Site> {
    const site = new Site();
    // Below what Linux gives to those who dial: ten thousand of them would take the port while the controller is away.
    site.controller = await Controller.init(join(site.dir, "controller"), settings, 20_000 + (process.pid % 10_000));
    await site.controller.start();
    const { api, session } = await site.controller.setUp();
    site.api = api;
    site.org = `/api/v1/orgs/${session.orgs[0]!.id}`;
    return site;
  }

  /** As many agents as that are enrolled and can be started. */
  async enrol(count: number): Promise<void> {
    if (count <= this.#enrolled) return;
    this.#fleet ??= await this.#arm();
    const tokens: string[] = [];
    for (let i = 0; i < Math.ceil(count / 1000); ++i)
      tokens.push((await this.api.post<{ token: string }>(`${this.org}/registration-tokens`, { name: `bench ${i}`, max_uses: 1000 })).token);
    const took = await this.fleet.ask<{ seconds: number; enrolled: number }>("enrol", count, ...tokens);
    say(`${took.enrolled} agents enrolled through the API in ${took.seconds.toFixed(1)} s`);
    this.#enrolled = count;
  }

  async #arm(): Promise<Fleet> {
    const fleet = new Fleet();
    const ca = join(this.dir, "ca.pem");
    writeFileSync(ca, this.api.endpoint.ca);
    // By address, which is in the certificate too: nobody here resolves the name.
    await fleet.ask("site", this.controller.address, this.controller.port, this.controller.address, this.api.cookie, this.org);
    await fleet.ask("ca", ca);
    await fleet.ask("pki", folder(join(this.dir, "pki")));
    return fleet;
  }

  /** All fake agents hang up, and the controller has noted each of them. */
  async hangUp(): Promise<void> {
    await this.fleet.ask("stop");
    await poll("the controller has noted that all agents left", 60_000, async () => {
      const { text } = await this.api.send("GET", "/metrics");
      return /^fairlead_agents_online 0$/m.test(text) && /^fairlead_worker_jobs_waiting 0$/m.test(text) ? true : undefined;
    });
  }

  async stop(): Promise<void> {
    this.#fleet?.stop();
    this.api?.close();
    await this.controller?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
