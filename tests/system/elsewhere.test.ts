// Data on another server than the one that holds their key: granted, never handed over with the key itself.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import { accountOf, addStorage, backUp, type Backup, bucketOf, contents, leftovers, Odoo, restore, setPolicy, type Storage } from "./lib/backups.ts";
import { enrolAlone } from "./lib/fill.ts";
import { healthy } from "./lib/odoo.ts";
import { run } from "./lib/process.ts";
import type { S3 } from "./lib/s3.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Copy {
  id: string;
  state: "running" | "succeeded" | "failed" | "cancelled";
  target: { id: string; name: string; made_for_it: boolean };
  backup_id: string | null;
  operations: { kind: string; operation_id: string | null; state: string | null }[];
  error: { code: string; message: string } | null;
}

describe("on another server", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "elsewhere";
  const picture = randomBytes(2 << 20);
  const mark = `WHERE-${randomBytes(12).toString("hex")}`;
  let near: Enrolled, far: Enrolled;
  let project: { id: string };
  let shop: Environment, there: Environment;
  let s3: S3;
  let storage: Storage;
  let attachment: number;
  let backup: Backup;
  let then: string;
  let recovery: { file: string; recipient: string };
  let policy: string;

  before(async () => {
    near = await world.server("near");
    far = await world.server("far");
    s3 = await bucketOf(world, "s3rver", bucket);
    const file = join(world.dir, "recovery.txt");
    await run("age-keygen", ["-o", file]);
    recovery = { file, recipient: /public key: (age1\S+)/.exec(readFileSync(file, "utf8"))![1]! };
    await (await world.api()).call("PUT", `${await world.org()}/backup-settings`, { body: { recovery_recipients: [{ name: "safe", recipient: recovery.recipient }] } });
    project = await world.project("shop");
    shop = await world.environment(project, near.server, "shop", { type: "production" });
    there = await world.environment(project, far.server, "there");
    for (const one of [shop, there]) await world.succeeded(await world.deploy(one), 900_000);
    const odoo = new Odoo(near.host, shop, accountOf(shop));
    attachment = await odoo.attach("picture.png", picture);
    await odoo.attach("where.txt", Buffer.from(mark));
    await odoo.call("res.partner", "create", [[{ name: mark }]]);
    await odoo.call("ir.mail_server", "create", [[{ name: "out", smtp_host: "smtp.example.com" }]]);
    storage = await addStorage(world, s3, bucket, { test_on_server: near.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    await setPolicy(world, shop, storage.id);
    // Stopped, so that nothing but the test changes anything.
    await world.succeeded(await world.act(shop, "stop"));
    backup = await backUp(world, shop);
    then = await contents(near.host, shop);
    policy = await near.host.sh("cat /etc/fairlead/policy.yaml");
  });
  after(() => s3?.stop());

  const sql = (on: Enrolled, environment: Environment, text: string): Promise<string> =>
    on.host.sh(`runuser -u ${accountOf(environment)} -- psql -At -v ON_ERROR_STOP=1 -c ${JSON.stringify(text)} ${accountOf(environment)}`);
  const copyOf = async (operation: { id: string }): Promise<Copy> =>
    (await (await world.api()).get<List<Copy>>(`${await world.org()}/copies?operation=${operation.id}`)).data[0]!;
  const ended = (operation: { id: string }, ms = 420_000): Promise<Copy> =>
    world.until(`the copy of ${operation.id} ends`, ms, async () => {
      const copy = await copyOf(operation);
      return copy.state === "running" ? undefined : copy;
    });
  const done = async (operation: { id: string }): Promise<Copy> => {
    const copy = await ended(operation);
    if (copy.state !== "succeeded") {
      let logs = "";
      for (const one of copy.operations) if (one.operation_id) logs += `${one.kind} ${one.state}\n${await world.logOf({ id: one.operation_id })}`;
      throw new Error(`${copy.state}: ${JSON.stringify(copy.error)}\n${logs}`);
    }
    return copy;
  };
  const until = (operation: { id: string }, kind: string): Promise<string> =>
    world.until(`${kind} has begun`, 240_000, async () => {
      const step = (await copyOf(operation)).operations.find((one) => one.kind === kind);
      return step?.operation_id && step.state !== "queued" ? step.operation_id : undefined;
    });
  const grants = async (): Promise<string[]> => (await s3.objects(bucket, `fairlead/${shop.id}/grants/`)).map((one) => one.key);
  const identityOf = async (on: Enrolled, environment: Environment): Promise<{ secret: string; recipient: string }> => {
    const text = await on.host.sh(`cat /var/lib/fairlead/environments/${environment.slug}/backup/identity`);
    return { secret: /AGE-SECRET-KEY-\S+/.exec(text)![0], recipient: /public key: (age1\S+)/.exec(text)![1]! };
  };
  /** It is Odoo with these data, and harmless. */
  const isCopy = async (on: Enrolled, environment: Environment): Promise<void> => {
    const copy = new Odoo(on.host, environment, accountOf(environment));
    assert.ok(await copy.login() > 0);
    assert.deepEqual(await copy.attachment(attachment), picture);
    assert.equal((await sql(on, environment, "SELECT count(*) FROM ir_cron WHERE active")).trim(), "0");
    assert.equal((await sql(on, environment, "SELECT count(*) FROM ir_mail_server WHERE active AND smtp_host = 'smtp.example.com'")).trim(), "0");
    assert.equal(await leftovers(on.host), "");
  };

  scenario(world, "nothing is until somebody has it brought there: data are on their own server, and in their bucket nobody can read them [S-CTRL-03]", async () => {
    const found = (on: Enrolled): Promise<string> => on.host.sh(`runuser -u postgres -- psql -qc CHECKPOINT; grep -rlaF ${mark} /var /etc /root /tmp /home 2>/dev/null || true`);
    const here = await found(near);
    assert.match(here, /\/postgresql\//);
    assert.match(here, /\/filestore\//);
    assert.equal(await found(far), "");
    const { data } = await world.controller();
    assert.equal((await run("grep", ["-rlaF", mark, data], { check: false })).stdout, "");
    const kept = await s3.objects(bucket, `fairlead/${shop.id}/`);
    assert.ok(kept.length > 3);
    assert.equal((await run("grep", ["-rlaF", mark, s3.dir], { check: false })).stdout, "");
  });

  scenario(world, "a backup is restored by a grant of the server that has its key, which stays there and passes nobody", async () => {
    const copy = await done(await restore(world, backup, there));
    assert.deepEqual(copy.operations.map((one) => one.kind), ["backup.recipient", "backup.grant", "backup.restore"]);
    await isCopy(far, there);
    assert.equal(await contents(near.host, shop), then);
    const [own, theirs] = [await identityOf(near, shop), await identityOf(far, there)];
    assert.deepEqual(await grants(), [`fairlead/${shop.id}/grants/${backup.id}/${theirs.recipient}.age`]);
    // Neither identity is anywhere but on its own server; the grant opens for the target alone.
    const grant = await s3.read(bucket, (await grants())[0]!);
    for (const secret of [own.secret, theirs.secret]) {
      assert.equal((await run("grep", ["-rlaF", secret, join(world.dir, "controller")], { check: false })).stdout, "");
      for (const one of await s3.objects(bucket)) assert.equal((await s3.read(bucket, one.key)).includes(secret), false, one.key);
    }
    assert.equal(await far.host.sh(`grep -rlaF ${own.secret} /var/lib/fairlead /run/fairlead || true`), "");
    await far.host.sh("command -v age >/dev/null || apt-get install -y -q age >/dev/null 2>&1 || true");
    assert.match(grant.toString("latin1"), /^age-encryption\.org\/v1\n-> X25519 /);
    assert.equal(grant.toString("latin1").split("-> X25519 ").length, 2, "one recipient");
    const shown = await world.until("it counts as restored", 30_000, async (api, org) => {
      const one = await api.get<Backup>(`${org}/backups/${backup.id}`);
      return one.last_restored_at ? one : undefined;
    });
    assert.ok(shown.last_restored_at);
  });

  scenario(world, "a new environment is made, deployed and filled in one act, also when everybody restarts on the way", async () => {
    const api = await world.api();
    const asked = await api.post<Operation>(`${await world.org()}/backups/${backup.id}/restore`, { new_environment: { name: "Fresh", server_id: far.server.id } });
    assert.equal(asked.kind, "environment.deploy");
    await until(asked, "environment.deploy");
    const controller = await world.controller();
    await controller.kill();
    await controller.start();
    await until(asked, "backup.recipient");
    await near.host.sh("systemctl kill --signal=KILL fairlead-link.service fairlead-executor.service || true");
    const copy = await done(asked);
    assert.deepEqual(copy.operations.map((one) => one.kind), ["environment.deploy", "backup.recipient", "backup.grant", "backup.restore"]);
    const made = await world.look(copy.target);
    await isCopy(far, made);
    assert.equal((await grants()).length, 2);
  });

  scenario(world, "a clone goes by a backup of its own into a new environment, as one chain", async () => {
    const api = await world.api();
    await world.succeeded(await world.act(shop, "start"));
    const asked = await api.post<Operation>(`${await world.org()}/environments/${shop.id}/clone`, { new_environment: { name: "Cloned", server_id: far.server.id, type: "development" } });
    const copy = await done(asked);
    assert.deepEqual(copy.operations.map((one) => one.kind), ["backup.create", "environment.deploy", "backup.recipient", "backup.grant", "backup.restore"]);
    assert.notEqual(copy.backup_id, backup.id);
    await isCopy(far, await world.look(copy.target));
    await world.succeeded(await world.act(shop, "stop"));
  });

  scenario(world, "killed while the data come in, it ends clearly, with the old state or the new", async () => {
    await sql(far, there, "CREATE TABLE IF NOT EXISTS mark (a text)");
    const asked = await restore(world, backup, there, { safety_backup: false });
    await until(asked, "backup.restore");
    await far.host.sh("systemctl kill --signal=KILL fairlead-executor.service || true");
    const copy = await ended(asked);
    const marks = (await sql(far, there, "SELECT count(*) FROM pg_class WHERE relname = 'mark'")).trim();
    assert.equal(marks, copy.state === "succeeded" ? "0" : "1");
    if (copy.state !== "succeeded") assert.match(copy.error!.message, /could not be put in place.*there is as it was/s);
    assert.equal(await healthy(far.host, there), true);
    assert.equal(await leftovers(far.host), "");
  });

  scenario(world, "a server whose policy pins recipients grants nothing to a key that its owner does not know", async () => {
    const known = (await identityOf(far, there)).recipient;
    await near.host.write("/etc/fairlead/policy.yaml", policy.replace("      - age1*", `      - ${known}\n      - ${recovery.recipient}`));
    // The owner's own are let in as before.
    await done(await restore(world, backup, there, { safety_backup: false }));
    // Whoever has the controller enrols a server of their own, and has it name a key of theirs.
    const api = await world.api();
    const org = await world.org();
    const evil = await PlayedAgent.connect(await (await world.controller()).endpoint(), await enrolAlone(api, org, "evil"));
    const file = join(world.dir, "evil.txt");
    await run("age-keygen", ["-o", file]);
    const theirs = /public key: (age1\S+)/.exec(readFileSync(file, "utf8"))![1]!;
    evil.result = (order) => (order.kind === "backup.recipient" ? { recipient: theirs } : {});
    const server = (await api.get<List<{ id: string; name: string }>>(`${org}/servers`)).data.find((one) => one.name === "evil")!;
    const before = await grants();
    const copy = await ended(await api.post<Operation>(`${org}/backups/${backup.id}/restore`, { new_environment: { name: "Evil", server_id: server.id } }));
    assert.equal(copy.state, "failed");
    assert.equal(copy.error!.code, "policy_refused");
    assert.match(copy.error!.message, new RegExp(`does not name the recipient ${theirs}`));
    assert.match(copy.error!.message, /Evil was made for it and stays/);
    assert.deepEqual(await grants(), before);
    assert.equal(evil.orders.some((order) => order.kind === "backup.restore"), false);
    // Nor does it encrypt new backups for such a key.
    await api.call("PUT", `${org}/backup-settings`, { body: { recovery_recipients: [{ name: "evil", recipient: theirs }] } });
    const refused = await world.finished(await world.act(shop, "backups"));
    assert.equal(refused.error?.code, "policy_refused");
    await api.call("PUT", `${org}/backup-settings`, { body: { recovery_recipients: [{ name: "safe", recipient: recovery.recipient }] } });
    // And the owner who wants none of it says so.
    await near.host.write("/etc/fairlead/policy.yaml", policy.replace("operations:\n", "operations:\n  - deny: [backup.grant]\n"));
    const denied = await ended(await restore(world, backup, there, { safety_backup: false }));
    assert.deepEqual([denied.state, denied.error!.code], ["failed", "policy_refused"]);
    assert.match(denied.error!.message, /policy\.yaml line \d+/);
    await near.host.write("/etc/fairlead/policy.yaml", policy);
    evil.close();
  });

  scenario(world, "without the server that has the key, what the refusal says is done by hand with the recovery key", async () => {
    const api = await world.api();
    const org = await world.org();
    await api.call("POST", `${org}/servers/${near.server.id}/revoke`, { body: { reason: "burnt down" }, headers: { "X-Confirm": near.server.name } });
    const refused = await api.send<{ code: string; detail: string }>("POST", `${org}/backups/${backup.id}/restore`, { body: { environment_id: there.id } });
    assert.deepEqual([refused.status, refused.body.code], [409, "backup_key_elsewhere"]);
    const command = /run "(fairlead-agent backup restore [^"]+)"/.exec(refused.body.detail)![1]!;
    await sql(far, there, "CREATE TABLE IF NOT EXISTS mark (a text)");
    await far.host.copy(recovery.file, "/root/recovery.txt");
    await far.host.write("/root/ca.pem", s3.storage(bucket, "fairlead").ca!);
    await far.host.sh(`FAIRLEAD_SECRET_KEY='${s3.keys.secret}' ${command.replace("RECOVERY_KEY_FILE", "/root/recovery.txt").replace("CA_FILE", "/root/ca.pem")} --neutralise --no-safety`, { timeoutMs: 240_000 });
    assert.equal((await sql(far, there, "SELECT count(*) FROM pg_class WHERE relname = 'mark'")).trim(), "0");
    await isCopy(far, there);
  });
});
