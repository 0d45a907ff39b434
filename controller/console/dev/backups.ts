// The stand-in's storages, backup policies and backups, and the server that makes, tries out and puts back backups.
import type { Backup, BackupPolicy, BackupSettings, Check, Copy, Environment, Operation, Retention, RetentionRule, Storage } from "../src/api/types";
import { Refusal } from "./account";
import { people } from "./people";
import { ago, audit, blankOperation, id, me, now, publish, state } from "./state";
import { begin, step } from "./work";

type Body = Record<string, any>;

const by = { id: me.id, email: me.email };
const MiB = 1024 ** 2;
const serverKey = "age1qx0ez5kpvj8s2u6d9rwn3hy7tgc4alfm0pze8vqk5xj2su96rd3nwhqy7t";
const none: Retention = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

export const held = {
  storages: [] as Storage[],
  settings: { recovery_recipients: [], updated_at: null, updated_by: null } as BackupSettings,
  policies: new Map<string, BackupPolicy>(),
  backups: [] as Backup[],
  copies: [] as Copy[],
};

const list = <T>(data: T[], limit = 100) => ({ data: data.slice(0, limit), next_cursor: null });
const policyOf = (env: Environment): BackupPolicy =>
  held.policies.get(env.id) ?? { storage_id: null, schedule: "", drill_schedule: "", time_zone: "UTC", retention: none, in_sync: true, server: { storage_id: null, recipient: null, next_backup_at: null, next_drill_at: null }, operation_id: null, updated_at: null, updated_by: null };

function storage(name: string, provider: Storage["provider"], part: Partial<Storage>): Storage {
  return {
    id: id("sto"), name, provider, endpoint: "https://s3.eu-central-1.amazonaws.com", region: "eu-central-1", bucket: "acme-odoo-backups", prefix: "", addressing: "virtual_host", access_key: "AKIAIOSFODNN7EXAMPLE", has_session_token: false, ca: null,
    object_lock: "none", object_lock_days: 0, state: "untested", checks: [], tested_at: null, tested_on: null, test_operation_id: null, environments: 0, backups: 0, created_at: ago(9000), created_by: by, ...part,
  };
}

function backup(env: Environment, into: Storage, minutes: number, part: Partial<Backup> = {}): Backup {
  const growth = 1 - minutes / 400_000;
  return {
    id: id("bak"), environment: { id: env.id, name: env.name, exists: true }, project_id: env.project_id, server_id: env.server_id, storage: { id: into.id, name: into.name }, kind: "scheduled", state: "succeeded", odoo_version: "19.0", release: env.current_release?.number ?? null,
    postgresql_version: "15.8", database_bytes: Math.round(1480 * MiB * growth), dump_bytes: Math.round(212 * MiB * growth), files: Math.round(61_200 * growth), file_bytes: Math.round(9.4 * 1024 * MiB * growth), packed_bytes: Math.round(8.9 * 1024 * MiB * growth), sent_bytes: Math.round(218 * MiB * growth), missing_files: 0,
    recipients: [serverKey], started_at: ago(minutes + 4), finished_at: ago(minutes), removed_at: null, operation_id: id("op"), error: null, last_restored_at: null, last_drill: null, ...part,
  };
}

const drillChecks = (good: boolean): Check[] => [
  { id: "objects", title: "Objects in the bucket", result: "passed", value: "all 14 there, each with its hash", need: null, remedy: null },
  { id: "database", title: "Database restored", result: "passed", value: "1.4 GiB, 812 tables", need: null, remedy: null },
  { id: "counts", title: "Rows as when it was made", result: "passed", value: "48,120 partners, 19,344 invoices", need: null, remedy: null },
  { id: "registry", title: "Odoo loads it", result: good ? "passed" : "failed", value: good ? "registry in 6.1 s, 94 modules" : "module acme_reports is not in the release", need: null, remedy: good ? null : "Deploy the release that this backup was made with, or restore into an environment that has the module." },
  { id: "attachments", title: "A sample of attachments", result: good ? "passed" : "warning", value: good ? "50 of 50 open, with the content that their name says" : "not looked at", need: null, remedy: null },
];

export function fillBackups() {
  const main = storage("Acme backups", "aws", { state: "working", tested_at: ago(1300), tested_on: state.servers[0]!.id, checks: storageChecks(true) });
  const second = storage("Old MinIO", "minio", { endpoint: "https://minio.birk.example:9000", region: "us-east-1", bucket: "odoo", prefix: "birk", addressing: "path", state: "failed", tested_at: ago(300), tested_on: state.servers[1]!.id, checks: storageChecks(false) });
  held.storages.push(main, second);
  const [live, stage, , birk] = state.environments as [Environment, Environment, Environment, Environment];
  const policy = (env: Environment, into: Storage, part: Partial<BackupPolicy>) =>
    held.policies.set(env.id, { ...policyOf(env), storage_id: into.id, schedule: "30 2 * * *", drill_schedule: "30 4 * * 0", time_zone: "Europe/Berlin", retention: { last: 3, hourly: 0, daily: 7, weekly: 4, monthly: 6, yearly: 0 }, server: { storage_id: into.id, recipient: serverKey, next_backup_at: ago(-800), next_drill_at: ago(-3000) }, updated_at: ago(9000), updated_by: by, ...part });
  policy(live, main, {});
  policy(stage, main, { schedule: "0 22 * * 5", drill_schedule: "", retention: { ...none, last: 2, weekly: 2 }, in_sync: false });
  policy(birk, second, { schedule: "0 */6 * * *", drill_schedule: "0 5 * * 1", time_zone: "UTC", retention: none });
  const day = 1440;
  for (let n = 0; n < 14; n++) held.backups.push(backup(live, main, 600 + n * day));
  const [newest, next, third] = held.backups as [Backup, Backup, Backup];
  Object.assign(next, { last_restored_at: ago(900), last_drill: { at: ago(900), passed: true, restore_ms: 192_400, checks: drillChecks(true), operation_id: id("op") } });
  Object.assign(third, { kind: "pre_deploy", missing_files: 2 });
  held.backups.push(backup(live, main, 5 * day + 60, { state: "failed", kind: "manual", finished_at: ago(5 * day + 55), error: { code: "storage_full", message: "The bucket refused the upload: the account's quota of 500 GB is used up. Make room there, or raise it." }, sent_bytes: 0 }));
  held.backups.push(backup(stage, main, 3 * day));
  held.backups.push(backup(birk, second, 400, { last_drill: { at: ago(300), passed: false, restore_ms: null, checks: drillChecks(false), operation_id: id("op") } }));
  held.backups.push(backup({ ...birk, id: id("env"), name: "Birk 2024" }, second, 60 * day, { environment: { id: id("env"), name: "Birk 2024", exists: false }, kind: "pre_delete", recipients: [serverKey] }));
  held.backups.sort((a, b) => b.started_at.localeCompare(a.started_at));
  live.backup = { enabled: true, last_backup_at: newest.finished_at, last_restored_at: ago(900), last_drill_at: ago(900), last_drill_passed: true, next_backup_at: ago(-800), next_drill_at: ago(-3000), recipient: serverKey };
  stage.backup = { ...live.backup, last_backup_at: ago(3 * day), last_restored_at: null, last_drill_at: null, last_drill_passed: null, next_drill_at: null };
  birk.backup = { ...live.backup, last_backup_at: ago(400), last_restored_at: null, last_drill_at: ago(300), last_drill_passed: false, next_backup_at: ago(-90) };
}

function storageChecks(good: boolean): Check[] {
  const fine = (what: string, title: string, value: string): Check => ({ id: what, title, result: "passed", value, need: null, remedy: null });
  if (!good) return [{ id: "write", title: "Write an object", result: "failed", value: "403 SignatureDoesNotMatch", need: "s3:PutObject", remedy: "The secret key is not that of the access key. Enter both anew, and see that nothing was cut off." }];
  return [fine("write", "Write an object", "24 bytes"), fine("read", "Read it back", "what was written, whole and in part"), fine("list", "List it", "found"), fine("multipart", "Write in parts", "two parts"), fine("abort", "Give up an upload", "nothing of it is left"), fine("delete", "Remove the objects", "gone"), fine("clock", "Clock", "close to the storage's")];
}

function told(env: Environment, part: Partial<Environment["backup"]> = {}) {
  Object.assign(env.backup, part);
  publish("environment.updated", env);
}

/** With how much it is used. */
const counted = (one: Storage): Storage => ({ ...one, environments: [...held.policies.values()].filter((p) => p.storage_id === one.id).length, backups: held.backups.filter((b) => b.storage.id === one.id).length });

function test(one: Storage, server: string): Operation {
  const target = state.servers.find((s) => s.id === server)!;
  const op = blankOperation(target, "storage.test", [["write", "Write an object"], ["read", "Read it back"], ["list", "List it"], ["delete", "Remove it"]]);
  one.test_operation_id = op.id;
  const good = !/wrong/.test(one.access_key) && one.provider !== "minio";
  begin(op, async () => {
    for (const name of ["write", ...(good ? ["read", "list", "delete"] : [])]) await step(op, name, [`${name} below ${one.bucket}/.fairlead-test`], 700);
    op.result = { checks: storageChecks(good) };
    Object.assign(one, { state: good ? "working" : "failed", checks: op.result.checks, tested_at: now(), tested_on: server });
    if (!good) {
      op.state = "failed";
      op.steps.forEach((each, i) => (each.state = i ? "skipped" : "failed"));
      op.error = { code: "storage_denied", message: "Write an object: 403 SignatureDoesNotMatch", step: "write" };
    }
    publish("storage.updated", counted(one));
  });
  return op;
}

const sizes = ["96 MiB of 1.4 GiB", "410 MiB of 1.4 GiB", "820 MiB of 1.4 GiB", "1.2 GiB of 1.4 GiB", "1.4 GiB of 1.4 GiB"];

function make(env: Environment, kind: Backup["kind"] = "manual"): Operation {
  const into = held.storages.find((one) => one.id === policyOf(env).storage_id)!;
  const op = blankOperation(env, "backup.create", [["files", "Send the filestore"], ["database", "Send the database"], ["manifest", "Write the manifest"], ["retain", "Remove what retention lets go"]]);
  const made = backup(env, into, 0, { kind, state: "running", started_at: now(), finished_at: null, operation_id: op.id, sent_bytes: 0, recipients: [serverKey, ...held.settings.recovery_recipients.map((one) => one.recipient)] });
  held.backups.unshift(made);
  publish("backup.updated", made);
  begin(op, async () => {
    try {
      await step(op, "files", ["61,200 files, 118 are new", "18.2 MiB of 18.2 MiB sent"], 800, true);
      await step(op, "database", sizes, 800, true);
      await step(op, "manifest", ["manifest.json"], 300);
      await step(op, "retain", ["nothing to remove"], 300);
      Object.assign(made, { state: "succeeded", finished_at: now(), sent_bytes: 231 * MiB });
      op.result = { backup_id: made.id };
      told(env, { last_backup_at: made.finished_at });
    } catch (error) {
      Object.assign(made, { state: "failed", finished_at: now(), error: { code: "cancelled", message: "It was cancelled. What was sent is removed." } });
      throw error;
    } finally {
      publish("backup.updated", made);
    }
  });
  return op;
}

function drill(env: Environment, one: Backup): Operation {
  const op = blankOperation(env, "backup.drill", [["objects", "Check the objects"], ["restore", "Restore into a scratch database"], ["load", "Load it with Odoo"], ["files", "Open a sample of attachments"], ["clean", "Take the scratch database away"]]);
  begin(op, async () => {
    await step(op, "objects", ["14 objects"], 500, true);
    await step(op, "restore", sizes, 600, true);
    await step(op, "load", ["registry in 6.1 s"], 500);
    await step(op, "files", ["50 of 50"], 500);
    await step(op, "clean", ["gone"], 200);
    const good = env.name !== "Birk production";
    op.result = { checks: drillChecks(good), backup_id: one.id, ...(good ? { restore_ms: 188_100 } : {}) };
    Object.assign(one, { last_drill: { at: now(), passed: good, restore_ms: good ? 188_100 : null, checks: drillChecks(good), operation_id: op.id }, ...(good ? { last_restored_at: now() } : {}) });
    publish("backup.updated", one);
    told(env, { last_drill_at: now(), last_drill_passed: good, ...(good ? { last_restored_at: now() } : {}) });
    if (!good) {
      op.state = "failed";
      op.error = { code: "drill_failed", message: "Odoo loads it: module acme_reports is not in the release", step: "load" };
    }
  });
  return op;
}

function replace(env: Environment, kind: "backup.restore" | "environment.clone", body: Body, one?: Backup): Operation {
  const op = blankOperation(env, kind, [...(body.safety_backup ? [["safety", "Back up what is there"] as [string, string]] : []), ["fetch", one ? "Read and check the backup" : "Copy the data"], ["replace", "Replace the data"], ...(body.neutralise ? [["neutralise", "Neutralise"] as [string, string]] : []), ["health", "Wait until Odoo is healthy"]]);
  op.note = body.note ?? null;
  begin(op, async () => {
    for (const each of op.steps) await step(op, each.name, each.name === "fetch" ? sizes : [each.title], 500, each.name === "fetch");
    if (one) {
      one.last_restored_at = now();
      publish("backup.updated", one);
      if (one.environment.id === env.id) told(env, { last_restored_at: now() });
    }
  });
  return op;
}

const spans: [RetentionRule & keyof Retention, (at: Date) => string][] = [
  ["last", (at) => at.toISOString()],
  ["hourly", (at) => at.toISOString().slice(0, 13)],
  ["daily", (at) => at.toISOString().slice(0, 10)],
  ["weekly", (at) => String(Math.floor((at.getTime() / 86_400_000 + 3) / 7))],
  ["monthly", (at) => at.toISOString().slice(0, 7)],
  ["yearly", (at) => at.toISOString().slice(0, 4)],
];

function preview(env: Environment, retention: Retention) {
  const good = held.backups.filter((one) => one.environment.id === env.id && one.state === "succeeded");
  const rules = new Map(good.map((one) => [one, new Set<RetentionRule>()]));
  if (good[0]) rules.get(good[0])!.add("newest");
  if (Object.values(retention).every((n) => !n)) good.forEach((one) => rules.get(one)!.add("everything"));
  for (const [rule, span] of spans) {
    const seen = new Set<string>();
    for (const one of good) {
      const key = span(new Date(one.finished_at!));
      if (seen.has(key) || seen.size >= (retention[rule] ?? 0)) continue;
      seen.add(key);
      rules.get(one)!.add(rule);
    }
  }
  const data = good.map((one) => ({ backup_id: one.id, kind: one.kind, finished_at: one.finished_at!, stays: rules.get(one)!.size > 0, rules: [...rules.get(one)!] }));
  return { data, stay: data.filter((one) => one.stays).length, go: data.filter((one) => !one.stays).length };
}

function confirmed(target: Environment, needed: boolean, confirm: string) {
  if (!needed) return;
  if (!confirm) throw new Refusal(428, "confirmation_required", `Type the name of ${target.name} to go on.`);
  if (confirm !== target.name) throw new Refusal(409, "confirmation_mismatch", `The name typed was “${confirm}”, the environment's is “${target.name}”.`);
}

const copying = () => {
  if (!people.security.clone_enabled) throw new Refusal(403, "clone_disabled", "This organization has switched copying between environments off.");
};

/** The operations that a copy into a new environment takes; the stand-in plays the first of them, and then says that a server's policy ended it. */
function chain(target: Environment, source: { id: string; name: string }, from: string, one?: Backup): Operation {
  const op = blankOperation(target, "environment.deploy", [["fetch", "Fetch the sources"], ["build", "Build"], ["switch", "Switch over"]]);
  const kinds: Operation["kind"][] = ["environment.deploy", ...(from === target.server_id ? [] : (["backup.recipient", "backup.grant"] as const)), "backup.restore"];
  const copy: Copy = {
    id: id("cpy"), source, target: { id: target.id, name: target.name, made_for_it: true }, project_id: target.project_id, backup_id: one?.id ?? null, state: "running", error: null, created_at: now(), finished_at: null,
    operations: kinds.map((kind, i) => ({ kind, server_id: kind === "backup.grant" ? from : target.server_id, operation_id: i ? null : op.id, state: i ? null : "running" })),
  };
  held.copies.unshift(copy);
  begin(op, async () => {
    for (const each of op.steps) await step(op, each.name, [each.title], 500);
    if (kinds.length === 2) {
      Object.assign(copy.operations[1]!, { operation_id: id("op"), state: "succeeded" });
      Object.assign(copy, { state: "succeeded", finished_at: now() });
      return publish("copy.updated", copy);
    }
    copy.operations.forEach((each, i) => Object.assign(each, { operation_id: i ? (i < 3 ? id("op") : null) : op.id, state: i < 2 ? "succeeded" : i < 3 ? "failed" : null }));
    Object.assign(copy, { state: "failed", finished_at: now(), error: { code: "policy_refused", message: `The server that holds the key of ${source.name} did not let ${target.name} open the backup: the policy of this server does not name the recipient ${serverKey}. ${target.name} was made for it and stays, without these data.` } });
    publish("copy.updated", copy);
  });
  return op;
}

/** An environment that is there, or one that is made. */
function targetOf(body: Body, wanted: string | undefined, source: Environment | undefined, find: (all: Environment[], id?: string) => Environment): Environment {
  if (!body.new_environment) return find(state.environments, wanted);
  const like = source ?? state.environments[0]!;
  const { name, server_id, type = "staging" } = body.new_environment;
  const made: Environment = { ...like, id: id("env"), name, type, server_id, domains: [], domain_states: [], last_operation: null };
  state.environments.push(made);
  publish("environment.updated", made);
  return made;
}

/** Undefined: none of these. */
export function answerBackups(method: string, parts: string[], body: Body, query: URLSearchParams, confirm: string, free: (env: Environment, act: () => Operation) => Operation): [number, unknown] | undefined {
  const [kind, one, part, sub] = parts;
  const find = <T extends { id: string }>(all: T[], wanted = one): T => {
    const found = all.find((each) => each.id === wanted);
    if (!found) throw new Refusal(404, "not_found", "It is not there any more.");
    return found;
  };
  const env = kind === "environments" && one ? state.environments.find((each) => each.id === one) : undefined;
  const fields = () => {
    const { secret_key: _, session_token, account_id, test_on_server: __, ...rest } = body;
    return { ...rest, ...(account_id ? { endpoint: `https://${account_id}.r2.cloudflarestorage.com`, region: "auto" } : {}), ...(session_token !== undefined ? { has_session_token: session_token !== null } : {}), ...(body.provider === "aws" && body.region ? { endpoint: `https://s3.${body.region}.amazonaws.com` } : {}) };
  };
  switch (`${method} ${[kind, one && "{}", part, sub].filter(Boolean).join("/")}`) {
    case "GET storages":
      return [200, list(held.storages.map(counted))];
    case "POST storages": {
      if (!/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(body.bucket)) throw new Refusal(400, "validation_failed", "One field is not right.", { errors: [{ field: "bucket", message: "has small letters, digits, dots and dashes, 3 to 63 of them" }] });
      const made = storage(body.name, body.provider, { ...fields(), created_at: now() });
      held.storages.push(made);
      if (body.test_on_server) test(made, body.test_on_server);
      publish("storage.updated", made);
      audit("storage.create", { type: "storage", id: made.id, name: made.name });
      return [201, made];
    }
    case "PATCH storages/{}": {
      const changed = Object.assign(find(held.storages), fields(), { state: "untested" });
      if (body.test_on_server) test(changed, body.test_on_server);
      publish("storage.updated", counted(changed));
      return [200, counted(changed)];
    }
    case "DELETE storages/{}": {
      const gone = find(held.storages);
      if (confirm !== gone.name) throw new Refusal(409, "confirmation_mismatch", `The name typed was “${confirm}”.`);
      const users = state.environments.filter((each) => policyOf(each).storage_id === one);
      if (users.length) throw new Refusal(409, "storage_in_use", `${users.map((each) => each.name).join(" and ")} ${users.length === 1 ? "is" : "are"} backed up to it. Choose another storage in the backup policy first.`);
      held.storages = held.storages.filter((each) => each !== gone);
      publish("storage.deleted", { id: one });
      return [204, null];
    }
    case "POST storages/{}/test":
      return [202, test(find(held.storages), body.server_id)];
    case "GET backup-settings":
      return [200, held.settings];
    case "PUT backup-settings":
      held.settings = { recovery_recipients: body.recovery_recipients, updated_at: now(), updated_by: by };
      return [200, held.settings];
    case "GET environments/{}/backup-policy":
      return [200, policyOf(env!)];
    case "PUT environments/{}/backup-policy": {
      const op = blankOperation(env!, "backup.configure", [["configure", "Write the schedule"]]);
      const set: BackupPolicy = { ...policyOf(env!), ...body, in_sync: false, operation_id: op.id, updated_at: now(), updated_by: by };
      held.policies.set(env!.id, set);
      const next = set.storage_id && set.schedule ? ago(-500) : null;
      begin(op, async () => {
        await step(op, "configure", ["timer written"], 900);
        Object.assign(set, { in_sync: true, server: { storage_id: set.storage_id, recipient: serverKey, next_backup_at: next, next_drill_at: set.storage_id && set.drill_schedule ? ago(-4000) : null } });
        told(env!, { enabled: set.storage_id !== null, next_backup_at: set.server.next_backup_at, next_drill_at: set.server.next_drill_at, recipient: serverKey });
      });
      return [200, set];
    }
    case "POST environments/{}/backup-policy/preview":
      return [200, preview(env!, body.retention)];
    case "GET environments/{}/backups":
      return [200, list(held.backups.filter((each) => each.environment.id === one))];
    case "POST environments/{}/backups":
      if (!policyOf(env!).storage_id) throw new Refusal(409, "no_storage", `${env!.name} has no storage. Choose one in its backup policy.`);
      return [202, free(env!, () => make(env!))];
    case "POST environments/{}/drill": {
      const newest = held.backups.find((each) => each.environment.id === one && each.state === "succeeded");
      if (!newest) throw new Refusal(409, "no_backup", "There is no good backup yet. Make one first.");
      return [202, free(env!, () => drill(env!, newest))];
    }
    case "POST environments/{}/clone": {
      copying();
      const target = targetOf(body, body.target_environment_id, env!, find);
      confirmed(target, target.type === "production" || (env!.type === "production" && body.neutralise === false), confirm);
      return [202, free(target, () => (body.new_environment ? chain(target, env!, env!.server_id) : replace(target, "environment.clone", body)))];
    }
    case "GET copies":
      return [200, list(held.copies.filter((each) => (!query.get("operation") || each.operations.some((of) => of.operation_id === query.get("operation"))) && (!query.get("environment") || each.target.id === query.get("environment"))))];
    case "GET backups": {
      const fits = (each: Backup) => (!query.get("environment") || each.environment.id === query.get("environment")) && (!query.get("storage") || each.storage.id === query.get("storage")) && (!query.get("state") || each.state === query.get("state"));
      return [200, list(held.backups.filter(fits), Number(query.get("limit") ?? 50))];
    }
    case "GET backups/{}":
      return [200, find(held.backups)];
    case "DELETE backups/{}": {
      const gone = find(held.backups);
      if (confirm !== gone.id) throw new Refusal(409, "confirmation_mismatch", "What was typed is not this backup's id.");
      const own = state.environments.find((each) => each.id === gone.environment.id);
      if (gone.state !== "succeeded" || !own) {
        held.backups = held.backups.filter((each) => each !== gone);
        publish("backup.deleted", { id: gone.id });
        return [204, null];
      }
      const op = blankOperation(own, "backup.delete", [["delete", "Remove the objects"]]);
      begin(op, async () => {
        await step(op, "delete", ["14 objects"], 700);
        Object.assign(gone, { state: "removed", removed_at: now() });
        publish("backup.updated", gone);
      });
      return [202, op];
    }
    case "POST backups/{}/restore": {
      const from = find(held.backups);
      const target = targetOf(body, body.environment_id, state.environments.find((each) => each.id === from.environment.id), find);
      const copy = target.id !== from.environment.id;
      if (copy) copying();
      const source = state.environments.find((each) => each.id === from.environment.id);
      confirmed(target, target.type === "production" || (copy && source?.type === "production" && body.neutralise === false), confirm);
      return [202, free(target, () => (body.new_environment ? chain(target, from.environment, from.server_id, from) : replace(target, "backup.restore", body, from)))];
    }
    case "POST backups/{}/drill": {
      const from = find(held.backups);
      const own = state.environments.find((each) => each.id === from.environment.id);
      if (!own) throw new Refusal(409, "environment_gone", "Its environment is not on the server any more.");
      return [202, free(own, () => drill(own, from))];
    }
  }
  return undefined;
}
