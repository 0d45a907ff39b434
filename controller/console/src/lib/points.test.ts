import assert from "node:assert/strict";
import { test } from "node:test";
import { withGaps } from "./points";

test("a line breaks where reports were missing, and only there", () => {
  assert.deepEqual(withGaps([0, 30, 61, 300], [1, 2, 3, 4], 30), [
    [0, 30, 61, 91, 300],
    [1, 2, 3, null, 4],
  ]);
});

test("points out of order or said twice are left out, as a chart needs rising times", () => {
  assert.deepEqual(withGaps([30, 30, 0, 60], [1, 2, 3, 4], 30), [
    [30, 60],
    [1, 4],
  ]);
});

test("a measurement that a point lacks is a gap, not a zero", () => {
  assert.deepEqual(withGaps([0, 30, 60], [null, 5], 30)[1], [null, 5, null]);
});
