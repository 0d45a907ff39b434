import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlanTerms } from "../api/types";
import { beyond, planWith, share } from "./plans";

const none = { projects: null, environments: null, members: null, servers: null };
const plans: PlanTerms[] = [
  { plan: "free", limits: { projects: 2, environments: 3, members: 2, servers: 1 }, features: [], audit_days: 0 },
  { plan: "pro", limits: none, features: ["api", "audit_log"], audit_days: 30 },
  { plan: "agency", limits: none, features: ["api", "audit_log", "custom_roles"], audit_days: 365 },
];

test("the plan that is named for a feature is the smallest that has it", () => {
  assert.equal(planWith(plans, "api"), "pro");
  assert.equal(planWith(plans, "custom_roles"), "agency");
  assert.equal(planWith(plans, "connect_as"), undefined);
});

test("a share knows no limit, a limit of nothing, and more than is allowed", () => {
  assert.equal(share(3, null), null);
  assert.equal(share(0, 0), 100);
  assert.equal(share(1, 4), 25);
  assert.equal(share(9, 3), 100);
});

test("what is beyond a lower plan is named", () => {
  assert.deepEqual(beyond({ projects: 2, environments: 4, members: 1, servers: 2 }, plans[0]!.limits), ["environments", "servers"]);
  assert.deepEqual(beyond({ projects: 200, environments: 4, members: 1, servers: 2 }, none), []);
});
