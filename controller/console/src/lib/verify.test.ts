import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { recipes } from "./verify";

const key = randomBytes(32);
const secret = `whsec_${key.toString("base64")}`;
const body = '{"type":"webhook.test","name":"Überall"}';

function signed(at = Math.floor(Date.now() / 1000), by = [key]) {
  const id = "msg_01JD8Q4M3N7V5X2K9B00000001";
  const signatures = by.map((each) => `v1,${createHmac("sha256", each).update(`${id}.${at}.${body}`).digest("base64")}`);
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": signatures.join(" ") };
}

type Headers = ReturnType<typeof signed>;

// What each recipe has to say: signed by one secret or by two, and nothing else.
const now = Math.floor(Date.now() / 1000);
const cases: [string, Headers, string, boolean][] = [
  ["signed", signed(), body, true],
  ["signed by the old secret and the new one", signed(now, [randomBytes(32), key]), body, true],
  ["signed by another secret", signed(now, [randomBytes(32)]), body, false],
  ["with another body", signed(), `${body} `, false],
  ["ten minutes old", signed(now - 600), body, false],
  ["of no time at all", { ...signed(), "webhook-timestamp": "0" }, body, false],
  ["with no good signature", { ...signed(), "webhook-signature": "v1a,AAAA v1," }, body, false],
];

test("the recipe for Node says what is good", async () => {
  const { verify } = (await import(`data:text/javascript,${encodeURIComponent(recipes.node)}`)) as { verify: (secret: string, headers: Headers, body: string) => boolean };
  for (const [what, headers, text, good] of cases) assert.equal(verify(secret, headers, text), good, what);
});

test("the recipe for Python says what is good", () => {
  const script = `${recipes.python}\nimport json, sys\ns, cases = json.load(sys.stdin)\nprint(json.dumps([verify(s, h, b.encode()) for _, h, b, _ in cases]))`;
  const { stdout, stderr, error } = spawnSync("python3", ["-c", script], { input: JSON.stringify([secret, cases]), encoding: "utf8" });
  assert.equal(error, undefined);
  assert.equal(stderr, "");
  assert.deepEqual(JSON.parse(stdout), cases.map(([, , , good]) => good));
});
