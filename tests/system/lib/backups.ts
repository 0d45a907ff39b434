// What tests of backups do again and again: a bucket, its policy, acts on backups, and data in Odoo to find again.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { controllerAddress, type Host } from "./host.ts";
import { type Kind, S3 } from "./s3.ts";
import type { Environment, List, Operation } from "./types.ts";
import type { World } from "./world.ts";

export interface Check {
  id: string;
  result: "passed" | "warning" | "failed";
  value: string;
  remedy: string;
}
export interface Storage {
  id: string;
  name: string;
  state: "untested" | "working" | "failed";
  checks: Check[];
  test_operation_id: string | null;
}
export interface Backup {
  id: string;
  kind: string;
  state: "running" | "succeeded" | "failed" | "removed";
  environment: { id: string; name: string; exists: boolean };
  database_bytes: number;
  dump_bytes: number;
  files: number;
  file_bytes: number;
  sent_bytes: number;
  missing_files: number;
  recipients: string[];
  started_at: string;
  error: { code: string; message: string } | null;
  last_restored_at: string | null;
  last_drill: { passed: boolean; checks: Check[]; restore_ms: number } | null;
}
export interface Policy {
  storage_id: string | null;
  schedule: string;
  drill_schedule: string;
  time_zone: string;
  retention: Record<"last" | "hourly" | "daily" | "weekly" | "monthly" | "yearly", number>;
}

export const keepAll: Policy["retention"] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

/** An S3 server that throw-away servers reach, with one bucket. */
export async function bucketOf(world: World, kind: Kind, bucket: string): Promise<S3> {
  const s3 = await S3.start(kind, join(world.dir, `s3-${kind}`), await controllerAddress());
  await s3.createBucket(bucket);
  return s3;
}

export async function addStorage(world: World, s3: S3, bucket: string, more: Record<string, unknown> = {}): Promise<Storage> {
  const { endpoint, region, prefix, addressing, access_key, ca } = s3.storage(bucket, "fairlead");
  return (await world.api()).post(`${await world.org()}/storages`, {
    name: bucket, provider: "other", endpoint, region, bucket, prefix, addressing, access_key, ca,
    secret_key: s3.keys.secret, ...more,
  });
}

export async function setPolicy(world: World, environment: { id: string }, storage: string | null, more: Partial<Policy> = {}): Promise<void> {
  const api = await world.api();
  const set = await api.call("PUT", `${await world.org()}/environments/${environment.id}/backup-policy`, {
    body: { storage_id: storage, schedule: "", drill_schedule: "", time_zone: "UTC", retention: keepAll, ...more },
  }) as { operation_id: string | null };
  if (set.operation_id) await world.succeeded({ id: set.operation_id });
}

export async function backUp(world: World, environment: { id: string }): Promise<Backup> {
  const operation = await world.succeeded(await world.act(environment, "backups"));
  return backupOf(world, operation);
}

/** The backup that an operation made or tried to make. */
export async function backupOf(world: World, operation: Operation): Promise<Backup> {
  const api = await world.api();
  const { data } = await api.get<List<Backup & { operation_id: string }>>(`${await world.org()}/backups?limit=200`);
  const found = data.find((one) => one.operation_id === operation.id);
  if (!found) throw new Error(`no backup of ${operation.id} in ${JSON.stringify(data.map((one) => one.operation_id))}`);
  return found;
}

export async function backupsOf(world: World, environment: { id: string }): Promise<Backup[]> {
  return (await (await world.api()).get<List<Backup>>(`${await world.org()}/environments/${environment.id}/backups?limit=200`)).data;
}

export async function restore(world: World, backup: { id: string }, target: Environment, more: Record<string, unknown> = {}): Promise<Operation> {
  return (await world.api()).post(`${await world.org()}/backups/${backup.id}/restore`, { environment_id: target.id, ...more });
}

/** Odoo's own API, as its administrator, from inside the server. */
export class Odoo {
  constructor(private readonly host: Host, private readonly environment: Environment, private readonly database: string) {}

  async #rpc(service: string, method: string, args: unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params: { service, method, args } });
    await this.host.write("/tmp/rpc.json", body);
    const said = JSON.parse(await this.host.sh(
      `curl -fsS -m 60 -H 'Content-Type: application/json' --data @/tmp/rpc.json http://127.0.0.1:${this.environment.port}/jsonrpc`,
    )) as { result?: unknown; error?: unknown };
    if (said.error) throw new Error(JSON.stringify(said.error).slice(0, 2000));
    return said.result;
  }

  /** Logs in with a password that takes the place of whatever the database came with. */
  async login(): Promise<number> {
    const by = (): Promise<unknown> => this.#rpc("common", "login", [this.database, "admin", "admin"]);
    const known = await by();
    if (known) return known as number;
    await this.host.sh(`runuser -u postgres -- psql -q '${this.database}' -c "UPDATE res_users SET password = 'admin' WHERE login = 'admin'"`);
    return await by() as number;
  }

  async call(model: string, method: string, args: unknown[], options: Record<string, unknown> = {}): Promise<unknown> {
    return this.#rpc("object", "execute_kw", [this.database, await this.login(), "admin", model, method, args, options]);
  }

  /** An attachment; its id. */
  async attach(name: string, content: Buffer): Promise<number> {
    return (await this.call("ir.attachment", "create", [[{ name, datas: content.toString("base64") }]]) as number[])[0]!;
  }

  async attachment(id: number): Promise<Buffer> {
    const [read] = await this.call("ir.attachment", "read", [[id], ["datas"]]) as { datas: string }[];
    return Buffer.from(read!.datas, "base64");
  }
}

/** Unix user, role and database of an environment. */
export const accountOf = (environment: Environment): string => `fl-${environment.slug}`;

/**
 * Makes the text of two dumps of the same data the same, in a pipe. PostgreSQL puts rows that it loads where there is room, so their order is nobody's;
 * and what it makes of "status IN (…)" it writes with other casts and brackets once it has read it back from its own text.
 */
export const comparable = `grep -vE '^-- Dumped|^.(un)?restrict ' | sed -E '/ ANY \\(/s/::(character varying|text)(\\[\\])?|[()]//g' | LC_ALL=C sort`;

/** All of a database as text, and all of a filestore as hashes: equal where the data are. */
export async function contents(host: Host, environment: Environment, timeoutMs = 60_000): Promise<string> {
  const account = accountOf(environment);
  return host.sh(`
    runuser -u ${account} -- pg_dump --no-owner --no-privileges ${account} | ${comparable} | sha256sum
    cd /var/lib/fairlead/environments/${environment.slug}/filestore/${account}
    find . -type f ! -path './checklist/*' -printf '%P\\n' | sort | xargs -d '\\n' sha256sum | sha256sum`, { timeoutMs });
}

export const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Nothing of an operation that is over may be on the server. */
export async function leftovers(host: Host): Promise<string> {
  return host.sh(`
    runuser -u postgres -- psql -Atc "SELECT datname FROM pg_database WHERE datname ~ '\\.(incoming|drill|scratch)$'"
    find /var/lib/fairlead/environments -maxdepth 3 \\( -name incoming -o -name drill -o -name held -o -name 'copied-to-*' -o -path '*/backup/work' -o -path '*/backup/frozen' -o -path '*/snapshots/scratch' \\)
    ls -A /var/lib/fairlead/executor/due 2>/dev/null || true`);
}

