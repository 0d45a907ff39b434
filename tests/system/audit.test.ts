// The audit log: what it says, and how it proves itself to whoever holds the public key, against whoever holds the database.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe } from "node:test";
import { ApiError, type Api } from "./lib/api.ts";
import { admin } from "./lib/controller.ts";
import { built } from "./lib/paths.ts";
import { type Ran, run } from "./lib/process.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Entry {
  id: string;
  seq: number;
  at: string;
  actor: { type: string; id: string | null; label: string };
  action: string;
  target: { type: string; id: string; name: string } | null;
  result: string;
  address: string | null;
  user_agent: string | null;
  request_id: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

describe("the audit log", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n");
  let api: Api;
  let org: string;
  let key: string;
  let project: { id: string };
  let server: { server_id: string };
  let token: { id: string };
  const enrolledAt = "registration-token";

  before(async () => {
    api = await world.api();
    org = await world.org();
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    project = await api.post(`${org}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
    await api.call("PATCH", `${org}/projects/${project.id}`, { body: { name: "=Shop, \"the\" new one" }, headers: { "User-Agent": "the-test" } });
    const dir = mkdtempSync(join(tmpdir(), "fairlead-csr-"));
    await run("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-keyout", join(dir, "key"), "-out", join(dir, "csr"), "-subj", "/CN=agent"]);
    const made = await api.post<{ token: string; registration_token: { id: string } }>(`${org}/registration-tokens`, { name: enrolledAt });
    token = made.registration_token;
    server = await api.stranger().call("POST", "/api/v1/agent/enroll", {
      body: { token: made.token, csr: readFileSync(join(dir, "csr"), "utf8"), name: "one", capability: 1, facts: {} },
    });
    const credential = await api.post<{ id: string }>(`${org}/git-credentials`, {
      name: "secret", host: "git.example.org", kind: "token", secret: "s3cr3t-marker",
    });
    await api.call("DELETE", `${org}/git-credentials/${credential.id}`, { headers: { "X-Confirm": "secret" } });
    key = (await command("key")).stdout.trim();
  });

  const entries = async (query = ""): Promise<Entry[]> =>
    (await api.get<List<Entry>>(`${org}/audit?limit=200${query}`)).data;

  const command = async (...args: string[]): Promise<Ran> =>
    run(built("controller/fairlead-controller"), ["audit", ...args, "--config", (await world.controller()).config], { check: false });

  /** An export as a file of its own. */
  const exported = async (query = ""): Promise<string> => {
    const file = join(mkdtempSync(join(world.dir, "export-")), "audit.jsonl");
    writeFileSync(file, (await api.send("GET", `${org}/audit/export?format=jsonl${query}`)).text);
    return file;
  };

  /** Somewhere without configuration and database. */
  const verify = (file: string, by = key): Promise<Ran> =>
    run(built("controller/fairlead-controller"), ["audit", "verify", file, "--key", by], { check: false, cwd: "/" });

  scenario(world, "says who did what, from where, to what, and what it was before [S-AUD-16]", async () => {
    const all = await entries();
    const edited = all.find((one) => one.action === "project.edit")!;
    assert.deepEqual(edited.target, { type: "project", id: project.id, name: "=Shop, \"the\" new one" });
    assert.equal(edited.actor.type, "user");
    assert.equal(edited.actor.label, admin.email);
    assert.equal(edited.user_agent, "the-test");
    assert.equal(edited.result, "ok");
    assert.ok(edited.address && edited.request_id);
    assert.equal(edited.before?.name, "Shop");
    assert.equal(edited.after?.name, "=Shop, \"the\" new one");
    const enrolled = all.find((one) => one.action === "server.enroll")!;
    assert.equal(enrolled.target?.id, server.server_id);
    assert.equal(enrolled.after?.registration_token_id, token.id);
    assert.ok(enrolled.address);
    for (const action of ["project.create", "registration_token.create", "git_credential.create", "git_credential.delete"]) {
      assert.ok(all.some((one) => one.action === action), `no ${action} among ${all.map((one) => one.action).join(", ")}`);
    }
    assert.ok(!JSON.stringify(all).includes("s3cr3t-marker"), "a secret is in the log");
    assert.deepEqual(all.map((one) => one.seq), all.map((_, at) => all.length - 1 - at), "a place is missing");
    assert.deepEqual(await api.get<Entry>(`${org}/audit/${edited.id}`), edited);
  });

  scenario(world, "is filtered by actor, action, target and time, and read page by page", async () => {
    const all = await entries();
    const edited = all.find((one) => one.action === "project.edit")!;
    assert.deepEqual((await entries(`&action=project`)).map((one) => one.action), ["project.edit", "project.create"]);
    assert.deepEqual((await entries("&action=project.edit")).map((one) => one.id), [edited.id]);
    assert.deepEqual((await entries("&action=pro")), []);
    assert.deepEqual((await entries(`&target=${server.server_id}`)).map((one) => one.action), ["server.enroll"]);
    assert.ok((await entries(`&actor=${edited.actor.id}`)).every((one) => one.actor.id === edited.actor.id));
    const between = await entries(`&after=${encodeURIComponent(new Date(Date.parse(edited.at) - 1).toISOString())}&before=${encodeURIComponent(new Date(Date.parse(edited.at) + 1).toISOString())}`);
    assert.ok(between.length < all.length && between.some((one) => one.id === edited.id));
    assert.deepEqual(await entries("&after=2099-01-01T00:00:00Z"), []);

    const paged: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: List<Entry> = await api.get(`${org}/audit?limit=2${cursor && `&cursor=${cursor}`}`);
      assert.ok(page.data.length <= 2);
      paged.push(...page.data.map((one) => one.id));
      cursor = page.next_cursor;
    }
    assert.deepEqual(paged, all.map((one) => one.id));
  });

  scenario(world, "exports itself as JSON lines, which verify offline with the public key alone [X-AUD-01] [S-AUD-09]", async () => {
    const file = await exported();
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(lines[0]!.format, "fairlead-audit-1");
    const leaves = lines.filter((line) => line.leaf).map((line) => line.leaf as Entry);
    assert.equal(leaves.at(-1)!.action, "audit.export");
    assert.deepEqual(leaves.map((one) => one.id), (await entries()).map((one) => one.id).reverse());
    const said = await verify(file);
    assert.equal(said.code, 0, said.stderr);
    assert.match(said.stdout, new RegExp(`: ${leaves.length} entries are what was written, ${leaves.length} of them with their text`));
    const { key: shown } = await api.get<{ key: string }>(`${org}/audit/checkpoint`);
    assert.equal(shown, key);

    // What a filter leaves out is there as its hash.
    const some = await exported("&action=project");
    const text = readFileSync(some, "utf8");
    assert.ok(!text.includes("git_credential"));
    assert.match((await verify(some)).stdout, new RegExp(`: ${leaves.length + 1} entries are what was written, 2 of them with their text`));
  });

  scenario(world, "names what was changed, taken out, moved or cut off in an export [X-AUD-01]", async () => {
    const text = readFileSync(await exported(), "utf8");
    const lines = text.trimEnd().split("\n");
    const at = (seq: number): number => lines.findIndex((line) => line.startsWith(`{"seq":${seq},`));
    const bent = async (change: (copy: string[]) => void): Promise<Ran> => {
      const copy = [...lines];
      change(copy);
      const file = join(mkdtempSync(join(world.dir, "bent-")), "audit.jsonl");
      writeFileSync(file, `${copy.join("\n")}\n`);
      const said = await verify(file);
      assert.equal(said.code, 1, said.stdout);
      return said;
    };
    const edited = (await entries("&action=project.edit"))[0]!.seq;
    const named = async (what: RegExp, change: (copy: string[]) => void): Promise<void> => assert.match((await bent(change)).stderr, what);
    await named(new RegExp(`: entry ${edited} was altered`), (copy) => (copy[at(edited)] = copy[at(edited)]!.replace(admin.email, "eve" + admin.email.slice(3))));
    await named(/: entry 3 is missing/, (copy) => copy.splice(at(3), 1));
    await named(/: entry 3 is missing[^]*entry 3 stands after entry 4/, (copy) => ([copy[at(3)], copy[at(4)]] = [copy[at(4)]!, copy[at(3)]!]));
    await named(/the log ends after 4 entries/, (copy) => copy.splice(at(4)));
    await named(/a checkpoint is not what was signed/, (copy) => (copy[0] = copy[0]!.replace(/\\n— /, "\\n\\n— ")));
    // Whoever changes the hash as well is among those between two checkpoints.
    await named(/entries \d+ to \d+ are not those that were signed/, (copy) =>
      (copy[at(3)] = copy[at(3)]!.replace(/"hash":"[0-9a-f]{64}"/, `"hash":"${"0".repeat(64)}"`).replace(/,"leaf":.*$/, "}")));
    // Nor does a key of the same name vouch for it, nor the one that stands in the file.
    const other = `${key.split("+")[0]}+00000000+${Buffer.alloc(33, 1).toString("base64")}`;
    assert.notEqual((await verify(await exported(), other)).code, 0);
    const without = await run(built("controller/fairlead-controller"), ["audit", "verify", await exported()], { check: false });
    assert.match(without.stderr, /--key/);
  });

  scenario(world, "exports itself as CSV that no spreadsheet takes for a formula [S-AUD-08]", async () => {
    const answer = await api.send("GET", `${org}/audit/export?format=csv`);
    assert.match(String(answer.headers["content-type"]), /^text\/csv/);
    assert.match(String(answer.headers["content-disposition"]), /^attachment; filename="audit-org_\w+\.csv"$/);
    const program = "import csv, json, sys; print(json.dumps(list(csv.DictReader(sys.stdin))))";
    const rows = JSON.parse((await run("python3", ["-c", program], { input: answer.text })).stdout) as Record<string, string>[];
    const all = await entries();
    assert.deepEqual(rows.map((row) => row.id), all.map((one) => one.id).reverse());
    const row = rows.find((one) => one.action === "project.edit")!;
    assert.equal(row.target, "'=Shop, \"the\" new one");
    assert.equal((JSON.parse(row.before!) as { name: string }).name, "Shop");
    assert.ok(rows.every((one) => Object.values(one).every((cell) => !/^[=+\-@\t\r]/.test(cell))));
  });

  scenario(world, "proves to anybody's program that an entry is in it", async () => {
    const entry = (await entries("&action=project.create"))[0]!;
    const proof = await api.get<Record<string, unknown>>(`${org}/audit/${entry.id}/proof`);
    // RFC 9162 section 2.1.3.2 and C2SP signed notes, with nothing of ours.
    const program = `
import base64, hashlib, json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
p = json.load(sys.stdin)
name, hash_, public = p["key"].split("+", 2)
public = base64.b64decode(public)
text, signatures = p["checkpoint"]["note"].split("\\n\\n")
text += "\\n"
by, signature = signatures.strip()[2:].split(" ")
assert by == name
Ed25519PublicKey.from_public_bytes(public[1:]).verify(base64.b64decode(signature)[4:], text.encode())
origin, size, root = text.split("\\n")[:3]
size = int(size)
h = hashlib.sha256(b"\\0" + p["leaf"].encode()).digest()
assert h == base64.b64decode(p["leaf_hash"])
fn, sn = p["seq"], size - 1
for step in map(base64.b64decode, p["path"]):
    assert sn
    if fn & 1 or fn == sn:
        h = hashlib.sha256(b"\\1" + step + h).digest()
        while not fn & 1 and fn: fn >>= 1; sn >>= 1
    else:
        h = hashlib.sha256(b"\\1" + h + step).digest()
    fn >>= 1; sn >>= 1
assert sn == 0 and h == base64.b64decode(root)
print(json.loads(p["leaf"])["id"])`;
    const said = await run("python3", ["-c", program], { input: JSON.stringify(proof) });
    assert.equal(said.stdout.trim(), entry.id);
    const { size } = await api.get<{ size: number }>(`${org}/audit/checkpoint`);
    assert.deepEqual(await api.get(`${org}/audit/consistency?from=0&to=${size}`), { from: 0, to: size, path: [] });
    await assert.rejects(api.get(`${org}/audit/consistency?from=${size + 5}`), (error: ApiError) => error.status === 400);
  });

  scenario(world, "is changed by no route and by no statement [S-AUD-26]", async () => {
    const entry = (await entries())[0]!;
    for (const path of [`${org}/audit`, `${org}/audit/${entry.id}`, `${org}/audit/checkpoint`]) {
      for (const method of ["PUT", "PATCH", "DELETE", "POST"]) {
        assert.equal((await api.send(method, path, { body: {} })).status, 405, `${method} ${path}`);
      }
    }
    const database = join((await world.controller()).data, "fairlead.db");
    for (const sql of [
      "UPDATE audit_entry SET actor_label = 'eve'", "DELETE FROM audit_entry", "DELETE FROM audit_leaf", "UPDATE audit_leaf SET hash = zeroblob(32)",
      "DELETE FROM audit_checkpoint", "UPDATE audit_checkpoint SET note = ''", "INSERT INTO audit_leaf SELECT org_id, seq + 1000, hash FROM audit_leaf",
    ]) {
      const said = await run("sqlite3", ["-cmd", ".timeout 5000", database, sql], { check: false });
      assert.notEqual(said.code, 0, sql);
      assert.match(said.stderr, /never|kept|no gaps/, sql);
    }
    // What an entry is about may go, and the entry stays.
    await api.call("DELETE", `${org}/projects/${project.id}`, { headers: { "X-Confirm": encodeURIComponent("=Shop, \"the\" new one") } });
    const kept = await entries(`&target=${project.id}`);
    assert.deepEqual(kept.map((one) => one.action), ["project.delete", "project.edit", "project.create"]);
    assert.equal((await command("verify")).code, 0);
  });

  scenario(world, "finds whatever was done to the database behind its back, and names the first entry [S-AUD-22]", async () => {
    const controller = await world.controller();
    await api.get(`${org}/audit/checkpoint`);
    const well = await command("verify");
    assert.equal(well.code, 0, well.stderr);
    assert.match(well.stdout, /entries are what was written/);

    const copies = mkdtempSync(join(world.dir, "copies-"));
    const original = join(copies, "original.db");
    await controller.backup(original);
    const last = Math.max(...(await entries()).map((one) => one.seq));
    let count = 0;
    const tampered = async (sql: string, ...more: string[]): Promise<Ran> => {
      const data = join(copies, `copy-${count++}`);
      mkdirSync(data);
      const config = join(data, "controller.yaml");
      const text = readFileSync(controller.config, "utf8").replace(/^data:.*$/m, `data: ${data}`);
      assert.ok(text.includes(data));
      writeFileSync(config, text);
      copyFileSync(original, join(data, "fairlead.db"));
      const triggers = (await run("sqlite3", [join(data, "fairlead.db"), "SELECT name FROM sqlite_master WHERE type = 'trigger'"])).stdout.trim().split("\n");
      await run("sqlite3", [join(data, "fairlead.db"), `${triggers.map((name) => `DROP TRIGGER ${name};`).join("")}${sql}`]);
      return run(built("controller/fairlead-controller"), ["audit", "verify", "--config", config, ...more], { check: false });
    };
    const found = async (sql: string, what: RegExp): Promise<void> => {
      const said = await tampered(sql);
      assert.equal(said.code, 1, `${sql}: ${said.stdout}`);
      assert.match(said.stderr, what, sql);
    };
    await found("UPDATE audit_entry SET actor_label = 'eve@example.org' WHERE seq = 2", /: entry 2 was altered/);
    await found("UPDATE audit_entry SET at_ms = at_ms + 1 WHERE seq = 2", /: entry 2 was altered/);
    await found("DELETE FROM audit_entry WHERE seq = 3", /: entry 3 was deleted/);
    await found("DELETE FROM audit_entry WHERE seq < 4", /: entries 0 to 3 were deleted/);
    await found("DELETE FROM audit_entry", new RegExp(`: entries 0 to ${last} were deleted`));
    await found("INSERT INTO audit_horizon SELECT org_id, 4, '' FROM audit_entry WHERE seq = 0; DELETE FROM audit_entry WHERE seq < 4",
      /: entries 0 to 3 were deleted[^]*not what was signed/);
    await found("DELETE FROM audit_entry WHERE seq = 3; DELETE FROM audit_leaf WHERE seq = 3", /the hash of entry 3 is missing/);
    await found("UPDATE audit_entry SET seq = -1 WHERE seq = 2; UPDATE audit_entry SET seq = 2 WHERE seq = 3; UPDATE audit_entry SET seq = 3 WHERE seq = -1",
      /: entry 2 was altered/);
    await found(`DELETE FROM audit_entry WHERE seq = ${last}; DELETE FROM audit_leaf WHERE seq = ${last}`, new RegExp(`the log ends after ${last} entries, but ${last + 1} were signed`));
    await found("UPDATE audit_leaf SET hash = zeroblob(32) WHERE seq = 1", /: entry 1 was altered/);
    // Whoever has made a key of their own and signed all anew is found by whoever kept the old key.
    const replaced = await tampered("UPDATE audit_key SET public_key = randomblob(32)", "--key", key);
    assert.equal(replaced.code, 0, replaced.stderr);
    assert.equal((await tampered("UPDATE audit_key SET public_key = randomblob(32)")).code, 1);
  });
});
