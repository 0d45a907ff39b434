import assert from "node:assert/strict";
import { test } from "node:test";
import { cronOf, cronProblem, sayCron, scheduleOf } from "./cron";
import { nextTimes } from "./nextTimes";

test("what people choose becomes cron and is read back as it was chosen", () => {
  for (const [cron, words] of [
    ["", "never"],
    ["0 * * * *", "every full hour"],
    ["15 * * * *", "every hour, 15 min past"],
    ["30 2 * * *", "every day at 02:30"],
    ["5 14 * * 0", "Sundays at 14:05"],
    ["0 3 1 * *", "cron 0 3 1 * *"],
    ["*/20 8-18 * * 1-5", "cron */20 8-18 * * 1-5"],
  ] as const) {
    assert.equal(sayCron(cron), words);
    assert.equal(cronOf(scheduleOf(cron)), cron);
  }
  assert.equal(scheduleOf("0 4 * * 7").weekday, 0, "7 is Sunday too");
});

test("a wrong line is told with its field and value", () => {
  for (const right of ["0 3 * * *", "*/15 8-18/2 1,15 * 1-5", "0 0 1 1 7"]) assert.equal(cronProblem(right), undefined, right);
  assert.match(cronProblem("0 3 * *")!, /there are 4/);
  assert.match(cronProblem("61 3 * * *")!, /“61” as minute: it goes from 0 to 59/);
  assert.match(cronProblem("0 24 * * *")!, /“24” as hour/);
  assert.match(cronProblem("0 3 0 * *")!, /day of the month/);
  assert.match(cronProblem("0 3 * * mon")!, /“mon” as day of the week/);
  assert.match(cronProblem("0 18-8 * * *")!, /smaller to the larger/);
  assert.match(cronProblem("*/0 * * * *")!, /at least 1/);
});

test("the next times are those of the chosen zone, through both changes of the clocks", () => {
  const next = (cron: string, zone: string, from: string, n = 3) => nextTimes(cron, zone, n, new Date(from)).map((each) => each.toISOString());
  assert.deepEqual(next("30 2 * * *", "UTC", "2026-11-28T12:00:00Z", 2), ["2026-11-29T02:30:00.000Z", "2026-11-30T02:30:00.000Z"]);
  // Half past two does not exist on 29 March in Berlin: the server leaves that day out, as systemd's timers do.
  assert.deepEqual(next("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 2), ["2026-03-28T01:30:00.000Z", "2026-03-30T00:30:00.000Z"]);
  // It comes twice on 25 October: the first one counts, of an hourly schedule too.
  assert.deepEqual(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
  assert.deepEqual(next("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 3), ["2026-10-25T00:00:00.000Z", "2026-10-25T02:00:00.000Z", "2026-10-25T03:00:00.000Z"]);
  // Day and weekday both given: either is enough.
  assert.deepEqual(next("0 3 1 * 1", "UTC", "2026-11-28T12:00:00Z"), ["2026-11-30T03:00:00.000Z", "2026-12-01T03:00:00.000Z", "2026-12-07T03:00:00.000Z"]);
  assert.deepEqual(next("0 0 31 2 *", "UTC", "2026-11-28T12:00:00Z"), [], "never comes");
});
