import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation } from "../../api/types";
import { outdatedBy } from "./outdated";

const operation = (id: string, minute: number | null, part: Partial<Operation> = {}) =>
  ({
    id,
    kind: "environment.deploy",
    state: minute == null ? "running" : "succeeded",
    target: { type: "environment", id: "env_1", name: "e" },
    delivered_at: "2026-01-01T10:00:00Z",
    finished_at: minute == null ? null : `2026-01-01T10:${minute}:00Z`,
    ...part,
  }) as Operation;
const report = operation("op_report", 20, { kind: "environment.preflight" });
const by = (...others: Operation[]) => outdatedBy(report, [report, ...others])?.id;

test("a report is outdated by what ended after it, the latest of them", () => {
  assert.equal(by(operation("op_1", 21), operation("op_2", 30), operation("op_3", 25)), "op_2");
  assert.equal(by(operation("op_1", 21, { state: "failed" })), "op_1", "also what failed has touched the server");
});

test("a report stands while nothing else ended, or it was never delivered, or elsewhere", () => {
  assert.equal(by(), undefined);
  assert.equal(by(operation("op_before", 19)), undefined);
  assert.equal(by(operation("op_running", null)), undefined);
  assert.equal(by(operation("op_unknown", 30, { state: "unknown" })), undefined);
  assert.equal(by(operation("op_expired", 30, { state: "expired", delivered_at: null })), undefined);
  assert.equal(by(operation("op_other", 30, { target: { type: "environment", id: "env_2", name: "f" } })), undefined);
});
