import assert from "node:assert/strict";
import { test } from "node:test";
import { adjustments, byArea, matching, sameCodes, toggled } from "./permissions";

const some = [
  { code: "servers.view", allows: "See servers and their measurements" },
  { code: "org.view", allows: "See the organization" },
  { code: "tide_tables.edit", allows: "Change the tide" },
  { code: "registration_tokens.view", allows: "See the tokens that enrol servers" },
];

test("areas come in their order, and what none names comes last under its own word", () => {
  const areas = byArea(some);
  assert.deepEqual(
    areas.map((area) => [area.title, area.permissions.map((p) => p.code)]),
    [
      ["Organization", ["org.view"]],
      ["Servers", ["servers.view", "registration_tokens.view"]],
      ["Tide tables", ["tide_tables.edit"]],
    ],
  );
});

test("a search finds by code and by sentence, and wants every word", () => {
  const found = (text: string) => matching(some, text).map((p) => p.code);
  assert.deepEqual(found("servers"), ["servers.view", "registration_tokens.view"]);
  assert.deepEqual(found("tokens SEE"), ["registration_tokens.view"]);
  assert.deepEqual(found("registration tokens"), ["registration_tokens.view"]);
  assert.deepEqual(found("servers.v"), ["servers.view"]);
  assert.equal(found("  ").length, some.length);
});

test("a permission is put in once and taken out", () => {
  assert.deepEqual(toggled(["b", "a"], "a", true), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a", false), ["b"]);
  assert.ok(sameCodes(["a", "b"], ["b", "a"]));
  assert.ok(!sameCodes(["a", "b"], ["a", "c"]));
  assert.ok(!sameCodes(["a"], ["a", "b"]));
});

test("what a person holds apart from their role is granted or withdrawn", () => {
  assert.deepEqual(adjustments(new Set(["a", "b"]), new Set(["b", "d", "c"])), { granted: ["c", "d"], withdrawn: ["a"] });
  assert.deepEqual(adjustments(new Set(["a"]), new Set(["a"])), { granted: [], withdrawn: [] });
});
