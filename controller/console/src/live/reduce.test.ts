import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLine, Operation, Step } from "../api/types";
import { emptyLog, newerOperation, withItem, withLines, withoutItem, withStep } from "./reduce";

const step = (name: string, state: Step["state"], percent: number | null = null): Step => ({
  name,
  title: name,
  state,
  percent,
  started_at: null,
  finished_at: null,
  detail: null,
});
const operation = (state: Operation["state"], steps: Step[] = [], id = "op_1") => ({ id, state, steps }) as Operation;
const line = (seq: number): LogLine => ({ seq, time: "", level: "info", step: null, text: `line ${seq}` });
const seqs = (lines: LogLine[]) => lines.map((l) => l.seq);

test("a state that arrives late does not undo a later one", () => {
  assert.equal(newerOperation(operation("running"), operation("queued")).state, "running");
  assert.equal(newerOperation(operation("failed"), operation("running")).state, "failed");
  assert.equal(newerOperation(operation("succeeded"), operation("unknown")).state, "succeeded");
});

test("unknown and running follow one another as the link goes and comes", () => {
  assert.equal(newerOperation(operation("running"), operation("unknown")).state, "unknown");
  assert.equal(newerOperation(operation("unknown"), operation("running")).state, "running");
});

test("another operation is never mixed into the one held", () => {
  assert.equal(newerOperation(operation("succeeded"), operation("queued", [], "op_2")).id, "op_2");
});

test("an operation fetched late keeps the steps that events have moved on", () => {
  const held = operation("running", [step("fetch", "done"), step("build", "running", 60)]);
  const seen = operation("running", [step("fetch", "running", 10), step("build", "running", 40)]);
  assert.deepEqual(
    newerOperation(held, seen).steps.map((s) => [s.state, s.percent]),
    [
      ["done", null],
      ["running", 60],
    ],
  );
});

test("an answer without steps does not take away the ones known", () => {
  const held = operation("running", [step("fetch", "done")]);
  const now = newerOperation(held, operation("running"));
  assert.equal(now.steps.length, 1);
});

test("a step that was done can be undone, and one not heard of comes last", () => {
  const held = operation("running", [step("switch", "done")]);
  assert.equal(withStep(held, step("switch", "undone")).steps[0]!.state, "undone");
  assert.deepEqual(
    withStep(held, step("health", "running")).steps.map((s) => s.name),
    ["switch", "health"],
  );
  assert.equal(withStep(held, step("switch", "running")), held, "nothing new: the same object, so that nothing is drawn again");
});

test("lines said twice after a reconnect count once, and lines that come late find their place", () => {
  const log = withLines(emptyLog, [line(1), line(2), line(4)]);
  assert.equal(withLines(log, [line(1), line(2)]), log);
  assert.deepEqual(seqs(withLines(log, [line(3), line(5)]).lines), [1, 2, 3, 4, 5]);
  assert.deepEqual(seqs(withLines(emptyLog, [line(2), line(1), line(2)]).lines), [1, 2]);
});

test("a log keeps its newest lines within the limit, counts what it let go, and does not take that back", () => {
  const many = Array.from({ length: 25 }, (_, i) => line(i + 1));
  let log = withLines(emptyLog, many, 10);
  assert.equal(log.lines.length, 10);
  assert.equal(log.dropped, 15);
  log = withLines(log, [line(3), line(26)], 10);
  assert.deepEqual([seqs(log.lines)[0], seqs(log.lines)[9], log.dropped], [17, 26, 16]);
});

test("an unknown thing joins a list only where the list holds all things", () => {
  const list = [{ id: "a", n: 1 }];
  assert.deepEqual(withItem(list, { id: "a", n: 2 }, false), [{ id: "a", n: 2 }]);
  assert.equal(withItem(list, { id: "b", n: 1 }, false), list);
  assert.equal(withItem(list, { id: "b", n: 1 }, true).length, 2);
  assert.equal(withoutItem(list, "c"), list);
  assert.deepEqual(withoutItem(list, "a"), []);
});
