import assert from "node:assert/strict";
import { test } from "node:test";
import type { Visit } from "../api/types";
import { canBeGranted, endedBecause, visitedOrg } from "./connect";

test("what decides about the organization itself is granted to nobody from outside", () => {
  const codes = ["org.view", "org.edit", "members.view", "roles.view", "api_keys.create", "security.view", "connect.use", "plan.view", "support.view", "deployments.create", "servers.view"];
  assert.deepEqual(codes.filter(canBeGranted), ["org.view", "deployments.create", "servers.view"]);
});

test("a client's organization has its id as its address and no owner", () => {
  const org = { id: "org_01", name: "Client", plan: "pro" as const, features: ["api"], role_name: "", limited: true, permissions: ["org.view"] };
  const shown = visitedOrg({ org } as Visit);
  assert.deepEqual([shown.slug, shown.owner, shown.limited, shown.permissions], ["org_01", false, true, ["org.view"]]);
  assert.notEqual(shown.role_name, "");
});

test("why a session ended is said in words", () => {
  assert.equal(endedBecause("grant_revoked"), "the grant was taken back");
  assert.equal(endedBecause(null), "");
});
