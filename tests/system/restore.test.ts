// Data put back, moved and copied: whole or not at all.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import { accountOf, addStorage, backUp, type Backup, backupsOf, bucketOf, contents, keepAll, leftovers, Odoo, restore, setPolicy, type Storage } from "./lib/backups.ts";
import { localMta } from "./lib/captures.ts";
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
    const project = await world.project("shop", "v1", [{ name: "mail", url: await (await world.git()).addOdoo(), branch: "19.0-mail" }]);
    const modules = ["base", "web", "mail", "fl_demo"];
    shop = await world.environment(project, on.server, "shop", { type: "production", modules });
    await world.succeeded(await world.deploy(shop), 900_000);
    staging = await world.environment(project, on.server, "staging", { modules });
    const api = await world.api();
    const mail = `${await world.org()}/environments/${staging.id}/mail-settings`;
    const { available: _a, captured: _c, ...settings } = await api.get<Record<string, unknown>>(mail);
    await api.call("PUT", mail, { body: { ...settings, capture: false } });
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

  /** Odoo sends a mail as its users do; the state that it ends with. */
  const send = async (by: Odoo, subject: string): Promise<string> => {
    const [id] = await by.call("mail.mail", "create", [[{
      subject, body_html: "<p>Dear customer</p>", email_from: "shop@shop.example", email_to: "you@customer.example", auto_delete: false,
    }]]) as number[];
    await by.call("mail.mail", "send", [[id]]);
    return ((await by.call("mail.mail", "read", [[id], ["state"]])) as { state: string }[])[0]!.state;
  };

  scenario(world, "into another environment is neutralised: it logs in, opens an attachment, sends no mail and runs no scheduled action", async () => {
    const operation = await world.succeeded(await restore(world, backup, staging));
    assert.ok(operation.steps.some((step) => step.name === "neutralise" && step.state === "done"));
    const copy = new Odoo(on.host, staging, accountOf(staging));
    assert.ok(await copy.login() > 0);
    assert.deepEqual(await copy.attachment(attachment), picture);
    assert.equal((await sql(staging, "SELECT count(*) FROM ir_cron WHERE active")).trim(), "0");
    assert.equal((await sql(staging, "SELECT smtp_host FROM ir_mail_server WHERE active")).trim(), "invalid");
    assert.equal((await sql(staging, "SELECT count(*) FROM ir_mail_server WHERE smtp_host = 'smtp.example.com'")).trim(), "0");
    assert.equal(await contents(on.host, shop), then);
    assert.equal(await leftovers(on.host), "");

    // Not by the mail server of this server either, which Odoo takes where it knows no other.
    const mta = await localMta(on.host);
    await world.succeeded(await world.act(shop, "start"));
    await odoo.call("ir.mail_server", "write", [await odoo.call("ir.mail_server", "search", [[]]), { active: false }]);
    assert.equal(await send(odoo, "of the source"), "sent");
    assert.match(await mta.arrived(), /of the source/);
    assert.equal(await send(copy, "of the copy"), "exception");
    assert.doesNotMatch(await mta.arrived(), /of the copy/);
    // All is long due; one more action, which comes last, shows that Odoo's workers have looked.
    await sql(staging, "UPDATE ir_cron SET nextcall = now() - interval '1 day', lastcall = NULL");
    const [model] = await copy.call("ir.model", "search", [[["model", "=", "res.partner"]]]) as number[];
    const [probe] = await copy.call("ir.cron", "create", [[{ name: "probe", model_id: model, state: "code", code: "pass", interval_number: 1, interval_type: "days", priority: 1000 }]]) as number[];
    const ran = await poll("the probe ran", 180_000, async () =>
      (await sql(staging, "SELECT id FROM ir_cron WHERE lastcall IS NOT NULL")).trim() || undefined);
    assert.equal(ran, String(probe));
    await world.succeeded(await world.act(shop, "stop"));
    await world.succeeded(await confirmed(shop, { safety_backup: false }));
    assert.equal(await contents(on.host, shop), then);
  });

  scenario(world, "of which personal data are masked has nothing of a customer, in its database or its files, and staff works with it", async () => {
    await world.succeeded(await world.act(shop, "start"));
    const marker = `mark${randomBytes(8).toString("hex")}`;
    const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const file = (model: string, id: number) => ({ name: `${marker}.txt`, datas: Buffer.from(`${marker} of ${model}`).toString("base64"), res_model: model, res_id: id });
    const [person] = await odoo.call("res.partner", "create", [[{
      name: `Ann ${marker}`, email: `${marker}@customer.example`, phone: `+49 ${marker}`, street: marker, vat: "", comment: marker, image_1920: pixel,
    }]]) as number[];
    await odoo.call("res.partner.bank", "create", [[{ partner_id: person, acc_number: marker }]]);
    const [sent] = await odoo.call("ir.attachment", "create", [[file("mail.compose.message", 0)]]) as number[];
    await odoo.call("ir.attachment", "create", [[file("res.partner", person!)]]);
    await odoo.call("res.partner", "message_post", [[person]], { body: marker, subject: marker, message_type: "comment", attachment_ids: [sent] });
    const portal = ((await odoo.call("ir.model.data", "search_read", [[["module", "=", "base"], ["name", "=", "group_portal"]], ["res_id"]])) as { res_id: number }[])[0]!.res_id;
    await odoo.call("res.users", "create", [[{ name: `Bob ${marker}`, login: `bob-${marker}@customer.example`, group_ids: [[6, 0, [portal]]] }]]);
    const found = (environment: Environment): Promise<string> => on.host.sh(`
      runuser -u ${accountOf(environment)} -- pg_dump --data-only ${accountOf(environment)} | grep -n ${marker} | cut -c1-200 || true
      grep -rl ${marker} /var/lib/fairlead/environments/${environment.slug}/filestore || true`);
    assert.notEqual((await found(shop)).trim(), "");
    const company = "SELECT name FROM res_partner WHERE id = (SELECT min(partner_id) FROM res_company)";
    const [named, rows] = [await sql(shop, company), await sql(shop, "SELECT count(*) FROM res_partner")];

    const api = await world.api();
    const cloned = await world.succeeded(await api.post(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false, mask: ["contacts", "messages", "documents"] }));
    assert.ok(cloned.steps.some((step) => step.name === "mask" && step.state === "done"));
    assert.equal((await found(staging)).trim(), "");
    assert.equal((await sql(staging, `SELECT count(*) FROM ir_attachment WHERE res_model = 'res.partner' AND res_id = ${person}`)).trim(), "0");
    assert.equal(await sql(staging, company), named);
    assert.equal(await sql(staging, "SELECT count(*) FROM res_partner"), rows);
    const copy = new Odoo(on.host, staging, accountOf(staging));
    assert.ok(await copy.login() > 0);
    assert.deepEqual(await copy.attachment(attachment), picture);
    assert.deepEqual(await copy.call("res.partner", "read", [[person], ["name", "email"]]), [{ id: person, name: `Contact ${person}`, email: `contact-${person}@example.invalid` }]);

    // By a backup the same; and nothing but what was named.
    const made = await backUp(world, shop);
    await world.succeeded(await restore(world, made, staging, { safety_backup: false, mask: ["contacts"] }));
    assert.notEqual((await found(staging)).trim(), "");
    assert.equal((await sql(staging, `SELECT count(*) FROM res_partner WHERE name LIKE '%${marker}%' OR email LIKE '%${marker}%'`)).trim(), "0");
    assert.notEqual((await found(shop)).trim(), "");
    await world.succeeded(await world.act(shop, "stop"));
    await world.succeeded(await confirmed(shop, { safety_backup: false }));
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

  scenario(world, "of a backup that was made while Odoo took files in and threw others away has every file that its database names", async () => {
    await world.succeeded(await world.act(shop, "start"));
    await odoo.login();
    await on.host.write("/root/writer.py", `
import base64, json, os, urllib.request
def rpc(model, method, *args):
    body = json.dumps({"jsonrpc": "2.0", "method": "call", "id": 1, "params": {"service": "object", "method": "execute_kw",
        "args": ["${accountOf(shop)}", ${await odoo.login()}, "admin", model, method, list(args)]}}).encode()
    asked = urllib.request.Request("http://127.0.0.1:${shop.port}/jsonrpc", body, {"Content-Type": "application/json"})
    said = json.load(urllib.request.urlopen(asked, timeout=60))
    if "error" in said: raise RuntimeError(said["error"])
    return said["result"]
vacuum = rpc("ir.model.data", "search_read", [["name", "=", "autovacuum_job"]], ["res_id"])[0]["res_id"]
written, turn = [], 0
while not os.path.exists("/root/enough"):
    turn += 1
    written += rpc("ir.attachment", "create", [{"name": "written", "datas": base64.b64encode(os.urandom(60000)).decode()}])
    if turn % 5 == 0: rpc("ir.attachment", "unlink", [written.pop(0), written.pop(0)])
    if turn % 20 == 0: rpc("ir.cron", "method_direct_trigger", [vacuum])
`);
    const written = async (environment: Environment): Promise<number> => Number(await sql(environment, "SELECT count(*) FROM ir_attachment WHERE name = 'written'"));
    await on.host.sh("rm -f /root/enough; systemd-run --quiet --unit writer python3 /root/writer.py");
    let made: Backup, begun: number;
    try {
      await world.until("some are written", 60_000, async () => ((await written(shop)) > 10) || undefined);
      begun = await written(shop);
      made = await backUp(world, shop);
    } finally {
      await on.host.sh("touch /root/enough; while systemctl -q is-active writer; do sleep 0.2; done");
    }
    assert.equal(made.missing_files, 0);
    assert.ok((await written(shop)) > begun, "it wrote on while the backup was made");
    await world.succeeded(await restore(world, made, staging, { safety_backup: false }));
    assert.ok((await written(staging)) >= begun - 2);
    const wrong = await on.host.sh(`
      cd /var/lib/fairlead/environments/${staging.slug}/filestore/${accountOf(staging)}
      runuser -u ${accountOf(staging)} -- psql -Atc "SELECT DISTINCT store_fname FROM ir_attachment WHERE store_fname <> ''" ${accountOf(staging)} |
        while read -r name; do [ "$(sha1sum <"$name" 2>/dev/null | cut -c1-40)" = "\${name#*/}" ] || echo "$name"; done`);
    assert.equal(wrong.trim(), "");
    await world.succeeded(await world.act(shop, "stop"));
    await world.succeeded(await confirmed(shop, { safety_backup: false }));
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "of one that runs has the files that its database names, also those which Odoo throws away meanwhile", async () => {
    await world.succeeded(await world.act(shop, "start"));
    // A table that somebody holds stops the dump in its middle.
    await sql(shop, "CREATE TABLE held (a int)");
    const letGo = (): Promise<string> => on.host.sh("runuser -u postgres -- psql -Atc \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'\"");
    await on.host.sh(`systemd-run --quiet --unit holds-table runuser -u ${accountOf(shop)} -- psql -c 'BEGIN; LOCK TABLE held; SELECT pg_sleep(600)' ${accountOf(shop)}`);
    try {
      await poll("the table is held", 30_000, async () =>
        (await sql(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).trim() === "1" || undefined);
      const cloned = await (await world.api()).post<{ id: string }>(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false });
      await poll("the dump waits", 120_000, async () =>
        (await sql(shop, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).trim() !== "0" || undefined);
      const file = (await sql(shop, `SELECT store_fname FROM ir_attachment WHERE id = ${attachment}`)).trim();
      await on.host.sh(`cd /var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)} && mv ${file} /root/thrown-away`);
      await letGo();
      await world.succeeded(cloned);
      await on.host.sh(`mv /root/thrown-away /var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)}/${file}`);
      assert.deepEqual(await new Odoo(on.host, staging, accountOf(staging)).attachment(attachment), picture);
    } finally {
      await letGo();
      await sql(shop, "DROP TABLE held");
    }
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "is refused where a disk of PostgreSQL's own is too small for it, however much is free elsewhere", async () => {
    const api = await world.api();
    const own = "/var/lib/postgresql";
    await on.host.sh(`systemctl stop 'postgresql@*' postgresql
      mkdir /root/disk && mount -t tmpfs -o size=$(( $(du -sm ${own} | cut -f1) + 120 ))M,mode=755 none /root/disk
      cp -a ${own}/. /root/disk/ && mount --bind /root/disk ${own} && systemctl start postgresql`, { timeoutMs: 120_000 });
    try {
      const refused = await world.finished(await api.post<{ id: string }>(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false }));
      assert.equal(refused.error?.code, "preflight_failed");
      assert.match(refused.error.message, /free on the disk of \/var\/lib\/postgresql/);
      const drill = await world.finished(await world.act(shop, "drill"));
      assert.equal(drill.error?.code, "preflight_failed");
    } finally {
      await on.host.sh(`systemctl stop 'postgresql@*' postgresql; umount ${own} && umount /root/disk; systemctl start postgresql`, { timeoutMs: 120_000 });
    }
  });

  scenario(world, "is what the newest backup must be good for: one whose drill found damage is none that retention counts on", async () => {
    await setPolicy(world, shop, storage.id, { retention: { ...keepAll, last: 2 } });
    const damaged = await backUp(world, shop);
    const dump = `fairlead/${shop.id}/backups/${damaged.id}/database.dump.zst.age`;
    await s3.alter(bucket, dump);
    assert.equal((await world.finished(await world.act(shop, "drill"))).state, "failed");
    // The server knows it by itself.
    assert.match(await on.host.sh(`ls /var/lib/fairlead/environments/${shop.slug}/backup/bad`), new RegExp(damaged.id));
    const before = (await backupsOf(world, shop)).filter((one) => one.state === "succeeded" && one.id !== damaged.id)
      .sort((a, b) => b.started_at.localeCompare(a.started_at))[0]!;
    const next = await backUp(world, shop);
    assert.ok(next.sent_bytes > damaged.sent_bytes + picture.length / 2, "all files are sent anew");
    const stay = (await world.until("retention is told", 30_000, async () => {
      const all = (await backupsOf(world, shop)).filter((one) => one.state === "succeeded");
      return all.some((one) => one.id === damaged.id) ? undefined : all;
    })).map((one) => one.id).sort();
    assert.deepEqual(stay, [before.id, next.id].sort());
    assert.equal((await on.host.sh(`ls /var/lib/fairlead/environments/${shop.slug}/backup/bad`)).trim(), "");
    backup = next;
    await setPolicy(world, shop, storage.id);
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
