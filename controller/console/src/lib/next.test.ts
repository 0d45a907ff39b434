import assert from "node:assert/strict";
import { test } from "node:test";
import { problemCode, safeNext } from "./next";

test("after signing in one only ever gets to a page of this console", () => {
  assert.equal(safeNext("?next=%2Fo%2Facme%2Fservers%3Fa%3D1"), "/o/acme/servers?a=1");
  for (const bad of ["", "?next=https://evil.example", "?next=//evil.example", "?next=/\\evil.example", "?next=javascript:alert(1)"])
    assert.equal(safeNext(bad), "/");
});

test("only a code is taken for a problem", () => {
  assert.equal(problemCode("?next=%2F&problem=sso_cancelled"), "sso_cancelled");
  for (const bad of ["", "?problem=", "?problem=Call%20%2B1%20900", `?problem=${"a".repeat(61)}`]) assert.equal(problemCode(bad), "");
});
