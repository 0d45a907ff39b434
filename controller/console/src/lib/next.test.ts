import assert from "node:assert/strict";
import { test } from "node:test";
import { safeNext } from "./next";

test("after signing in one only ever gets to a page of this console", () => {
  assert.equal(safeNext("?next=%2Fo%2Facme%2Fservers%3Fa%3D1"), "/o/acme/servers?a=1");
  for (const bad of ["", "?next=https://evil.example", "?next=//evil.example", "?next=/\\evil.example", "?next=javascript:alert(1)"])
    assert.equal(safeNext(bad), "/");
});
