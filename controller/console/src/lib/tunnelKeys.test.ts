import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { graces } from "./graces";
import { counts, graceWords, revokeWords } from "./tunnelKeys";

test("each choice of a grace is one that the contract takes, and the default is among them", () => {
  const contract = readFileSync("../../proto/openapi.yaml", "utf8");
  const [, most = "", usual = ""] = /operationId: rotateTunnelKey[\s\S]*?grace_s: .*maximum: (\d+), default: (\d+)/.exec(contract) ?? [];
  assert.ok(Number(most) > 0);
  for (const { value } of graces) assert.ok(Number(value) <= Number(most), value);
  assert.ok(graces.some(({ value }) => value === usual));
});

test("the words say what stops", () => {
  assert.match(graceWords("0"), /ends at once/);
  assert.match(graceWords("3600"), /goes on until then/);
  assert.match(revokeWords({ state: "current" }), /Every address .* stops to answer/);
  assert.match(revokeWords({ state: "previous" }), /current key go on/);
});

test("a key counts while it signs and while its grace lasts", () => {
  assert.deepEqual((["current", "previous", "ended", "revoked"] as const).filter((state) => counts({ state })), ["current", "previous"]);
});
