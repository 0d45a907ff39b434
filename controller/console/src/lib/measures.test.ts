import assert from "node:assert/strict";
import { test } from "node:test";
import { inBytesPerSecond, inMilliseconds, inNumber, inPercent, inSeconds, inShare } from "./measures";

test("numbers have as many places as say something", () => {
  assert.deepEqual([0, 0.25, 3, 3.14159, 12.34, 100, 250.6].map(inNumber), ["0", "0.25", "3", "3.14", "12.3", "100", "251"]);
});

test("units stand behind", () => {
  assert.equal(inPercent(12.6), "13 %");
  assert.equal(inBytesPerSecond(2048.4), "2 KiB/s");
  assert.equal(inMilliseconds(12.3), "12 ms");
  assert.equal(inMilliseconds(2500), "2.5 s");
  assert.equal(inSeconds(0.25), "0.3 s");
  assert.equal(inSeconds(75), "1 min 15 s");
});

test("all of it is all of it", () => {
  assert.equal(inShare(1), "100 %");
  assert.equal(inShare(0.9996), "99.9 %");
  assert.equal(inShare(0), "0.0 %");
});
