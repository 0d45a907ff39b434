// Backups of a real size against what a careful person would put together: pg_dump, zstd and rclone, or restic. One server,
// one PostgreSQL, one S3 server behind TLS for all.
import { accountOf, addStorage, bucketOf, setPolicy } from "../../system/lib/backups.ts";
import { type Cost, costOf, growDatabase, growFilestore } from "../../system/lib/bulk.ts";
import type { Host } from "../../system/lib/host.ts";
import type { S3 } from "../../system/lib/s3.ts";
import type { Environment, Operation, Step } from "../../system/lib/types.ts";
import { World } from "../../system/lib/world.ts";
import { runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";

/** Each takes minutes with its peers. */
const times = Math.min(runs, 3);
const databaseBytes = 790e6;
const files = 100_000;
const bucket = "bench";
const limitMib = 64;

interface Run {
  seconds: number;
  /** MiB, of all processes together. */
  memory: number;
}

const at = (step: Step, which: "started_at" | "finished_at"): number => Date.parse((step as Step & Record<string, string>)[which]!);

/** From the first of some steps to the end of the last. */
export function seconds(operation: Operation, ...names: string[]): number {
  const steps = operation.steps.filter((one) => names.includes(one.name) && one.state === "done");
  if (steps.length !== names.length) throw new Error(`${operation.kind} has not done ${names.join(", ")}`);
  return (Math.max(...steps.map((one) => at(one, "finished_at"))) - Math.min(...steps.map((one) => at(one, "started_at")))) / 1000;
}

/** rclone and restic of this machine on a host, with the bucket's address and keys. */
class Peers {
  #repository = 0;
  private constructor(private readonly host: Host, private readonly s3: S3, private readonly account: string) {}

  static async on(host: Host, s3: S3, account: string): Promise<Peers> {
    for (const program of ["rclone", "restic", "zstd"]) await host.copy(`/usr/bin/${program}`, `/usr/local/bin/${program}`);
    await host.trust("fairlead-bench-s3", s3.ca);
    return new Peers(host, s3, account);
  }

  get #keys(): string {
    const { endpoint, region, access_key: access } = this.s3.storage(bucket);
    return `export AWS_ACCESS_KEY_ID=${access} AWS_SECRET_ACCESS_KEY=${this.s3.keys.secret} AWS_DEFAULT_REGION=${region} HOME=/tmp
      export RCLONE_CONFIG_S_TYPE=s3 RCLONE_CONFIG_S_PROVIDER=Other RCLONE_CONFIG_S_ENV_AUTH=true RCLONE_CONFIG_S_ENDPOINT=${endpoint}
      export RCLONE_CONFIG_S_REGION=${region} RCLONE_CONFIG_S_FORCE_PATH_STYLE=true RCLONE_CONFIG=/nonexistent
      export RESTIC_REPOSITORY=s3:${endpoint}/${bucket}/restic${this.#repository} RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=/tmp/restic${this.#repository}`;
  }

  /** As the environment's own user, and with the same eyes on it as ours. */
  async #run(programs: string[], script: string): Promise<Run> {
    await this.host.write("/usr/local/bin/bench-peer", `#!/bin/bash\nset -euo pipefail\n${this.#keys}\n${script}\n`);
    await this.host.sh("chmod 755 /usr/local/bin/bench-peer");
    let took = 0;
    const cost = await costOf(this.host, {}, programs, async () => {
      const began = performance.now();
      await this.host.exec(["runuser", "-u", this.account, "--", "/usr/local/bin/bench-peer"], { timeoutMs: 600_000 });
      took = (performance.now() - began) / 1000;
    });
    return { seconds: took, memory: cost.memory.together / 1024 };
  }

  dump = `pg_dump -Fc -Z0 --no-owner --no-privileges ${"$(id -un)"}`;

  pipe(): Promise<Run> {
    return this.#run(["rclone", "zstd"], `${this.dump} | zstd -T2 -3 -q | rclone rcat s:${bucket}/pipe.dump.zst`);
  }

  /** A repository that has nothing yet; its making is not counted. */
  async fresh(): Promise<void> {
    this.#repository += 1;
    await this.#run([], "restic init -q");
  }

  resticDump(): Promise<Run> {
    return this.#run(["restic"], `${this.dump} | restic backup -q --stdin --stdin-filename database.dump`);
  }

  resticFiles(folder: string): Promise<Run> {
    return this.#run(["restic"], `restic backup -q ${folder}`);
  }
}

async function ours(world: World, host: Host, environment: Environment, ...steps: string[]): Promise<Run & { operation: Operation }> {
  let operation!: Operation;
  const cost: Cost = await costOf(host, {}, ["fairlead-agent"], async () => {
    operation = await world.succeeded(await world.act(environment, "backups"));
  });
  return { operation, seconds: seconds(operation, ...steps), memory: cost.memory.together / 1024 };
}

const rates = (all: Run[], bytes: number): number[] => all.map((one) => bytes / 1e6 / one.seconds);
const took = (all: Run[]): number[] => all.map((one) => one.seconds);
const summary = (all: Record<string, Run[]>): string => Object.entries(all).map(([name, each]) => `${name} ${each.map((one) => `${one.seconds.toFixed(1)} s`).join(", ")}`).join("; ");
const most = (all: Run[]): string => `${Math.max(...all.map((one) => one.memory)).toFixed(0)} MiB`;

export async function backup(): Promise<void> {
  const world = new World();
  let s3: S3 | undefined;
  try {
    const { host, server } = await world.server("backup", { disk: "20G" });
    s3 = await bucketOf(world, "s3rver", bucket);
    const shop = await world.environment(await world.project("shop"), server, "shop");
    await world.succeeded(await world.deploy(shop));
    await world.succeeded(await world.act(shop, "stop"));
    const peers = await Peers.on(host, s3, accountOf(shop));
    /** Under another prefix nothing is there that need not be sent. */
    let storages = 0;
    const emptyStorage = async (): Promise<void> => {
      const name = `bench ${++storages}`;
      const storage = await addStorage(world, s3!, bucket, { name, prefix: `ours${storages}`, test_on_server: server.id });
      await world.succeeded({ id: storage.test_operation_id! });
      await setPolicy(world, shop, storage.id);
    };

    await growDatabase(host, shop, databaseBytes);
    await emptyStorage();
    const dumps: Record<"ours" | "pipe" | "restic", Run[]> = { ours: [], pipe: [], restic: [] };
    let bytes = 0;
    for (let i = 0; i < times; ++i) {
      dumps.pipe.push(await peers.pipe());
      dumps.ours.push(await ours(world, host, shop, "database"));
      await peers.fresh();
      dumps.restic.push(await peers.resticDump());
    }
    bytes = Number(await host.sh(`runuser -u ${accountOf(shop)} -- pg_dump -Fc -Z0 ${accountOf(shop)} | wc -c`, { timeoutMs: 120_000 }));
    say(`dumps of ${bytes} bytes: ${summary(dumps)}`);
    const [rate, pipe, restic] = [dumps.ours, dumps.pipe, dumps.restic].map((all) => rates(all, bytes)) as [number[], number[], number[]];
    add({
      what: `backup of a database (dump of ${(bytes / 1e6).toFixed(0)} MB) with encryption`, peer: `pg_dump, zstd -T2, rclone rcat: ${spread(pipe)} MB/s`, ours: `${spread(rate)} MB/s`,
      ratio: (median(rate) / median(pipe)).toFixed(2), target: "≥ 1.0 × the pipe", met: median(rate) >= median(pipe), cpu: `memory ${most(dumps.ours)}; zstd and rclone ${most(dumps.pipe)}`,
    });
    add({
      what: "the same", peer: `restic: ${spread(restic)} MB/s`, ours: `${spread(rate)} MB/s`,
      ratio: (median(rate) / median(restic)).toFixed(2), target: "≥ 1.4 × restic", met: median(rate) >= 1.4 * median(restic), cpu: `restic ${most(dumps.restic)}`,
    });

    await host.sh(`runuser -u ${accountOf(shop)} -- psql -qc 'DROP TABLE fl_bulk' ${accountOf(shop)}`);
    await growFilestore(host, shop, files, 14_000);
    const folder = `/var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)}`;
    const first: Record<"ours" | "restic", Run[]> = { ours: [], restic: [] };
    const second: typeof first = { ours: [], restic: [] };
    const steps = ["freeze", "filestore", "seal"];
    for (let i = 0; i < times; ++i) {
      await emptyStorage();
      first.ours.push(await own(world, host, shop, steps));
      await peers.fresh();
      first.restic.push(await peers.resticFiles(folder));
      await growFilestore(host, shop, files / 100, 14_000, i + 2);
      second.ours.push(await own(world, host, shop, steps));
      second.restic.push(await peers.resticFiles(folder));
    }
    say(`files: first ${summary(first)}; second ${summary(second)}`);
    for (const [what, runsOf, share] of [["first run", first, 0.7], ["second run with 1 % new", second, 0.5]] as const) {
      const ratio = median(took(runsOf.ours)) / median(took(runsOf.restic));
      add({
        what: `filestore of 100,000 files (1.4 GB) to S3: ${what}`, peer: `restic: ${spread(took(runsOf.restic))} s`, ours: `${spread(took(runsOf.ours))} s`, ratio: ratio.toFixed(2),
        target: `≤ ${share} × restic`, met: ratio <= share, cpu: `memory ${most(runsOf.ours)}; restic ${most(runsOf.restic)}`,
      });
    }
    const worst = Math.max(...[...dumps.ours, ...first.ours, ...second.ours].map((one) => one.memory));
    add({ what: "memory of all our processes in these backups", ours: `${worst.toFixed(1)} MiB`, target: `≤ ${limitMib} MiB`, met: worst <= limitMib, cpu: "what they share divided among them" });
  } finally {
    await s3?.stop();
    await world.stop();
  }
}

/** All that a backup does for the files, without the time of the database between. */
async function own(world: World, host: Host, environment: Environment, steps: string[]): Promise<Run> {
  const run = await ours(world, host, environment, ...steps.slice(0, 1));
  return { ...run, seconds: steps.reduce((all, name) => all + seconds(run.operation, name), 0) };
}
