// A copy of an environment beside it on the same server, against PostgreSQL's and coreutils' own ways to copy the same data.
import { accountOf } from "../../system/lib/backups.ts";
import { growDatabase, growFilestore } from "../../system/lib/bulk.ts";
import type { Host } from "../../system/lib/host.ts";
import type { Environment } from "../../system/lib/types.ts";
import { World } from "../../system/lib/world.ts";
import { runs } from "../site.ts";
import { add, median, say, spread } from "../table.ts";
import { seconds } from "./backup.ts";

const times = Math.min(runs, 3);
const patience = { timeoutMs: 600_000 };

/** Seconds of each of some shell commands, one after another, each followed by its undoing. */
async function peers(host: Host, ways: Record<string, [string, string]>): Promise<Record<string, number[]>> {
  const all: Record<string, number[]> = {};
  for (let i = 0; i < times; ++i)
    for (const [name, [command, undo]] of Object.entries(ways)) {
      const began = performance.now();
      await host.sh(command, patience);
      (all[name] ??= []).push((performance.now() - began) / 1000);
      await host.sh(undo, patience);
    }
  return all;
}

const text = (all: Record<string, number[]>): string => Object.entries(all).map(([name, each]) => `${name} ${spread(each)}`).join(", ");

export async function clone(): Promise<void> {
  const world = new World();
  try {
    const { host, server } = await world.server("clone", { disk: "20G" });
    const project = await world.project("shop");
    const shop = await world.environment(project, server, "shop");
    const copy = await world.environment(project, server, "copy");
    for (const one of [shop, copy]) {
      await world.succeeded(await world.deploy(one));
      await world.succeeded(await world.act(one, "stop"));
    }
    const ours = async (): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < times; ++i) {
        const asked = await (await world.api()).post<{ id: string }>(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: copy.id, safety_backup: false });
        all.push(seconds(await world.succeeded(asked), "copy"));
      }
      return all;
    };
    const account = accountOf(shop as Environment);
    const postgres = (sql: string): string => `runuser -u postgres -- psql -qc '${sql}'`;
    const drop = postgres("DROP DATABASE peer");

    await growDatabase(host, shop, 790e6);
    const database = await ours();
    const databasePeers = await peers(host, {
      file_copy: [postgres(`CREATE DATABASE peer TEMPLATE "${account}" STRATEGY file_copy`), drop],
      wal_log: [postgres(`CREATE DATABASE peer TEMPLATE "${account}" STRATEGY wal_log`), drop],
      "pg_dump into psql": [`${postgres("CREATE DATABASE peer TEMPLATE template0")}; runuser -u postgres -- pg_dump --no-owner ${account} | runuser -u postgres -- psql -q peer >/dev/null`, drop],
    });
    say(`clone of a database: ${JSON.stringify({ database, databasePeers })}`);
    const dumped = median(databasePeers["pg_dump into psql"]!);
    add({
      what: "clone of a 790 MB database, its environment stopped", peer: `${text(databasePeers)} s`, ours: `${spread(database)} s`, ratio: `${(median(database) / dumped).toFixed(2)} of pg_dump`,
      target: "≤ 1.2 s", met: median(database) <= 1.2, cpu: "the step, with the few files of a new Odoo",
    });

    await host.sh(`runuser -u ${account} -- psql -qc 'DROP TABLE fl_bulk' ${account}`);
    await growFilestore(host, shop, 100_000, 14_000);
    const files = await ours();
    const folder = `/var/lib/fairlead/environments/${shop.slug}/filestore`;
    const filePeers = await peers(host, {
      "cp -al": [`cp -al ${folder} /var/tmp/peer`, "rm -rf /var/tmp/peer"],
      "cp -a": [`cp -a ${folder} /var/tmp/peer`, "rm -rf /var/tmp/peer"],
    });
    say(`clone of files: ${JSON.stringify({ files, filePeers })}`);
    add({
      what: "clone of 100,000 files (1.4 GB)", peer: `${text(filePeers)} s`, ours: `${spread(files)} s`, ratio: `${(median(files) / median(filePeers["cp -a"]!)).toFixed(2)} of cp -a`,
      target: "≤ 3 s", met: median(files) <= 3, cpu: "the step, with a database of 20 MB; ext4, which cannot share blocks",
    });
  } finally {
    await world.stop();
  }
}
