// What controller/webhooks/README.md tells receivers to do, done as it says, in each of its languages.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";

const readme = readFileSync(new URL("../../controller/webhooks/README.md", import.meta.url), "utf8");
const recipe = (language: string): string => {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme);
  assert.ok(found, `the page has no recipe in ${language}`);
  return found[1]!;
};

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const older = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
const body = '{"type":"webhook.test","timestamp":"2026-03-01T00:00:00.000Z","data":{"name":"Käse & Co."}}';

interface Sent { secret: string; id: string; timestamp: string; signature: string; body: string }
const sent = (change: Partial<Sent> = {}, at = new Date()): Sent => {
  const id = "msg_01K0000000000000000000000A";
  // As within the grace of a rotation: one of two signatures is for this receiver.
  const signature = [older, secret].map((one) => new Webhook(one).sign(id, at, body)).join(" ");
  return { secret, id, timestamp: String(Math.floor(at.getTime() / 1000)), signature, body, ...change };
};

let dir = "";
before(() => { dir = mkdtempSync(join(tmpdir(), "recipes-")); });
after(() => rmSync(dir, { recursive: true }));

const headers = (one: Sent): string =>
  JSON.stringify({ "webhook-id": one.id, "webhook-timestamp": one.timestamp, "webhook-signature": one.signature });
const runs = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: "pipe" });
    return true;
  } catch (error) {
    assert.equal((error as { status?: number }).status, 1, String((error as { stderr?: Buffer }).stderr));
    return false;
  }
};
const ways: Record<string, (one: Sent) => boolean> = {
  js: (one) => runs("node", "-e", `${recipe("js")}\nconst [s, h, b] = process.argv.slice(1);\nprocess.exit(verify(s, JSON.parse(h), b) ? 0 : 1)`,
    one.secret, headers(one), one.body),
  python: (one) => runs("python3", "-c", `${recipe("python")}\nimport json, sys\nsys.exit(0 if verify(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3].encode()) else 1)`,
    one.secret, headers(one), one.body),
  bash: (one) => {
    const file = join(dir, "body");
    writeFileSync(file, one.body);
    return runs("bash", "-c", `${recipe("bash")}\nverify "$@"`, "verify", one.secret, one.id, one.timestamp, one.signature, file);
  },
};

for (const [language, verify] of Object.entries(ways))
  test(`[S-HOOK-03] the recipe in ${language} takes what is genuine and refuses what was tampered with`, () => {
    assert.ok(verify(sent()), "with both secrets' signatures");
    assert.ok(verify(sent({ secret: older })), "for the receiver that has the other secret");
    assert.ok(!verify(sent({ body: body.replace("Käse", "Kase") })), "another body");
    assert.ok(!verify(sent({ id: "msg_01K0000000000000000000000B" })), "another id");
    assert.ok(!verify(sent({ timestamp: String(Number(sent().timestamp) - 1) })), "another time");
    assert.ok(!verify(sent({ secret: `whsec_${Buffer.alloc(32, 8).toString("base64")}` })), "another secret");
    assert.ok(!verify(sent({}, new Date(Date.now() - 301_000))), "too old, though signed well");
  });
