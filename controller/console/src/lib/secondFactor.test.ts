import assert from "node:assert/strict";
import { test } from "node:test";
import { waitingInHash, waitingOf } from "./secondFactor";

test("a refusal that asks for the second factor says how to go on", () => {
  const problem = { code: "second_factor_required", challenge: "c1", methods: ["totp" as const, "recovery_code" as const] };
  assert.deepEqual(waitingOf(problem), { challenge: "c1", methods: ["totp", "recovery_code"] });
  assert.equal(waitingOf({ ...problem, code: "sign_in_failed" }), null);
});

test("so does the address that single sign-on comes back to, and no other", () => {
  assert.deepEqual(waitingInHash("#second_factor=c2&methods=totp,passkey"), { challenge: "c2", methods: ["passkey", "totp"] });
  assert.equal(waitingInHash(""), null);
  assert.equal(waitingInHash("#second_factor=c2&methods=telepathy"), null);
  assert.equal(waitingInHash("#second_factor=&methods=totp"), null);
});
