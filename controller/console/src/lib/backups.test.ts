import assert from "node:assert/strict";
import { test } from "node:test";
import type { Environment } from "../api/types";
import { needsLook, proofOf, worstFirst } from "./backups";

const now = Date.parse("2026-11-28T12:00:00Z");
const ago = (hours: number) => new Date(now - hours * 3_600_000).toISOString();
const none = { enabled: true, last_backup_at: null, last_restored_at: null, last_drill_at: null, last_drill_passed: null, next_backup_at: null, next_drill_at: null, recipient: null };
const one = (backup: Partial<Environment["backup"]>, more: Partial<Environment> = {}) => ({ backup: { ...none, ...backup }, current_release: {}, type: "staging", name: "x", ...more }) as Environment;
const proof = (backup: Partial<Environment["backup"]>, more: Partial<Environment> = {}) => proofOf(one(backup, more), now);

test("only a backup that was restored counts as proven", () => {
  assert.equal(proof({ last_backup_at: ago(1) }), "unproven");
  assert.equal(proof({ last_backup_at: ago(1), last_restored_at: ago(24), last_drill_at: ago(24), last_drill_passed: true }), "proven");
  assert.equal(proof({ last_backup_at: ago(1), last_restored_at: ago(36 * 24) }), "old");
  assert.equal(proof({ enabled: false }), "none");
  assert.equal(proof({}), "never");
  assert.equal(proof({ enabled: false }, { current_release: null }), "new");
});

test("a drill that failed is told until something is restored after it", () => {
  const failed = { last_backup_at: ago(1), last_drill_at: ago(5), last_drill_passed: false };
  assert.equal(proof(failed), "failed");
  assert.equal(proof({ ...failed, last_restored_at: ago(24) }), "failed");
  assert.equal(proof({ ...failed, last_restored_at: ago(2) }), "proven");
  assert.equal(proof({ ...failed, enabled: false }), "failed", "switched off afterwards");
});

test("a schedule that is not kept is told after an hour", () => {
  const held = { last_backup_at: ago(26), last_restored_at: ago(30) };
  assert.equal(proof({ ...held, next_backup_at: ago(0.5) }), "proven");
  assert.equal(proof({ ...held, next_backup_at: ago(2) }), "late");
});

test("the worst comes first, production before others", () => {
  const sorted = worstFirst(
    [
      one({ last_backup_at: ago(1), last_restored_at: ago(1) }, { name: "fine" }),
      one({ last_backup_at: ago(1) }, { name: "unproven stage" }),
      one({ last_backup_at: ago(1) }, { name: "unproven live", type: "production" }),
      one({ enabled: false }, { name: "none" }),
      one({ enabled: false }, { name: "empty", current_release: null }),
      one({ last_backup_at: ago(1), last_drill_at: ago(1), last_drill_passed: false }, { name: "failed" }),
    ],
    now,
  );
  assert.deepEqual(sorted.map(({ environment }) => environment.name), ["failed", "none", "unproven live", "unproven stage", "fine", "empty"]);
  assert.deepEqual(sorted.map((each) => needsLook(each.proof)), [true, true, true, true, false, false]);
});
