import assert from "node:assert/strict";
import { test } from "node:test";
import { policyFor, withCtrl, wordsOfEnd } from "./terminals";

test("Ctrl makes control characters of letters and of a few others", () => {
  assert.equal(withCtrl("c"), "\x03");
  assert.equal(withCtrl("Z"), "\x1a");
  assert.equal(withCtrl("["), "\x1b");
  assert.equal(withCtrl(" "), "\0");
  for (const text of ["1", "ä", "ls"]) assert.equal(withCtrl(text), text);
});

test("each end has words, also one that is not known here", () => {
  assert.equal(wordsOfEnd({ reason: "exited", message: "" }), "The shell has ended.");
  assert.equal(wordsOfEnd({ reason: "something new", message: "" }), "The terminal has ended.");
});

test("the cure names the user", () => {
  assert.match(policyFor("odoo-ops"), /allow: \[odoo-ops\]/);
});
