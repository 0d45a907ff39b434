// What customers keep in Odoo stays on their server: markers in records of every kind, then all that the controller has and all
// that passed its link, looked through. And what somebody reaches who took the whole controller.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { accountOf, addStorage, backUp, type Backup, bucketOf, Odoo, restore, setPolicy } from "./lib/backups.ts";
import { root } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import type { S3 } from "./lib/s3.ts";
import { steal } from "./lib/stolen.ts";
import { Tap } from "./lib/tap.ts";
import type { Environment } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("what stands in Odoo", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "markers";
  const markers: Record<string, string> = {};
  const marker = (what: string): string => (markers[what] = `MARK-${what}-${randomBytes(8).toString("hex")}`);
  let on: Enrolled;
  let shop: Environment, copy: Environment;
  let s3: S3;
  let backup: Backup;
  let tap: Tap;

  before(async () => {
    on = await world.server("markers");
    tap = await Tap.on(on, await world.controller(), (await world.org()).split("/").at(-1)!);
    s3 = await bucketOf(world, "s3rver", bucket);
    const project = await world.project("shop");
    shop = await world.environment(project, on.server, "shop");
    copy = await world.environment(project, on.server, "copy");
    for (const one of [shop, copy]) await world.succeeded(await world.deploy(one), 900_000);
    const odoo = new Odoo(on.host, shop, accountOf(shop));
    await odoo.attach(`${marker("file-name")}.txt`, Buffer.from(`${marker("file-content")}\n`.repeat(2000)));
    await odoo.call("res.users", "create", [[{ name: marker("user-name"), login: marker("login"), password: marker("password") }]]);
    await odoo.call("ir.mail_server", "create", [[{ name: marker("mail-server"), smtp_host: "smtp.example.com", smtp_user: "x", smtp_pass: marker("mail-password") }]]);
    await odoo.call("ir.config_parameter", "set_param", ["fl.marker", marker("parameter")]);
    await odoo.call("res.partner", "create", [[{ name: marker("partner"), email: `${marker("mail")}@example.com`, street: marker("street") }]]);
    const storage = await addStorage(world, s3, bucket, { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    for (const one of [shop, copy]) await setPolicy(world, one, storage.id);
  });
  after(async () => {
    await tap?.stop();
    await s3?.stop();
  });

  /** Each place that holds a marker, as "what: where". */
  const found = (name: string, bytes: Buffer | string): string[] =>
    Object.entries(markers).filter(([, text]) => bytes.includes(text)).map(([what]) => `${what}: ${name}`);
  const ofController = async (): Promise<string[]> => {
    const { dir } = await world.controller();
    return readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name))).filter((path) => statSync(path).isFile())
      .flatMap((path) => found(path, readFileSync(path)));
  };
  const ofLink = (): string[] =>
    [...tap.toController.flatMap((text) => found(`to the controller: ${text.slice(0, 300)}`, text)), ...tap.other.flatMap((bytes) => found("asked of the controller", bytes))];

  scenario(world, "never reaches the controller, its database, its logs or its link, nor the bucket in the clear", async () => {
    const api = await world.api();
    const org = await world.org();
    backup = await backUp(world, shop);
    await world.succeeded(await world.act(shop, "drill"));
    await world.succeeded(await restore(world, backup, copy));
    await world.succeeded(await api.post<{ id: string }>(`${org}/environments/${shop.id}/clone`, { target_environment_id: copy.id, safety_backup: false }));
    await (await world.git()).commit("shop", "v2");
    await world.succeeded(await world.deploy(shop));
    await world.succeeded(await restore(world, backup, shop));
    for (const act of ["restart", "stop", "start"]) await world.succeeded(await world.act(shop, act));

    // The look itself works: the server has them, and the tap heard all of these operations.
    const account = accountOf(shop);
    const there = await on.host.sh(`runuser -u ${account} -- pg_dump --inserts ${account}; cat $(find /var/lib/fairlead/environments/${shop.slug}/filestore -type f -size -200k)`);
    // Odoo keeps no password in the clear.
    assert.deepEqual(Object.entries(markers).filter(([, text]) => !there.includes(text)).map(([what]) => what), ["password"]);
    const heard = tap.toController.join("\n");
    for (const word of ["backup.create", "backup.drill", "backup.restore", "environment.clone", "environment.deploy"])
      assert.ok(tap.toAgent.some((text) => text.includes(word)), word);
    assert.ok(heard.includes(backup.id) && heard.length > 20_000, `${heard.length}`);

    assert.deepEqual(await ofController(), []);
    assert.deepEqual(ofLink(), []);
    for (const object of await s3.objects(bucket)) assert.deepEqual(found(object.key, await s3.read(bucket, object.key)), []);
  });

  scenario(world, "opens to nobody who has the controller's whole folder and master key: no backup, no database, no shell [S-GEN-03]", async () => {
    const controller = await world.controller();
    const stolen = await steal(controller);
    const keys = join(world.dir, "stolen");
    mkdirSync(keys);
    // Whatever looks like a key there, and both that the master key opens.
    const texts = [stolen.authority.pair.key, stolen.own.key];
    const data = readdirSync(controller.dir, { recursive: true }).map((name) => join(controller.dir, String(name))).filter((path) => statSync(path).isFile());
    for (const path of data) {
      const text = readFileSync(path).toString("latin1");
      assert.doesNotMatch(text, /AGE-SECRET-KEY-1[0-9A-Z]{20}/, path);
      assert.doesNotMatch(text, /postgres(ql)?:\/\/[^ ]+:[^ ]+@/, path);
      texts.push(...(text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----/g) ?? []));
    }
    const sealed = (await s3.objects(bucket)).filter((one) => one.key.endsWith(".age"));
    assert.ok(sealed.length >= 3);
    for (const [i, text] of texts.entries()) writeFileSync(join(keys, `${i}`), text, { mode: 0o600 });
    for (const object of sealed) {
      writeFileSync(join(keys, "object"), await s3.read(bucket, object.key));
      for (const i of texts.keys()) {
        const tried = await run("age", ["-d", "-i", join(keys, `${i}`), "-o", join(keys, "out"), join(keys, "object")], { check: false });
        assert.notEqual(tried.code, 0, object.key);
      }
    }
    // The environment's own key, which never left its server, does open them.
    const own = /AGE-SECRET-KEY-1\S+/.exec(await on.host.sh(`cat /var/lib/fairlead/environments/${shop.slug}/backup/identity`))![0];
    writeFileSync(join(keys, "own"), own, { mode: 0o600 });
    writeFileSync(join(keys, "object"), await s3.read(bucket, `fairlead/${shop.id}/backups/${backup.id}/database.dump.zst.age`));
    await run("age", ["-d", "-i", join(keys, "own"), "-o", join(keys, "out"), join(keys, "object")]);

    // From the controller's machine nothing of the server answers, and inside no password opens the database: there is none.
    for (const port of ["22", "5432", "6432", String(shop.port)])
      assert.notEqual((await run("timeout", ["3", "bash", "-c", `</dev/tcp/${on.host.ip}/${port}`], { check: false })).code, 0, port);
    const roles = await on.host.sh("runuser -u postgres -- psql -Atc \"SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL\"");
    assert.equal(roles.trim(), "");
  });

  scenario(world, "is in an operation's log only where Odoo's own words about a migration hold it, as the published inventory says", async () => {
    await (await world.git()).commit("shop", "tells");
    const failed = await world.finished(await world.deploy(shop));
    assert.equal(failed.state, "failed");
    assert.ok((await world.logOf(failed)).includes(markers.partner!));
    const seen = [...new Set([...(await ofController()), ...ofLink()].map((one) => one.split(":")[0]))];
    assert.deepEqual(seen, ["partner"]);
    assert.match(readFileSync(join(root, "controller/INVENTORY.md"), "utf8"), /`operation_log` \| metadata \| what the programs of a deployment printed: .*Odoo while it migrates/);
  });
});
