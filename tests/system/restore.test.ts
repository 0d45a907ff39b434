// Data put back, moved and copied: whole or not at all.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import { accountOf, addStorage, backUp, type Backup, backupsOf, bucketOf, contents, leftovers, Odoo, restore, setPolicy, type Storage } from "./lib/backups.ts";
import { enrolAlone } from "./lib/fill.ts";
import { healthy } from "./lib/odoo.ts";
import { ownOrg } from "./lib/people.ts";
import type { S3 } from "./lib/s3.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const mib = 1 << 20;

describe("a restore", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "restores";
  const picture = randomBytes(3 * mib);
  let on: Enrolled;
  let shop: Environment, staging: Environment;
  let s3: S3;
  let storage: Storage;
  let odoo: Odoo;
  let attachment: number;
  let backup: Backup;
  let then: string;

  before(async () => {
    on = await world.server("restore");
    s3 = await bucketOf(world, "s3rver", bucket);
    const project = await world.project("shop");
    shop = await world.environment(project, on.server, "shop", { type: "production" });
    await world.succeeded(await world.deploy(shop), 900_000);
    staging = await world.environment(project, on.server, "staging");
    await world.succeeded(await world.deploy(staging), 900_000);
    odoo = new Odoo(on.host, shop, accountOf(shop));
    attachment = await odoo.attach("picture.png", picture);
    await odoo.call("ir.mail_server", "create", [[{ name: "out", smtp_host: "smtp.example.com" }]]);
    storage = await addStorage(world, s3, bucket, { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    for (const one of [shop, staging]) await setPolicy(world, one, storage.id);
    // Stopped, so that nothing but the test changes anything.
    await world.succeeded(await world.act(shop, "stop"));
    backup = await backUp(world, shop);
    then = await contents(on.host, shop);
  });
  after(() => s3?.stop());

  const sql = (environment: Environment, text: string): Promise<string> =>
    on.host.sh(`runuser -u ${accountOf(environment)} -- psql -At -v ON_ERROR_STOP=1 -c ${JSON.stringify(text)} ${accountOf(environment)}`);
  const spoil = async (): Promise<void> => {
    await sql(shop, "DELETE FROM res_partner WHERE id > 10; UPDATE ir_attachment SET name = 'spoilt'; CREATE TABLE spoilt (a int)");
    await on.host.sh(`cd /var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)} && find . -type f -size +1M -delete && echo rubbish >rubbish && chown ${accountOf(shop)}: rubbish`);
  };
  const confirmed = async (target: Environment, body: Record<string, unknown>): Promise<{ id: string }> =>
    (await world.api()).call("POST", `${await world.org()}/backups/${backup.id}/restore`, { headers: { "X-Confirm": target.name }, body: { environment_id: target.id, ...body } });

  const setCloning = async (enabled: boolean): Promise<void> => {
    const api = await world.api();
    await world.signInAgain(); // a fresh proof, however long the tests before took
    const now = await api.get<Record<string, unknown>>(`${await world.org()}/security`);
    await api.call("PUT", `${await world.org()}/security`, { body: { ...now, clone_enabled: enabled } });
  };

  scenario(world, "over production asks for its name, makes a safety backup first, and gives back every row and byte", async () => {
    await spoil();
    assert.notEqual(await contents(on.host, shop), then);
    const api = await world.api();
    const bare = await api.send("POST", `${await world.org()}/backups/${backup.id}/restore`, { body: { environment_id: shop.id } });
    assert.equal(bare.status, 428);
    await world.succeeded(await confirmed(shop, {}));
    assert.equal(await contents(on.host, shop), then);
    const safety = (await backupsOf(world, shop)).find((one) => one.kind === "pre_restore");
    assert.equal(safety?.state, "succeeded");
    assert.equal(await leftovers(on.host), "");
    await world.succeeded(await world.act(shop, "start"));
    assert.deepEqual(await odoo.attachment(attachment), picture);
    const shown = await world.until("it counts as restored", 30_000, async () => (await backupsOf(world, shop)).find((one) => one.id === backup.id && one.last_restored_at));
    assert.ok(shown.last_restored_at);
    await world.succeeded(await world.act(shop, "stop"));
  });

  scenario(world, "of the filestore alone leaves the database, and of the database alone the files", async () => {
    await spoil();
    await world.succeeded(await confirmed(shop, { parts: "filestore", safety_backup: false }));
    assert.match(await sql(shop, "SELECT count(*) FROM spoilt"), /0/);
    assert.equal(await on.host.sh(`ls /var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)}/rubbish 2>/dev/null || true`), "");
    await world.succeeded(await confirmed(shop, { parts: "database", safety_backup: false }));
    assert.equal(await contents(on.host, shop), then);
  });

  scenario(world, "of an environment that was wiped brings back all of it, and where that is ended half-way there is nothing again", async () => {
    const account = accountOf(shop);
    const wipe = (): Promise<string> => on.host.sh(`
      runuser -u postgres -- dropdb --if-exists ${account}
      rm -rf /var/lib/fairlead/environments/${shop.slug}/filestore/${account}`);
    const databases = (): Promise<string> => on.host.sh(`runuser -u postgres -- psql -Atc "SELECT count(*) FROM pg_database WHERE datname LIKE '${account}%'"`);
    await wipe();
    const operation = await confirmed(shop, { safety_backup: false });
    await world.until("replace has begun", 120_000, async (api, org) =>
      (await api.get<{ steps: { name: string; state: string }[] }>(`${org}/operations/${operation.id}`)).steps
        .some((one) => one.name === "replace" && one.state !== "pending") ? true : undefined);
    await on.host.sh("systemctl kill --signal=KILL fairlead-executor.service");
    const ended = await world.finished(operation);
    assert.equal((await databases()).trim(), ended.state === "succeeded" ? "1" : "0");
    assert.equal(await leftovers(on.host), "");
    await wipe();
    await world.succeeded(await confirmed(shop, { safety_backup: false }));
    assert.equal(await contents(on.host, shop), then);
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "into another environment is neutralised: it logs in, opens an attachment, sends no mail and runs no scheduled action", async () => {
    const operation = await world.succeeded(await restore(world, backup, staging));
    assert.ok(operation.steps.some((step) => step.name === "neutralise" && step.state === "done"));
    const copy = new Odoo(on.host, staging, accountOf(staging));
    assert.ok(await copy.login() > 0);
    assert.deepEqual(await copy.attachment(attachment), picture);
    assert.equal((await sql(staging, "SELECT count(*) FROM ir_cron WHERE active")).trim(), "0");
    assert.equal((await sql(staging, "SELECT count(*) FROM ir_mail_server WHERE active AND smtp_host = 'smtp.example.com'")).trim(), "0");
    assert.equal(await contents(on.host, shop), then);
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "of a backup that was altered, cut or swapped is refused before the target is touched, and a wrong key says so", async () => {
    const was = await contents(on.host, staging);
    const prefix = `fairlead/${shop.id}`;
    const dump = `${prefix}/backups/${backup.id}/database.dump.zst.age`;
    const list = `${prefix}/backups/${backup.id}/files.zst.age`;
    const pack = (await s3.objects(bucket, `${prefix}/packs/`)).sort((a, b) => b.bytes - a.bytes)[0]!.key;
    const refused = async (what: string, spoilIt: () => Promise<void>, says: RegExp): Promise<void> => {
      const kept = new Map<string, Buffer>();
      for (const key of [dump, list, pack]) kept.set(key, await s3.read(bucket, key));
      let ended: Operation;
      try {
        await spoilIt();
        ended = await world.finished(await restore(world, backup, staging, { safety_backup: false }));
      } finally {
        for (const [key, bytes] of kept) await s3.write(bucket, key, bytes);
      }
      assert.equal(ended.state, "failed", what);
      assert.match(ended.error!.message, says, what);
      assert.ok(!ended.steps.some((step) => step.name === "replace" && step.state !== "pending"), what);
      assert.equal(await healthy(on.host, staging), true);
      assert.equal(await leftovers(on.host), "");
    };
    await refused("an altered dump", () => s3.alter(bucket, dump), /altered|damaged/);
    await refused("an altered pack", () => s3.alter(bucket, pack), /altered|damaged/);
    await refused("a cut pack", () => s3.truncate(bucket, pack, 1000), /cut or altered/);
    await refused("a list that is gone", () => s3.remove(bucket, list), /not in the bucket any more/);
    await refused("two objects swapped", async () => {
      const [a, b] = [await s3.read(bucket, dump), await s3.read(bucket, list)];
      await s3.write(bucket, dump, b);
      await s3.write(bucket, list, a);
    }, /cut or altered/);
    // Another identity where the environment's own was.
    const identity = `/var/lib/fairlead/environments/${shop.slug}/backup/identity`;
    await on.host.sh(`cp -p ${identity} /root/kept && cp -p /var/lib/fairlead/environments/${staging.slug}/backup/identity ${identity}`);
    const wrong = await restore(world, backup, staging, { safety_backup: false }).then((one) => world.finished(one))
      .finally(() => on.host.sh(`cp -p /root/kept ${identity}`));
    assert.equal(wrong.error?.code, "backup_key_wrong");
    void was;
  });

  scenario(world, "that fails half-way, or is killed, leaves the old state whole and running", async () => {
    const account = accountOf(staging);
    await sql(staging, "CREATE TABLE IF NOT EXISTS mark (a text); DELETE FROM mark; INSERT INTO mark VALUES ('old')");
    for (const step of ["fetch", "replace", "start"]) {
      const operation = await restore(world, backup, staging, { safety_backup: false });
      await world.until(`${step} has begun`, 120_000, async (api, org) =>
        (await api.get<{ steps: { name: string; state: string }[] }>(`${org}/operations/${operation.id}`)).steps
          .some((one) => one.name === step && one.state !== "pending") ? true : undefined);
      await on.host.sh("systemctl kill --signal=KILL fairlead-executor.service");
      const ended = await world.finished(operation);
      if (ended.state === "succeeded") {
        assert.equal((await sql(staging, "SELECT count(*) FROM pg_class WHERE relname = 'mark'")).trim(), "0");
        await sql(staging, "CREATE TABLE IF NOT EXISTS mark (a text); DELETE FROM mark; INSERT INTO mark VALUES ('old')");
      } else {
        assert.equal((await sql(staging, "SELECT a FROM mark")).trim(), "old", step);
      }
      assert.equal(await healthy(on.host, staging), true, step);
      assert.equal(await leftovers(on.host), "", `${step}: ${account}`);
    }
    // The whole server goes, in the middle of putting the data in place.
    const operation = await restore(world, backup, staging, { safety_backup: false });
    await world.until("replace has begun", 120_000, async (api, org) =>
      (await api.get<{ steps: { name: string; state: string }[] }>(`${org}/operations/${operation.id}`)).steps
        .some((one) => one.name === "replace" && one.state !== "pending") ? true : undefined);
    await on.host.kill();
    await on.host.boot();
    const ended = await world.finished(operation, 240_000);
    await poll("Odoo answers again", 120_000, async () => (await healthy(on.host, staging) ? true : undefined));
    if (ended.state !== "succeeded") assert.equal((await sql(staging, "SELECT a FROM mark")).trim(), "old");
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "has its own kind for copies of an environment beside it: a clone, neutralised", async () => {
    const api = await world.api();
    const cloned = await api.post<{ id: string }>(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false });
    const operation = await world.succeeded(cloned);
    assert.ok(operation.steps.some((step) => step.name === "neutralise" && step.state === "done"));
    const copy = new Odoo(on.host, staging, accountOf(staging));
    assert.deepEqual(await copy.attachment(attachment), picture);
    assert.equal((await sql(staging, "SELECT count(*) FROM ir_cron WHERE active")).trim(), "0");
    assert.equal(await contents(on.host, shop), then, "the source, stopped, is as it was");
    assert.match(await on.host.sh(`runuser -u postgres -- psql -Atc "SELECT datname, datdba::regrole FROM pg_database WHERE datname LIKE 'fl-%' ORDER BY 1"`), new RegExp(`${accountOf(shop)}\\|"?${accountOf(shop)}`));

    // And of one that runs, without disturbing it.
    await world.succeeded(await world.act(shop, "start"));
    const pid = await on.host.sh(`systemctl show -P MainPID fairlead-odoo@${shop.slug}`);
    await world.succeeded(await api.post<{ id: string }>(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false }));
    assert.equal(await on.host.sh(`systemctl show -P MainPID fairlead-odoo@${shop.slug}`), pid);
    assert.ok(await copy.login() > 0);
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "and every other way to copy is off with one switch of the owner's, audited, and of this organization alone [S-CLONE-01] [S-CLONE-02] [S-CLONE-04] [S-CLONE-05]", async () => {
    const api = await world.api();
    const org = await world.org();
    await setCloning(false);
    const refusals = [
      await api.send<{ code: string }>("POST", `${org}/environments/${shop.id}/clone`, { body: { target_environment_id: staging.id } }),
      await api.send<{ code: string }>("POST", `${org}/backups/${backup.id}/restore`, { body: { environment_id: staging.id } }),
    ];
    for (const one of refusals) assert.deepEqual([one.status, one.body.code], [403, "clone_disabled"]);
    const audit = await api.get<{ data: { action: string }[] }>(`${org}/audit?limit=50`);
    assert.ok(audit.data.some((one) => one.action.startsWith("security")), JSON.stringify(audit.data.map((one) => one.action)));
    // Another organization of the installation goes on as before. [S-CLONE-05]
    const other = await ownOrg(api, "Others");
    const played = await PlayedAgent.connect(await (await world.controller()).endpoint(), await enrolAlone(api, other, "others"));
    const theirs = (await api.get<List<{ id: string }>>(`${other}/servers`)).data[0]!;
    const code = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const work = await api.post<{ id: string }>(`${other}/projects`, { name: "Theirs", odoo_version: "19.0", odoo_source: code });
    const ended = (operation: { id: string }): Promise<string> =>
      poll("it ends", 60_000, async () => {
        const { state } = await api.get<{ state: string }>(`${other}/operations/${operation.id}`);
        return ["succeeded", "failed"].includes(state) ? state : undefined;
      });
    const made: { id: string }[] = [];
    for (const name of ["one", "two"]) {
      const one = await api.post<{ id: string }>(`${other}/environments`, { project_id: work.id, server_id: theirs.id, name, type: "development" });
      assert.equal(await ended(await api.post<{ id: string }>(`${other}/environments/${one.id}/deploy`, {})), "succeeded");
      made.push(one);
    }
    const cloned = await api.send<{ id: string }>("POST", `${other}/environments/${made[0]!.id}/clone`, { body: { target_environment_id: made[1]!.id, safety_backup: false } });
    assert.equal(cloned.status, 202, JSON.stringify(cloned.body));
    assert.equal(await ended(cloned.body), "succeeded");
    assert.ok(played.orders.some((order) => order.kind === "environment.clone"));
    played.close();
    // Its own data it may still have back.
    await world.succeeded(await world.act(shop, "stop"));
    await world.succeeded(await confirmed(shop, { safety_backup: false }));
    await setCloning(true);
  });
});
