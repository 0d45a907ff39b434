// Data of real size in an environment, made in seconds; and what moving them costs the server.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { accountOf } from "./backups.ts";
import type { Host } from "./host.ts";
import { root } from "./paths.ts";
import type { Environment } from "./types.ts";

const patience = { timeoutMs: 300_000 };

/** Puts a table of about so many bytes into a database: a quarter does not compress, the rest is words. */
export async function growDatabase(host: Host, environment: Environment, bytes: number, table = "fl_bulk"): Promise<void> {
  const account = accountOf(environment);
  await host.sh(`runuser -u ${account} -- psql -qv ON_ERROR_STOP=1 ${account} <<'EOF'
    CREATE TABLE ${table} AS SELECT i AS id, i % 9973 AS customer, now() - i * interval '1 second' AS at,
      md5(i::text) || md5((-i)::text) || md5((i * 7)::text) || md5((i * -7)::text) AS token,
      repeat('Line ' || i % 1009 || ' of an order that was confirmed. ', 9) AS note
    FROM generate_series(1, ${Math.ceil(bytes / 555)}) i;
    ALTER TABLE ${table} ADD PRIMARY KEY (id);
    CREATE INDEX ON ${table} (customer);
    ANALYZE ${table};
EOF`, patience);
}

/** Puts so many files of `mean` bytes on average into a filestore, each an attachment of the database; the same for the same seed. */
export async function growFilestore(host: Host, environment: Environment, count: number, mean: number, seed = 1): Promise<void> {
  const account = accountOf(environment);
  const script = "/usr/local/lib/fairlead-bulk-files.py";
  await host.write(script, readFileSync(join(root, "tests/system/bulk/files.py"), "utf8"));
  await host.sh(`
    chmod 755 ${script}
    made=$(runuser -u ${account} -- mktemp)
    cd /var/lib/fairlead/environments/${environment.slug}/filestore/${account}
    runuser -u ${account} -- python3 ${script} . ${count} ${mean} ${seed} >"$made"
    runuser -u ${account} -- psql -qv ON_ERROR_STOP=1 ${account} <<EOF
      CREATE TEMPORARY TABLE made (path text, size int, sha1 text);
      \\copy made FROM $made
      INSERT INTO ir_attachment (name, type, store_fname, file_size, checksum, mimetype, create_date, write_date)
        SELECT 'bulk ' || sha1, 'binary', path, size, sha1, 'application/octet-stream', now(), now() FROM made;
EOF
    rm "$made"`, patience);
}

export interface Cost {
  /** Bytes of IP packets between the server and each address that was named, both ways together. */
  bytes: Record<string, number>;
  /** KiB; see watch/memory.py. */
  memory: { together: number; each: Record<string, number> };
}

/** Does something and tells what went over the server's network by destination, and what memory programs of these names took. */
export async function costOf(
  host: Host, peers: Record<string, { address: string; port: number }>, programs: string[], work: () => Promise<unknown>,
): Promise<Cost> {
  const script = "/usr/local/lib/fairlead-memory.py";
  await host.write(script, readFileSync(join(root, "tests/system/watch/memory.py"), "utf8"));
  const rules = Object.entries(peers).map(([name, { address, port }]) => `
    counter ${name} { }
    chain ${name}_out { type filter hook output priority 0; ip daddr ${address} tcp dport ${port} counter name ${name}; }
    chain ${name}_in { type filter hook input priority 0; ip saddr ${address} tcp sport ${port} counter name ${name}; }`);
  await host.write("/run/fairlead-cost.nft", `table inet cost {${rules.join("")}\n}\n`);
  await host.sh("nft -f /run/fairlead-cost.nft; touch /run/fairlead-cost");
  const watching = host.exec(["python3", script, "/run/fairlead-cost", ...programs], { timeoutMs: 3_600_000 });
  watching.catch(() => undefined); // awaited below
  let counted: { nftables: { counter?: { name: string; bytes: number } }[] };
  try {
    await work();
  } finally {
    counted = JSON.parse(await host.sh("nft -j list counters table inet cost; nft delete table inet cost; rm /run/fairlead-cost"));
  }
  const memory = JSON.parse((await watching).stdout) as Cost["memory"];
  return { bytes: Object.fromEntries(counted.nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.bytes]] : []))), memory };
}
