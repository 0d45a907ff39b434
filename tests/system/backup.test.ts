// Backups of a real Odoo into a real S3 server: made, kept, proved, opened without the product.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe } from "node:test";
import { accountOf, addStorage, backUp, backupOf, backupsOf, bucketOf, comparable, contents, digest, keepAll, leftovers, Odoo, setPolicy, type Storage } from "./lib/backups.ts";
import { root } from "./lib/paths.ts";
import { type Ran, run } from "./lib/process.ts";
import type { S3 } from "./lib/s3.ts";
import type { Fault } from "./lib/s3-relay.ts";
import type { Environment, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const mib = 1 << 20;

describe("a backup", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "agency-backups";
  // What stands in Odoo and must be seen nowhere else.
  const marker = `CUSTOMER-${randomBytes(8).toString("hex")}`;
  const text = Buffer.from(`${marker} in a file\n`.repeat(3000));
  const large = randomBytes(12 * mib);
  let on: Enrolled;
  let shop: Environment, other: Environment;
  let s3: S3;
  let storage: Storage;
  let odoo: Odoo;
  let recovery: { file: string; recipient: string };

  before(async () => {
    on = await world.server("backup");
    s3 = await bucketOf(world, "swift", bucket);
    const project = await world.project("shop");
    shop = await world.environment(project, on.server, "shop", { type: "production" });
    await world.succeeded(await world.deploy(shop), 900_000);
    odoo = new Odoo(on.host, shop, accountOf(shop));
    other = await world.environment(project, on.server, "other");
    await world.succeeded(await world.deploy(other), 900_000);
    const file = join(world.dir, "recovery.txt");
    await run("age-keygen", ["-o", file]);
    recovery = { file, recipient: /public key: (age1\S+)/.exec(readFileSync(file, "utf8"))![1]! };
    await (await world.api()).call("PUT", `${await world.org()}/backup-settings`, { body: { recovery_recipients: [{ name: "safe", recipient: recovery.recipient }] } });
  });
  after(() => s3?.stop());

  /** A copy of the environment's part of the bucket, as any S3 tool would fetch it. */
  const fetched = async (environment: Environment): Promise<string> => {
    const folder = join(world.dir, `copy-${randomBytes(4).toString("hex")}`);
    for (const object of await s3.objects(bucket, `fairlead/${environment.id}/`)) {
      const file = join(folder, object.key.slice(`fairlead/${environment.id}/`.length));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, await s3.read(bucket, object.key));
    }
    return folder;
  };

  scenario(world, "needs a bucket that works: a wrong secret is told by the server that tried it", async () => {
    const api = await world.api();
    const wrong = await addStorage(world, s3, bucket, { name: "wrong", secret_key: "not-the-secret", test_on_server: on.server.id });
    await world.finished({ id: wrong.test_operation_id! });
    const seen = await world.until("the test is over", 30_000, async (again, org) => {
      const now = await again.get<Storage>(`${org}/storages/${wrong.id}`);
      return now.state === "untested" ? undefined : now;
    });
    assert.equal(seen.state, "failed");
    const failed = seen.checks.find((one) => one.result === "failed");
    assert.ok(failed && failed.remedy, JSON.stringify(seen.checks));
    assert.doesNotMatch(JSON.stringify(seen), /not-the-secret/);
    await api.call("DELETE", `${await world.org()}/storages/${wrong.id}`, { headers: { "X-Confirm": "wrong" } });
  });

  scenario(world, "goes to the customer's own bucket, set once and used by both environments [S-BAK-01] [S-BAK-05]", async () => {
    storage = await addStorage(world, s3, bucket, { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    const tested = await world.until("it works", 30_000, async (api, org) => {
      const now = await api.get<Storage>(`${org}/storages/${storage.id}`);
      return now.state === "working" ? now : undefined;
    });
    assert.ok(tested.checks.every((one) => one.result === "passed"), JSON.stringify(tested.checks));
    assert.deepEqual(await s3.objects(bucket), []);

    await setPolicy(world, shop, storage.id, { schedule: "30 2 * * *", time_zone: "Europe/Berlin", retention: { ...keepAll, last: 2 } });
    await setPolicy(world, other, storage.id, { schedule: "0 5 * * sun", time_zone: "UTC" });
    await odoo.call("res.partner", "create", [[{ name: marker }]]);
    await odoo.attach("large.bin", large);
    await odoo.attach("text.txt", text);
    const made = await backUp(world, shop);
    assert.equal(made.state, "succeeded");
    assert.equal(made.kind, "manual");
    assert.equal(made.missing_files, 0);
    assert.ok(made.files > 3 && made.file_bytes > 12 * mib && made.sent_bytes > 12 * mib, JSON.stringify(made));
    assert.equal((await backUp(world, other)).state, "succeeded");
    const keys = (await s3.objects(bucket)).map((one) => one.key);
    assert.ok(keys.includes(`fairlead/${shop.id}/backups/${made.id}/manifest.json`), keys.join("\n"));
    assert.equal(await s3.uploads(bucket), 0);
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "is encrypted before it leaves: the bucket and the controller hold no word of it and no key to it [X-BAK-02]", async () => {
    for (const object of await s3.objects(bucket)) {
      const bytes = await s3.read(bucket, object.key);
      assert.ok(!bytes.includes(marker), object.key);
      if (object.key.endsWith(".age")) assert.equal(bytes.subarray(0, 21).toString(), "age-encryption.org/v1");
    }
    const secret = /AGE-SECRET-KEY-1\S+/.exec(await on.host.sh(`cat /var/lib/fairlead/environments/${shop.slug}/backup/identity`))![0];
    const data = (await world.controller()).data;
    for (const word of [marker, secret, "AGE-SECRET-KEY"]) {
      const found = await run("grep", ["-rlaF", word, data], { check: false });
      assert.equal(found.stdout, "", word);
    }
    assert.match(await on.host.sh(`stat -c '%U %a' /var/lib/fairlead/environments/${shop.slug}/backup/identity`), /^root 600/);
  });

  scenario(world, "is the customer's: age, zstd, tar and pg_restore open it with the recovery key, without the product [S-BAK-07] [X-BAK-02]", async () => {
    await world.succeeded(await world.act(shop, "stop"));
    const made = await backUp(world, shop);
    const then = await contents(on.host, shop);
    await world.succeeded(await world.act(shop, "start"));
    const copy = await fetched(shop);
    const out = join(world.dir, "opened");
    await run(join(root, "packaging/agent/open-backup"), [copy, made.id, recovery.file, out]);
    // Into a database of the server's own PostgreSQL, by a person's own commands.
    const folder = "/root/opened";
    await on.host.sh(`mkdir -p ${folder}`);
    await on.host.copy(join(out, "database.dump"), `${folder}/database.dump`);
    await run("tar", ["-C", out, "-cf", join(world.dir, "filestore.tar"), "filestore"]);
    await on.host.copy(join(world.dir, "filestore.tar"), `${folder}/filestore.tar`);
    const account = accountOf(shop);
    const now = await on.host.sh(`
      cd ${folder} && chmod 755 /root ${folder} && chmod 644 database.dump
      runuser -u postgres -- createdb -O ${account} -T template0 opened
      runuser -u ${account} -- pg_restore --no-owner --no-privileges --exit-on-error -d opened database.dump
      runuser -u ${account} -- pg_dump --no-owner --no-privileges opened | ${comparable} | sha256sum
      tar -xf filestore.tar && cd filestore
      find . -type f -printf '%P\\n' | sort | xargs -d '\\n' sha256sum | sha256sum
      runuser -u postgres -- dropdb opened; chmod 700 /root`);
    assert.equal(now, then);
    assert.ok(readFileSync(join(out, "database.dump")).includes(marker));
    // Somebody else's key opens nothing, and an altered pack is told by name.
    await run("age-keygen", ["-o", join(world.dir, "other.txt")]);
    const refused = await run(join(root, "packaging/agent/open-backup"), [copy, made.id, join(world.dir, "other.txt"), join(world.dir, "no")], { check: false });
    assert.notEqual(refused.code, 0);
    const pack = (await s3.objects(bucket, `fairlead/${shop.id}/packs/`))[0]!.key.split("/").at(-1)!;
    cpSync(copy, `${copy}-altered`, { recursive: true });
    const bytes = readFileSync(join(`${copy}-altered`, "packs", pack));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(`${copy}-altered`, "packs", pack), bytes);
    const altered = await run(join(root, "packaging/agent/open-backup"), [`${copy}-altered`, made.id, recovery.file, join(world.dir, "no2")], { check: false });
    assert.match(altered.stderr, new RegExp(`${pack} was altered`));
  });

  scenario(world, "of an unchanged filestore sends next to nothing the second time [X-BAK-03]", async () => {
    const [first] = (await backupsOf(world, shop)).slice(-1);
    s3.relay.bytes = 0;
    const again = await backUp(world, shop);
    // Only the database and the list travel; the large file does not.
    assert.ok(again.sent_bytes < first!.sent_bytes - 12 * mib, `${again.sent_bytes} of ${first!.sent_bytes}`);
    assert.ok(again.sent_bytes - again.dump_bytes < mib / 2, `${again.sent_bytes} with a dump of ${again.dump_bytes}`);
    assert.ok(s3.relay.bytes < again.dump_bytes + 4 * mib, `${s3.relay.bytes} passed`);
  });

  scenario(world, "goes by the retention that was set: what it does not keep leaves the bucket, the newest never [S-BAK-06]", async () => {
    await backUp(world, shop);
    await backUp(world, shop);
    const listed = await backupsOf(world, shop);
    const there = listed.filter((one) => one.state === "succeeded").map((one) => one.id);
    assert.equal(there.length, 2, JSON.stringify(listed.map((one) => [one.id, one.state])));
    const manifests = (await s3.objects(bucket, `fairlead/${shop.id}/backups/`)).map((one) => one.key.split("/")[3]);
    assert.deepEqual([...new Set(manifests)].sort(), [...there].sort());
    // Kept files are still whole for those that stay.
    for (const one of there) await on.host.sh(`fairlead-agent backup verify ${one} --environment ${shop.slug}`, { timeoutMs: 120_000 });
  });

  scenario(world, "is made as often and kept as long as each environment's own policy says [S-BAK-09] [S-CTRL-04]", async () => {
    const timers = await on.host.sh("systemctl list-timers --all --no-legend 'fairlead-*' | awk '{print $NF, $(NF-1)}'; cat /etc/systemd/system/fairlead-backup@*.timer.d/*.conf");
    assert.match(timers, /fairlead-backup@shop/);
    assert.match(timers, /fairlead-backup@other/);
    assert.match(timers, /OnCalendar=.*Europe\/Berlin/);
    const policies = await Promise.all([shop, other].map(async (one) =>
      (await world.api()).get<{ in_sync: boolean; server: { next_backup_at: string } }>(`${await world.org()}/environments/${one.id}/backup-policy`)));
    for (const one of policies) assert.equal(one.in_sync, true);
    const [berlin, utc] = policies.map((one) => new Date(one.server.next_backup_at));
    assert.equal(new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Berlin", hour: "2-digit", minute: "2-digit" }).format(berlin), "02:30");
    assert.deepEqual([utc!.getUTCDay(), utc!.getUTCHours()], [0, 5]);
    // `other` keeps everything, `shop` two.
    for (let i = 0; i < 2; ++i) await backUp(world, other);
    assert.equal((await backupsOf(world, other)).filter((one) => one.state === "succeeded").length, 3);
    assert.equal((await backupsOf(world, shop)).filter((one) => one.state === "succeeded").length, 2);
  });

  scenario(world, "counts when a drill has restored it, and a drill of a damaged one fails by name [X-BAK-01]", async () => {
    const api = await world.api();
    await world.succeeded(await world.act(shop, "drill"));
    const [newest] = await backupsOf(world, shop);
    const proved = await world.until("the drill is taken in", 30_000, async () => (await backupsOf(world, shop)).find((one) => one.id === newest!.id && one.last_restored_at));
    assert.equal(proved.last_drill?.passed, true);
    assert.deepEqual(proved.last_drill.checks.map((one) => [one.id, one.result]), ["objects", "database", "attachments", "counts", "registry"].map((id) => [id, "passed"]));
    assert.ok(proved.last_drill.restore_ms > 0);
    assert.equal(await leftovers(on.host), "");
    assert.equal((await api.get<{ backup: { last_restored_at: string } }>(`${await world.org()}/environments/${shop.id}`)).backup.last_restored_at, proved.last_restored_at);

    const dump = `fairlead/${shop.id}/backups/${newest!.id}/database.dump.zst.age`;
    await s3.alter(bucket, dump);
    const failed = await world.finished(await world.act(shop, "drill"));
    assert.equal(failed.state, "failed");
    assert.match(failed.error!.message, /database\.dump\.zst\.age was altered|damaged/);
    const told = await world.until("the failure is taken in", 30_000, async () => (await backupsOf(world, shop)).find((one) => one.id === newest!.id && one.last_drill?.passed === false));
    assert.equal(told.last_drill?.checks.find((one) => one.result === "failed")?.id, "database");
    assert.equal(await leftovers(on.host), "");
    await s3.alter(bucket, dump); // and back
  });

  scenario(world, "fails clearly where the bucket fails, leaves nothing behind, and works again after", async () => {
    const before = await s3.objects(bucket, `fairlead/${shop.id}/`);
    for (const [what, fault] of [
      ["every PUT refused", { kind: "answer", status: 403, code: "AccessDenied" }],
      ["the bucket full", { kind: "answer", status: 507, code: "InsufficientStorage" }],
    ] as [string, Fault][]) {
      s3.relay.fault = (asked) => (asked.method === "PUT" ? fault : undefined);
      const ended = await world.finished(await world.act(shop, "backups")).finally(() => (s3.relay.fault = undefined));
      assert.equal(ended.state, "failed", what);
      assert.match(ended.error!.code, /^storage_/, what);
      const listed = await backupOf(world, ended);
      assert.equal(listed.state, "failed");
      assert.deepEqual(await s3.objects(bucket, `fairlead/${shop.id}/`), before, what);
      assert.equal(await s3.uploads(bucket), 0);
    }
    await s3.suspend();
    const gone = await world.act(shop, "backups").then((one) => world.finished(one)).finally(() => s3.resume());
    assert.equal(gone.state, "failed");
    assert.equal(gone.error!.code, "storage_unreachable");
    assert.match(gone.error!.message, /^\S+:\d+ cannot be reached: .* Check the endpoint/);
    assert.equal(await leftovers(on.host), "");
    assert.equal((await backUp(world, shop)).state, "succeeded");
  });

  scenario(world, "goes on by its schedule while the controller is away, drills too, and is reported afterwards [X-AUTO-01]", async () => {
    await setPolicy(world, shop, storage.id, { schedule: "* * * * *", drill_schedule: "* * * * *", retention: { ...keepAll, last: 3 } });
    const controller = await world.controller();
    const known = new Set((await backupsOf(world, shop)).map((one) => one.id));
    await controller.stop();
    const manifests = async (): Promise<string[]> => (await s3.objects(bucket, `fairlead/${shop.id}/backups/`)).filter((one) => one.key.endsWith("manifest.json")).map((one) => one.key.split("/")[3]!);
    const made = await poll("a backup by the schedule", 150_000, async () => (await manifests()).find((one) => !known.has(one)));
    await poll("a drill by the schedule", 150_000, async () =>
      (await on.host.sh("journalctl -u fairlead-executor --no-pager -o cat | grep -c 'backup.drill' || true")).trim() !== "0" ? true : undefined);
    await controller.start();
    const reported = await world.until("it is reported", 120_000, async () => (await backupsOf(world, shop)).find((one) => one.id === made && one.state === "succeeded"));
    assert.equal(reported.kind, "scheduled");
    await world.until("the drill is reported", 120_000, async (api, org) =>
      (await api.get<{ data: { kind: string; state: string; requested_by: unknown }[] }>(`${org}/operations?environment=${shop.id}&limit=50`)).data
        .some((one) => one.kind === "backup.drill" && one.state === "succeeded") ? true : undefined);
    await setPolicy(world, shop, storage.id, { retention: { ...keepAll, last: 3 } });
    assert.doesNotMatch(await on.host.sh("systemctl list-timers --all --no-legend 'fairlead-*@shop*'"), /shop/);
  }, 900_000);

  scenario(world, "is at hand with no controller at all: list, verify, files, and back into place", async () => {
    await world.until("nothing runs", 120_000, async (api, org) =>
      (await api.get<{ data: { state: string }[] }>(`${org}/operations?limit=20`)).data.every((one) => ["succeeded", "failed", "cancelled", "expired"].includes(one.state)) ? true : undefined);
    await world.succeeded(await world.act(shop, "stop"));
    const made = await backUp(world, shop);
    const then = await contents(on.host, shop);
    const controller = await world.controller();
    await controller.stop();
    const listed = await on.host.sh(`fairlead-agent backup list --environment ${shop.slug}`);
    assert.match(listed, new RegExp(made.id));
    const bare = await on.host.exec(["fairlead-agent", "backup", "list"], { check: false });
    assert.notEqual(bare.code, 0);
    assert.match(bare.stderr, /--environment|--endpoint/);
    // From nothing but the bucket and the recovery key.
    await on.host.copy(recovery.file, "/root/recovery.txt");
    await on.host.write("/root/ca.pem", s3.ca);
    const at = s3.storage(bucket, "fairlead");
    const named = `--endpoint ${at.endpoint} --region ${at.region} --bucket ${at.bucket} --prefix ${at.prefix} --access-key ${at.access_key} --ca /root/ca.pem --environment-id ${shop.id} --identity /root/recovery.txt`;
    await on.host.sh(`FAIRLEAD_SECRET_KEY=${s3.keys.secret} fairlead-agent backup restore ${made.id} ${named} --to /root/files`, { timeoutMs: 180_000 });
    assert.equal(digest(large), (await on.host.sh(`find /root/files/filestore -type f -size +11M -size -13M -exec sha256sum {} + | cut -d' ' -f1`)).trim());
    const verified = (identity = "recovery"): Promise<Ran> => on.host.exec(
      ["sh", "-c", `FAIRLEAD_SECRET_KEY=${s3.keys.secret} fairlead-agent backup verify ${made.id} ${named.replace("/root/recovery.txt", `/root/${identity}.txt`)}`],
      { check: false, timeoutMs: 120_000 },
    );
    assert.equal((await verified()).code, 0);
    // Somebody else's key says so, and what is not what was sent is told by its name.
    await on.host.copy(join(world.dir, "other.txt"), "/root/other.txt");
    const wrong = await verified("other");
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /Wrong key: none of the given identities can open this/);
    const folder = `fairlead/${shop.id}/backups/${made.id}`;
    const [dump, list] = [`${folder}/database.dump.zst.age`, `${folder}/files.zst.age`];
    const { filestore } = JSON.parse((await s3.read(bucket, `${folder}/manifest.json`)).toString()) as { filestore: { packs: { object: { key: string } }[] } };
    const packs = filestore.packs.map((one) => `fairlead/${one.object.key}`);
    const spoilt = async (what: string, keys: string[], spoil: (bytes: Buffer[]) => Promise<unknown>): Promise<void> => {
      const kept = await Promise.all(keys.map((key) => s3.read(bucket, key)));
      await spoil(kept);
      const { code, stderr } = await verified();
      await Promise.all(keys.map((key, index) => s3.write(bucket, key, kept[index]!)));
      assert.notEqual(code, 0, `${what}: ${keys.join(", ")}`);
      assert.ok(keys.some((key) => stderr.includes(key.slice("fairlead/".length))), `${what}: ${keys.join(", ")}: ${stderr}`);
    };
    for (const key of [dump, list, packs[0]!]) {
      await spoilt("altered", [key], () => s3.alter(bucket, key));
      await spoilt("cut", [key], ([bytes]) => s3.truncate(bucket, key, bytes!.length >> 1));
      await spoilt("gone", [key], () => s3.remove(bucket, key));
    }
    for (const [one, other] of [[dump, list], [packs[0]!, packs.at(-1)!]] as const) {
      await spoilt("swapped", [one, other], ([first, second]) => Promise.all([s3.write(bucket, one, second!), s3.write(bucket, other, first!)]));
    }

    await on.host.sh(`runuser -u ${accountOf(shop)} -- psql -qc "DELETE FROM ir_attachment WHERE name = 'text.txt'" ${accountOf(shop)}; rm -rf /var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)}/*`);
    assert.notEqual(await contents(on.host, shop), then);
    await on.host.sh(`fairlead-agent backup restore ${made.id} --environment ${shop.slug} --into ${shop.slug}`, { timeoutMs: 300_000 });
    assert.equal(await contents(on.host, shop), then);
    await controller.start();
    await world.until("the restore is reported", 120_000, async (api, org) =>
      (await api.get<{ data: { kind: string; state: string }[] }>(`${org}/operations?environment=${shop.id}&limit=20`)).data
        .some((one) => one.kind === "backup.restore" && one.state === "succeeded") ? true : undefined);
    await world.succeeded(await world.act(shop, "start"));
    assert.equal(await odoo.login() > 0, true);
  });

  scenario(world, "stays in the bucket when the organization is deleted [S-BAK-08]", async () => {
    const api = await world.api();
    const before = await s3.objects(bucket);
    assert.ok(before.length > 0);
    for (const environment of [shop, other]) {
      const gone = await api.send<{ id: string }>("DELETE", `${await world.org()}/environments/${environment.id}?drop_data=true&skip_backup=true`, { headers: { "X-Confirm": environment.name } });
      if (gone.status === 202) await world.succeeded(gone.body);
    }
    assert.deepEqual(await s3.objects(bucket), before);
    assert.equal(await on.host.sh("ls /etc/systemd/system | grep -E 'fairlead-(backup|drill)@(shop|other)' || true"), "");
    const revoked = await api.send("POST", `${await world.org()}/servers/${(on.server as Server).id}/revoke`, { headers: { "X-Confirm": on.server.name } });
    assert.ok(revoked.status < 400, JSON.stringify(revoked.body));
    const { name } = await api.get<{ name: string }>(await world.org());
    const ended = await api.send("DELETE", await world.org(), { headers: { "X-Confirm": encodeURIComponent(name) } });
    assert.ok(ended.status < 400, JSON.stringify(ended.body));
    assert.deepEqual(await s3.objects(bucket), before);
    assert.ok(existsSync(recovery.file));
  });
});
