import assert from "node:assert/strict";
import { test } from "node:test";
import type { Domain } from "../api/types";
import { claimWord, cureOf, inOrder } from "./claims";

test("a claim's word says what is to be done", () => {
  const word = (state: Domain["state"], more: { failing_since?: string; checking?: boolean } = {}) => claimWord({ state, failing_since: null, checking: false, ...more }).word;
  assert.equal(word("pending"), "Waits for its proof");
  assert.equal(word("verified"), "Proved");
  assert.equal(word("verified", { failing_since: "2026-03-01T00:00:00Z" }), "Proof is missing");
  assert.equal(word("failed"), "Not proved");
  assert.equal(word("pending", { checking: true }), "Being looked at");
});

test("what needs something comes first", () => {
  const one = (name: string, state: Domain["state"], created_at: string, failing_since: string | null = null) => ({ name, state, created_at, failing_since }) as Domain;
  const sorted = inOrder([one("a", "verified", "4"), one("b", "pending", "1"), one("c", "verified", "2", "3"), one("d", "failed", "3")]);
  assert.deepEqual(sorted.map(({ name }) => name), ["d", "c", "b", "a"]);
});

test("there is a way out of what may be unclear", () => {
  assert.match(cureOf("record_missing"), /hour/);
  assert.equal(cureOf("unheard_of"), "");
});
