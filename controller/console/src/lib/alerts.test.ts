import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bodyOf, draftOf, kindOrder, kinds, limitWords, mailWords, pathOf, valueWords } from "./alerts";

test("a form knows every kind of the contract", () => {
  const contract = readFileSync("../../proto/openapi.yaml", "utf8");
  const wanted = /AlertKind:\n\s+type: string\n\s+enum: \[([^\]]+)\]/.exec(contract)![1]!.split(", ");
  assert.deepEqual([...kindOrder].sort(), wanted.sort());
});

test("a form begins with what the controller recommends", () => {
  const source = readFileSync("../alerts/kinds.cpp", "utf8").replace(/\s+/g, " ");
  for (const kind of kindOrder) {
    const { name, least, most, threshold, clear } = kinds[kind];
    const row = new RegExp(`Kind::${kind}, "([^"]+)", "[^"]*", Bad::\\w+, ([^}]+)}`).exec(source);
    assert.ok(row, kind);
    assert.equal(row[1], name);
    const numbers = row[2]!.split(",").map((n) => n.trim().split(" * ").map((f) => parseFloat(f)).reduce((a, b) => a * b, 1));
    if (threshold !== null) assert.deepEqual(numbers.slice(0, 4), [least, most, threshold, clear], kind);
    const seconds = (text: string) => parseFloat(text) * (text.includes("min") ? 60 : 1);
    const [wait, clearWait] = row[2]!.split(",").slice(4).map((n) => seconds(n.trim()));
    assert.deepEqual([wait, clearWait], [kinds[kind].for_s, kinds[kind].clear_for_s], kind);
  }
});

test("limits are said in words", () => {
  assert.equal(limitWords({ kind: "cpu", threshold: 90, for_s: 600 }), "90 % or more for 10 min");
  assert.equal(limitWords({ kind: "certificate_ending", threshold: 10, for_s: 0 }), "10 days or less");
  assert.equal(limitWords({ kind: "server_offline", threshold: null, for_s: 300 }), "for 5 min");
  assert.equal(limitWords({ kind: "server_offline", threshold: null, for_s: 0 }), "at once");
  assert.equal(valueWords({ kind: "disk", value: 91.26 }), "91.3 %");
  assert.equal(valueWords({ kind: "environment_down", value: null }), "–");
});

test("a draft is sent whole, or not at all", () => {
  const draft = draftOf(null, "disk");
  assert.deepEqual(bodyOf(draft), { name: "Disk nearly full", target_id: "", for_s: 300, clear_for_s: 300, mail: { owners: true, members: [] }, threshold: 90, clear: 87 });
  assert.equal(bodyOf({ ...draft, threshold: "" }), null);
  assert.equal(bodyOf({ ...draft, name: " " }), null);
  const state = bodyOf(draftOf(null, "server_offline"));
  assert.ok(state && !("threshold" in state));
});

test("an alert leads to what it is about", () => {
  assert.equal(pathOf({ subject: { type: "server", id: "srv_1", name: "" } }), "/servers/srv_1");
  assert.equal(pathOf({ subject: { type: "certificate", id: "cer_1", name: "" } }), "/settings/certificates");
  assert.equal(mailWords({ mail: { owners: true, members: ["usr_1"] } }), "the owners, 1 member");
  assert.equal(mailWords({ mail: { owners: false, members: [] } }), "nobody");
});
