import assert from "node:assert/strict";
import { test } from "node:test";
import { withGaps } from "./points";

const at = (seconds: number) => ({ at: new Date(seconds * 1000).toISOString(), cpu_percent: seconds });
const cpu = (p: { cpu_percent?: number | null }) => p.cpu_percent;

test("a line breaks where reports were missing, and only there", () => {
  assert.deepEqual(withGaps([at(0), at(30), at(61), at(300)], cpu, 30), [
    [0, 30, 61, 91, 300],
    [0, 30, 61, null, 300],
  ]);
});

test("points out of order or said twice are left out, as a chart needs rising times", () => {
  assert.deepEqual(withGaps([at(30), at(30), at(0), at(60)], cpu, 30)[0], [30, 60]);
});

test("a measurement that a point lacks is a gap, not a zero", () => {
  assert.deepEqual(withGaps([{ at: at(0).at }, at(30)], cpu, 30)[1], [null, 30]);
});
