import assert from "node:assert/strict";
import { test } from "node:test";
import { holdsSecretKey, recipientIn, recipientProblem } from "./age";

// Made by age-keygen; nobody has its secret half.
const made = "age1a7j230ggh0hdwdk80wdytz303qa5ye6s5tuppwcan4xdyy6pzcxsauqn3g";

test("a recipient of age-keygen is one, in the line that it prints and alone", () => {
  assert.equal(recipientProblem(made), undefined);
  assert.equal(recipientIn(`# public key: ${made}\n`), made);
  assert.equal(recipientIn(`  Public key: ${made.toUpperCase()}`), made);
  assert.equal(recipientIn("nothing"), "");
});

test("a sign that is wrong, missing or swapped is found", () => {
  for (let at = 4; at < made.length; at++) {
    const other = made[at] === "q" ? "p" : "q";
    assert.match(recipientProblem(made.slice(0, at) + other + made.slice(at + 1)) ?? "", /checksum/, `sign ${at}`);
  }
  assert.match(recipientProblem(made.slice(0, -1)) ?? "", /62 signs/);
  assert.match(recipientProblem("ssh-ed25519") ?? "", /begins with age1/);
});

test("a secret key is seen wherever it stands", () => {
  assert.ok(holdsSecretKey("AGE-SECRET-KEY-1QQQ"));
  assert.ok(holdsSecretKey("# created: now\n# public key: age1x\nage-secret-key-1qqq\n"));
  assert.ok(holdsSecretKey("AGE-SECRET-\n KEY-1Q"));
  assert.ok(holdsSecretKey("AGE-SECRET-KEY-PQ-1QQQ"));
  assert.ok(!holdsSecretKey(made));
});
