import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, percent, relative, slugFrom, words } from "./format";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

test("bytes are told with at most one digit after the point, and none where it says nothing", () => {
  for (const [value, said] of [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [120 * 1024 ** 2, "120 MiB"],
    [3.25 * 1024 ** 3, "3.3 GiB"],
    [null, "–"],
    [Number.NaN, "–"],
  ] as const)
    assert.equal(bytes(value), said);
});

test("a duration has its two largest units, and leaves out what is zero", () => {
  for (const [ms, said] of [
    [0, "0 ms"],
    [-5, "0 ms"],
    [940, "940 ms"],
    [9_990, "9.9 s"],
    [12_700, "12 s"],
    [75_000, "1 min 15 s"],
    [hour, "1 h"],
    [hour + 59 * 1000, "1 h"],
    [34 * day + 2 * hour + minute, "34 d 2 h"],
    [null, "–"],
  ] as const)
    assert.equal(duration(ms), said);
});

test("ages are told from the controller's time, in both directions, and forgive some seconds", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const at = (ms: number) => relative(new Date(now + ms).toISOString(), now);
  assert.equal(at(-4_000), "just now");
  assert.equal(at(4_000), "just now");
  assert.equal(at(-59_000), "59 s ago");
  assert.equal(at(-90 * minute), "1 h ago");
  assert.equal(at(59 * minute), "in 59 min");
  assert.equal(at(-3 * day), "3 d ago");
  assert.match(at(-30 * day), /2026/);
  assert.equal(relative("nonsense", now), "–");
});

test("a share stays between 0 and 100, and is unknown without a whole", () => {
  assert.equal(percent(5, 10), 50);
  assert.equal(percent(15, 10), 100);
  assert.equal(percent(undefined, 10), null);
  assert.equal(percent(5, 0), null);
});

test("a slug begins with a letter, ends without a dash, and keeps to its length", () => {
  assert.equal(slugFrom("Birk & Söhne", 24), "birk-sohne");
  assert.equal(slugFrom("19.0 – Test!", 24), "test");
  assert.equal(slugFrom("a very long name for a project", 12), "a-very-long");
  assert.equal(slugFrom("日本", 24), "");
});

test("module names may be parted by commas, spaces and line ends, and count once", () => {
  assert.deepEqual(words(" base, web\nsale  web "), ["base", "web", "sale"]);
  assert.deepEqual(words(" , "), []);
});
