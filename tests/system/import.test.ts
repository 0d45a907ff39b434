// The data of an Odoo from elsewhere: looked at first, then whole in place or not at all.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Problem } from "./lib/api.ts";
import { accountOf, type Check, contents, leftovers, Odoo } from "./lib/backups.ts";
import { Web } from "./lib/browser.ts";
import { controllerAddress } from "./lib/host.ts";
import { Names } from "./lib/names.ts";
import { healthy } from "./lib/odoo.ts";
import { root } from "./lib/paths.ts";
import { makeAuthority } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Import {
  id: string;
  state: string;
  url: string | null;
  sha256: string | null;
  operation_id: string;
  error: { code: string; message: string } | null;
  analysis: null | {
    format: string;
    odoo_version: string;
    files: number;
    missing_files: number;
    fits: boolean;
    modules: { name: string; missing: boolean }[];
    checks: Check[];
  };
}

const marker = `Zebra${randomBytes(6).toString("hex")}`;
const hello = "2f/2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";

describe("an import", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 1000000\n  writes_a_minute: 1000000\n");
  world.patienceMs = 600_000; // real servers are at work
  const picture = randomBytes(200_000);
  let on: Enrolled;
  let old: Environment, shop: Environment;
  let attachment: number;
  let zip: Buffer;
  let files: Server;
  let base: string;
  let seen: string[] = [];
  let serve: (path: string) => { status: number; body?: Buffer; location?: string } = () => ({ status: 404 });
  const names = new Names();

  before(async () => {
    on = await world.server("import");
    const project = await world.project("shop");
    old = await world.environment(project, on.server, "old");
    await world.succeeded(await world.deploy(old), 900_000);
    shop = await world.environment(project, on.server, "shop", { type: "production" });
    await world.succeeded(await world.deploy(shop), 900_000);
    const odoo = new Odoo(on.host, old, accountOf(old));
    attachment = await odoo.attach("picture.png", picture);
    await odoo.call("res.partner", "create", [[{ name: marker }]]);
    await world.succeeded(await world.act(old, "stop"));
    // The zip is what Odoo itself writes, as for its database manager: dump.sql, manifest.json and filestore/.
    await on.host.write("/root/make.py", `
import os, shutil, subprocess
db = ${JSON.stringify(accountOf(old))}
store = f"/var/lib/fairlead/environments/${old.slug}/filestore/{db}"
dump = subprocess.run(["runuser", "-u", db, "--", "pg_dump", "--no-owner", db], check=True, capture_output=True).stdout
os.makedirs("/srv/imports", exist_ok=True)
current = "/var/lib/fairlead/environments/${old.slug}/current"
odoo = [f"{current}/venv/bin/python", f"{current}/odoo/odoo-bin", "db", "-c", f"{current}/odoo.conf", "dump", db, "/tmp/old.zip"]
subprocess.run(["runuser", "-u", db, "--", *odoo], check=True)
shutil.move("/tmp/old.zip", "/srv/imports/old.zip")
open("/srv/imports/old.sql", "wb").write(dump)
subprocess.run(f"gzip -k /srv/imports/old.sql; runuser -u {db} -- pg_dump -Fc {db} >/srv/imports/old.dump; cp -a {store} /srv/imports/store; chmod -R a+rX /srv/imports", shell=True, check=True)
`);
    await on.host.sh("python3 /root/make.py");
    zip = Buffer.from((await on.host.sh("base64 -w0 /srv/imports/old.zip")).trim(), "base64");
    // A server of files with a name that the throw-away server trusts.
    const address = await controllerAddress();
    const authority = await makeAuthority(join(world.dir, "files"));
    const { key, certificate } = await authority.issue("files", [`IP:${address}`, "DNS:files.test"]);
    files = createServer({ key, cert: certificate }, (request, response) => {
      seen.push(request.url ?? "");
      const { status, body, location } = serve(request.url ?? "");
      response.writeHead(status, location ? { location } : { "content-length": body?.length ?? 0, etag: '"1"' });
      response.end(body);
    });
    await new Promise<void>((done) => files.listen(0, address, done));
    base = `https://files.test:${(files.address() as AddressInfo).port}`;
    await on.host.trust("files", authority.certificate);
    await on.host.sh(`echo '${address} files.test' >>/etc/hosts`);
  });
  after(() => {
    files?.close();
    names.stop();
  });

  const imports = async (): Promise<string> => `${await world.org()}/environments/${shop.id}/imports`;
  const get = async (id: string): Promise<Import> => (await world.api()).get(`${await imports()}/${id}`);
  const analyse = async (body: Record<string, unknown>): Promise<Import> => {
    const asked = await (await world.api()).post<Import>(await imports(), body);
    await world.finished({ id: asked.operation_id });
    return get(asked.id);
  };
  const bring = async (one: Import, body: Record<string, unknown> = {}): Promise<Operation> =>
    (await world.api()).call("POST", `${await imports()}/${one.id}/run`, { headers: { "X-Confirm": shop.name }, body: { safety_backup: false, ...body } }) as Promise<Operation>;
  const drop = async (one: Import): Promise<void> => {
    const gone = await (await world.api()).send<Operation>("DELETE", `${await imports()}/${one.id}`);
    if (gone.status === 202) await world.succeeded(gone.body);
  };
  const staged = (): Promise<string> => on.host.sh(`ls -A /var/lib/fairlead/imports/${shop.slug} 2>/dev/null || true`);
  const untouched = async (was: string, what: string): Promise<void> => {
    assert.equal(await contents(on.host, shop), was, what);
    assert.equal(await healthy(on.host, shop), true, what);
    assert.equal(await leftovers(on.host), "", what);
    assert.equal(await on.host.sh(`runuser -u postgres -- psql -Atc "SELECT datname FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = 'fairlead-import')"`), "", what);
  };
  /** The server's owner lets it fetch from the test's server of files, which is not on the internet. */
  const letIn = async (): Promise<string> => {
    const network = `${await controllerAddress()}/32`;
    return on.host.sh(`grep -qF '${network}' /etc/fairlead/policy.yaml || printf 'networks:\\n  - ${network}\\n' >>/etc/fairlead/policy.yaml`);
  };
  const partner = (): Promise<string> => on.host.sh(`runuser -u ${accountOf(shop)} -- psql -Atc "SELECT count(*) FROM res_partner WHERE name = '${marker}'" ${accountOf(shop)}`);

  scenario(world, "of what is no Odoo, or is out for more, is refused by name with nothing touched", async () => {
    const was = await contents(on.host, shop);
    await on.host.write("/root/bad.py", `
import zipfile, gzip, os
os.chdir("/srv/imports")
def zip(name, build):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z: build(z)
dump = open("old.sql").read()
def link(z):
    z.writestr("dump.sql", dump)
    i = zipfile.ZipInfo("filestore/${hello}"); i.create_system = 3; i.external_attr = 0o120777 << 16
    z.writestr(i, "/etc/shadow")
def out(z):
    z.writestr("dump.sql", dump)
    z.writestr("../../../etc/cron.d/owned", "* * * * * root touch /owned")
def bomb(z):
    with z.open("dump.sql", "w", force_zip64=True) as f:
        for _ in range(1100): f.write(b"-" * (1 << 20))
zip("link.zip", link); zip("out.zip", out); zip("bomb.zip", bomb)
whole = open("old.zip", "rb").read()
open("cut.zip", "wb").write(whole[: len(whole) // 2])
open("cut.sql", "w").write(dump[: len(dump) // 2])
open("newer.sql", "w").write(dump.replace("-- Dumped from database version 15", "-- Dumped from database version 17", 1))
open("other.sql", "w").write("-- PostgreSQL database dump\\nCREATE TABLE x (a int);\\n-- PostgreSQL database dump complete\\n")
open("page.zip", "w").write("<html>log in</html>")
with gzip.open("shell.sql.gz", "wt") as f: f.write(dump.replace("SET statement_timeout = 0;", "\\\\! touch /tmp/owned\\n\\\\connect ${accountOf(shop)}\\nDROP TABLE ir_attachment CASCADE;", 1))
with gzip.open("drop.sql.gz", "wt") as f: f.write(dump.replace("SET statement_timeout = 0;", 'DROP DATABASE "${accountOf(shop)}" WITH (FORCE);', 1))
os.symlink("/etc/shadow", "shadow.sql")
os.mkfifo("pipe.sql")
`);
    await on.host.sh("python3 /root/bad.py && chmod -R a+rX /srv/imports; install -m 600 /srv/imports/old.sql /srv/imports/private.sql");
    const refusals: [string, string][] = [
      ["link.zip", "import_hostile"], ["out.zip", "import_hostile"], ["bomb.zip", "import_bomb"], ["cut.zip", "import_damaged"],
      ["cut.sql", "import_truncated"], ["other.sql", "import_not_odoo"], ["page.zip", "import_format_unknown"],
      ["shadow.sql", "import_not_plain"], ["pipe.sql", "import_not_plain"], ["private.sql", "import_unreadable"], ["none.zip", "import_not_found"],
    ];
    for (const [file, code] of refusals) {
      const one = await analyse({ path: `/srv/imports/${file}` });
      assert.deepEqual([one.state, one.error?.code], ["failed", code], `${file}: ${JSON.stringify(one.error)}`);
      await drop(one);
    }
    for (const path of ["/etc/passwd", "/var/lib/fairlead/executor/journal.db"]) {
      const one = await analyse({ path });
      assert.equal(one.error?.code, "policy_refused", path);
      await drop(one);
    }
    const newer = await analyse({ path: "/srv/imports/newer.sql" });
    assert.equal(newer.analysis?.fits, false);
    assert.deepEqual(newer.analysis.checks.filter((check) => check.result === "failed").map((check) => check.id), ["postgresql"]);
    const refused = await (await world.api()).send<{ code: string }>("POST", `${await imports()}/${newer.id}/run`, { headers: { "X-Confirm": shop.name }, body: { safety_backup: false } });
    assert.equal(refused.body.code, "import_does_not_fit");
    await drop(newer);
    // What only shows when it is loaded: the program that reads it takes no commands, and its role has nothing else.
    for (const [file, code] of [["shell.sql.gz", "import_command_refused"], ["drop.sql.gz", "import_load_failed"]] as const) {
      const one = await analyse({ path: `/srv/imports/${file}` });
      assert.equal(one.state, "analysed", JSON.stringify(one.error));
      const ended = await world.finished(await bring(one));
      assert.deepEqual([ended.state, ended.error?.code], ["failed", code], JSON.stringify(ended.error));
      assert.ok(!(await world.logOf(ended)).includes(marker));
      await drop(await get(one.id));
    }
    await untouched(was, "after all of them");
    assert.equal(await on.host.sh("ls /tmp/owned /owned /etc/cron.d/owned 2>/dev/null || true"), "");
    assert.equal(await staged(), "");
  });

  scenario(world, "by path of Odoo's own zip says what is in it, asks for production's name, and brings every row and file", async () => {
    const one = await analyse({ path: "/srv/imports/old.zip" });
    assert.equal(one.state, "analysed", JSON.stringify(one.error));
    const found = one.analysis!;
    assert.deepEqual([found.format, found.odoo_version, found.fits, found.missing_files], ["odoo_zip", "19.0", true, 0]);
    assert.ok(found.files > 0);
    assert.ok(found.modules.some((module) => module.name === "web" && !module.missing));
    const bare = await (await world.api()).send("POST", `${await imports()}/${one.id}/run`, { body: { safety_backup: false } });
    assert.equal(bare.status, 428);
    await world.succeeded(await bring(one, { neutralise: false }));
    assert.equal((await get(one.id)).state, "imported");
    assert.equal((await partner()).trim(), "1");
    const odoo = new Odoo(on.host, shop, accountOf(shop));
    assert.ok(await odoo.login() > 0);
    assert.deepEqual(await odoo.attachment(attachment), picture);
    assert.equal(await leftovers(on.host), "");
    assert.equal(await staged(), "");
    assert.match(await on.host.sh(`runuser -u postgres -- psql -Atc "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'" ${accountOf(shop)}`), new RegExp(`^${accountOf(shop)}\\s*$`));
    // Nothing of the data came by the controller.
    const controller = await world.controller();
    assert.ok(!controller.log.includes(marker));
    assert.equal((await run("grep", ["-rlF", "--", marker, controller.data], { check: false })).stdout, "");
  });

  scenario(world, "in the console is looked at first, with what does not fit, and comes in when the name of production is typed", async () => {
    const web = await Web.open(await world.controller());
    try {
      const page = await web.signedIn();
      await page.goto(`${new URL(page.url()).pathname}/environments/${shop.id}/import`);
      const look = async (path: string): Promise<void> => {
        await page.getByLabel("Path").fill(path);
        await page.getByRole("button", { name: "Look at it" }).click();
      };
      await look("/srv/imports/none.zip");
      await page.getByText("Nothing could be made of it").first().waitFor({ timeout: 120_000 });
      await look("/srv/imports/old.zip");
      await page.getByText("Ready", { exact: true }).waitFor({ timeout: 180_000 });
      await page.getByText(/Odoo’s zip, /).waitFor();
      await page.getByRole("button", { name: "Import…" }).click();
      const dialog = page.getByRole("dialog", { name: `Import into ${shop.name}` });
      await dialog.getByText("Not possible: its backup policy names no storage.").waitFor();
      assert.equal(await dialog.getByRole("checkbox", { name: "Neutralise" }).isChecked(), false);
      assert.equal(await dialog.getByText("Mask personal data").count(), 0, "production is what it is");
      const act = dialog.getByRole("button", { name: `Import into ${shop.name}` });
      assert.equal(await act.isDisabled(), true);
      await dialog.getByLabel(`Type ${shop.name} to confirm`).fill(shop.name);
      await act.click();
      await page.getByText("Imported", { exact: true }).nth(1).waitFor({ timeout: 300_000 }); // after that of the test before
      assert.equal((await partner()).trim(), "1");
      assert.deepEqual(web.complaints, []);
    } finally {
      await web.close();
    }
    assert.equal(await staged(), "");
    assert.equal(await leftovers(on.host), "");
  });

  scenario(world, "of a dump and a folder, in each of pg_dump's ways to write one, neutralised", async () => {
    for (const [file, format] of [["old.sql", "sql"], ["old.sql.gz", "sql_gzip"], ["old.dump", "custom"]] as const) {
      const one = await analyse({ path: `/srv/imports/${file}`, filestore: "/srv/imports/store" });
      assert.equal(one.analysis?.format, format, JSON.stringify(one.error));
      assert.equal(one.analysis.fits, true, JSON.stringify(one.analysis.checks));
      if (format === "sql_gzip") {
        await drop(one); // read like the first
        continue;
      }
      await world.succeeded(await bring(one, { neutralise: true, update: format === "sql" }));
      const odoo = new Odoo(on.host, shop, accountOf(shop));
      assert.deepEqual(await odoo.attachment(attachment), picture, format);
      assert.equal((await on.host.sh(`runuser -u ${accountOf(shop)} -- psql -Atc "SELECT count(*) FROM ir_cron WHERE active" ${accountOf(shop)}`)).trim(), "0");
    }
  });

  scenario(world, "from an address is fetched by the server alone, from where it may, at each redirect anew", async () => {
    const was = await contents(on.host, shop);
    const secret = `sig=${randomBytes(12).toString("hex")}`;
    serve = (path) => (path === `/old.zip?${secret}` ? { status: 200, body: zip } : { status: 404 });
    // Its address is not on the internet: refused until the server's owner allows the network.
    const refused = await analyse({ url: `${base}/old.zip?${secret}` });
    assert.deepEqual([refused.state, refused.error?.code], ["failed", "import_address_refused"]);
    await drop(refused);
    assert.deepEqual(seen, [], "nobody was called");
    await letIn();
    const one = await analyse({ url: `${base}/old.zip?${secret}`, sha256: createHash("sha256").update(zip).digest("hex") });
    assert.equal(one.state, "analysed", JSON.stringify(one.error));
    assert.equal(one.url, `${base}/old.zip`);
    assert.equal(one.sha256, createHash("sha256").update(zip).digest("hex"));
    const controller = await world.controller();
    const whole = secret.slice(4);
    assert.ok(!controller.log.includes(whole));
    assert.ok(!(await world.logOf({ id: one.operation_id })).includes(whole));
    assert.equal((await run("grep", ["-rlF", "--", whole, controller.data], { check: false })).stdout, "");
    await drop(one);
    const wrong = await analyse({ url: `${base}/old.zip?${secret}`, sha256: "0".repeat(64) });
    assert.equal(wrong.error?.code, "import_checksum");
    await drop(wrong);
    for (const [to, code] of [
      ["https://169.254.169.254/latest/meta-data", "import_address_refused"], ["https://127.0.0.1/x", "import_address_refused"],
      [`http://files.test/x`, "import_redirect_refused"], ["/loop", "import_redirect_refused"],
    ] as const) {
      serve = () => ({ status: 302, location: to });
      const led = await analyse({ url: `${base}/x` });
      assert.deepEqual([led.state, led.error?.code], ["failed", code], to);
      await drop(led);
    }
    serve = () => ({ status: 200, body: Buffer.from("<html>log in</html>") });
    const page = await analyse({ url: `${base}/x` });
    assert.equal(page.error?.code, "import_format_unknown");
    await drop(page);
    await untouched(was, "after all of them");
    assert.equal(await staged(), "");
  });

  scenario(world, "takes no hostile address, by what it says, by what its name resolves to, or by a name that changes its mind [S-SSRF-01]", async () => {
    const hostile = JSON.parse(readFileSync(join(root, "tests/hostile/urls.json"), "utf8")) as { url: string; refused: "spelling" | "place"; why: string }[];
    assert.ok(hostile.length >= 150);
    await letIn();
    const address = await controllerAddress();
    // At the end of its own line: another file may have a name server at the address that all servers reach.
    const nameserver = on.host.gateway;
    // What is inside of this server's network answers at every port and address that it has, and would be heard of.
    await names.start(nameserver);
    names.otherwise = ["10.0.0.1"];
    await on.host.sh(`rm -f /etc/resolv.conf; echo 'nameserver ${nameserver}' >/etc/resolv.conf
      for net in 10.0.0.1 192.168.0.0/16 169.254.0.0/16 172.16.0.1 100.64.0.0/10; do ip route add local $net dev lo 2>/dev/null || true; done
      systemd-run -q --unit=inside python3 -c '
import socket, threading
def hear(port, family):
    s = socket.create_server(("", port), family=family, dualstack_ipv6=family == socket.AF_INET6)
    while True:
        c, peer = s.accept()
        print("heard", port, peer, flush=True)
        c.close()
for port in (443, 22, 5432, 6379, 8080, 8443):
    try: threading.Thread(target=hear, args=(port, socket.AF_INET6)).start()
    except OSError: pass
'
      for i in {1..300}; do ss -Hltn 'sport = :443' | grep -q . && exit; sleep 0.1; done; exit 1`);
    seen.length = 0;
    serve = () => ({ status: 200, body: Buffer.from("<html>log in</html>") });
    const api = await world.api();
    const ends = async (url: string): Promise<string | undefined> => {
      const one = await analyse({ url });
      assert.equal(one.state, "failed", url);
      await drop(one);
      return one.error?.code;
    };
    for (const { url, refused, why } of hostile) {
      const said = await api.send<Problem>("POST", await imports(), { body: { url } });
      if (refused === "spelling") {
        assert.deepEqual([said.status, said.body.errors?.[0]?.field], [400, "url"], `${url} (${why}): ${said.text}`);
        continue;
      }
      // Which addresses are inside is the server's to say.
      assert.equal(said.status, 202, `${url} (${why}): ${said.text}`);
      const asked = said.body as unknown as Import;
      await world.finished({ id: asked.operation_id });
      const one = await get(asked.id);
      assert.deepEqual([one.state, one.error?.code], ["failed", "import_address_refused"], `${url} (${why}): ${JSON.stringify(one.error)}`);
      await drop(one);
    }

    // By name: one answer of many is enough; and one that was good a moment ago counts for nothing.
    const { port } = files.address() as AddressInfo;
    for (const [name, answers] of [["inside.test", ["127.0.0.1"]], ["mixed.test", [address, "127.0.0.1"]], ["metadata.test", ["169.254.169.254"]], ["private.test", ["192.168.7.7"]]] as const) {
      names.answers.set(name, [[...answers]]);
      assert.equal(await ends(`https://${name}/x`), "import_address_refused", name);
    }
    await on.host.sh("sed -i '/ files.test$/d' /etc/hosts");
    names.answers.set("files.test", [[address], ["127.0.0.1"]]);
    assert.equal(await ends(`https://files.test:${port}/x`), "import_format_unknown"); // fetched: it is a page
    assert.deepEqual(seen, ["/x"]);
    assert.equal(await ends(`https://files.test:${port}/x`), "import_address_refused");
    // Each step of a chain is asked for anew, as is what the name says by then.
    names.answers.set("files.test", [[address], [address], ["127.0.0.1"]]);
    serve = (path) => ({ status: 302, location: `/${Number(path.slice(1)) + 1}` });
    seen.length = 0;
    assert.equal(await ends(`https://files.test:${port}/1`), "import_address_refused");
    assert.deepEqual(seen, ["/1", "/2"]);
    names.answers.set("files.test", [[address]]);
    for (const to of ["https://inside.test/x", "https://metadata.test/latest/meta-data", "https://[::ffff:127.0.0.1]/x", "https://2130706433/x", `https://user@files.test:${port}/x`, `http://files.test:${port}/x`]) {
      serve = () => ({ status: 307, location: to });
      assert.match(`${await ends(`https://files.test:${port}/x`)}`, /^import_(address|redirect)_refused$/, to);
    }
    assert.equal(await on.host.sh("journalctl --no-pager -q -u inside --grep heard || true"), "", "nobody inside was called");
    await on.host.sh("systemctl stop inside; rm -f /etc/resolv.conf");
    await on.host.sh(`echo '${address} files.test' >>/etc/hosts`);
    serve = () => ({ status: 404 });
    assert.equal(await staged(), "");
  });

  scenario(world, "may come from listed domains alone where the organization has a list, also behind a redirect [S-ALLOW-02]", async () => {
    const api = await world.api();
    const org = await world.org();
    const now = await api.get<Record<string, unknown>>(`${org}/security`);
    await api.call("PUT", `${org}/security`, { body: { ...now, download_domains: ["files.test"] } });
    try {
      const other = await api.send<{ code: string }>("POST", await imports(), { body: { url: "https://other.test/x.zip" } });
      assert.deepEqual([other.status, other.body.code], [400, "validation_failed"]);
      serve = () => ({ status: 302, location: "https://other.test/x.zip" });
      const led = await analyse({ url: `${base}/x` });
      assert.equal(led.error?.code, "import_domain_refused");
      await drop(led);
    } finally {
      await api.call("PUT", `${org}/security`, { body: { ...now } });
    }
  });

  scenario(world, "that is killed in the middle leaves the old state whole and running", async () => {
    const account = accountOf(shop);
    const sql = (text: string): Promise<string> => on.host.sh(`runuser -u ${account} -- psql -Atc ${JSON.stringify(text)} ${account}`);
    const mark = "CREATE TABLE IF NOT EXISTS mark (a text); DELETE FROM mark; INSERT INTO mark VALUES ('old')";
    for (const step of ["load", "replace", "start"]) {
      await sql(mark);
      const one = await analyse({ path: "/srv/imports/old.zip" });
      const operation = await bring(one, { update: false });
      await world.until(`${step} has begun`, 120_000, async (api, org) =>
        (await api.get<{ steps: { name: string; state: string }[] }>(`${org}/operations/${operation.id}`)).steps
          .some((each) => each.name === step && each.state !== "pending") ? true : undefined);
      await on.host.sh("systemctl kill --signal=KILL fairlead-executor.service");
      const ended = await world.finished(operation);
      if (ended.state !== "succeeded") assert.equal((await sql("SELECT a FROM mark")).trim(), "old", step);
      assert.equal(await healthy(on.host, shop), true, step);
      assert.equal(await leftovers(on.host), "", step);
      await drop(await get(one.id));
      assert.equal(await staged(), "", step);
    }
  });
});
