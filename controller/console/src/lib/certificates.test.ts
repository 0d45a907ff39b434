import assert from "node:assert/strict";
import { test } from "node:test";
import type { Certificate, CustomHostname } from "../api/types";
import { byName, standing, standingThere } from "./certificates";

const now = Date.parse("2026-11-28T12:00:00Z");
const one = (part: Partial<Certificate>): Certificate =>
  ({ name: "shop.example.org", state: "issued", running: false, not_after: "2027-01-28T12:00:00Z", next_attempt_at: "2026-12-28T12:00:00Z", error: null, ...part }) as Certificate;

test("a certificate is told by what the name is shown just now", () => {
  assert.deepEqual(standing(one({}), now), ["good", "Valid"]);
  assert.deepEqual(standing(one({ state: "failed" }), now), ["warn", "Not renewed yet"]);
  assert.deepEqual(standing(one({ state: "failed", not_after: "2026-11-28T11:59:59Z" }), now), ["bad", "Over"]);
  assert.deepEqual(standing(one({ state: "failed", not_after: null }), now), ["bad", "Not issued"]);
  assert.deepEqual(standing(one({ state: "waiting", not_after: null }), now), ["busy", "Waits for its turn"]);
  assert.deepEqual(standing(one({ state: "waiting", not_after: null, next_attempt_at: null }), now), ["idle", "Not asked for"]);
  assert.deepEqual(standing(one({ state: "waiting", not_after: null, running: true }), now), ["busy", "Being asked for"]);
  assert.deepEqual(standing(one({ running: true }), now), ["busy", "Being renewed"]);
});

test("a name at Cloudflare that waits for a record is told from one that is being set up", () => {
  const there = (part: Partial<CustomHostname>): CustomHostname => ({ name: "shop.example.org", state: "waiting", error: null, ...part }) as CustomHostname;
  assert.deepEqual(standingThere(there({ state: "issued" })), ["good", "Active"]);
  assert.deepEqual(standingThere(there({ state: "failed" })), ["bad", "Not active"]);
  assert.deepEqual(standingThere(there({})), ["busy", "Being set up"]);
  assert.deepEqual(standingThere(there({ error: { code: "cloudflare_pending", message: "Set a CNAME record." } })), ["warn", "Waits for your DNS"]);
  assert.deepEqual(standingThere(there({ error: { code: "cloudflare_token", message: "It is not taken." } })), ["warn", "Held up"]);
});

test("names of one domain stand together", () => {
  const names = ["b.example.org", "a.example.net", "example.org", "a.example.org"];
  assert.deepEqual(byName(names.map((name) => one({ name }))).map(({ name }) => name), ["a.example.net", "example.org", "a.example.org", "b.example.org"]);
});
