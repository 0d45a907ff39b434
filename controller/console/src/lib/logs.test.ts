import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogEntry } from "../api/types";
import { comesBack, cureOf, emptyLog, entriesOf, fieldTime, mostShown, newestCursor, oldestCursor, shortUnit, sinceOf, withNewer, withOlder } from "./logs";

const entry = (n: number, cursor = `i=${n}`): LogEntry => ({ at: "2026-01-31T12:00:00Z", level: "info", from: "x", text: `line ${n}`, cursor });

function bodyOf(...pieces: string[]): ReadableStream<Uint8Array> {
  const bytes = pieces.map((piece) => Uint8Array.from(piece, (c) => c.charCodeAt(0)));
  return new ReadableStream({
    pull(to) {
      const piece = bytes.shift();
      if (piece) to.enqueue(piece);
      else to.close();
    },
  });
}

test("entries are found however the body is cut", async () => {
  const found = [];
  for await (const batch of entriesOf(bodyOf('{"text":"a', ' \xc3', '\xbc"}\n\n{"text":"b"}\n{"end"', ':"done"}\n'))) found.push(...batch);
  assert.deepEqual(found, [{ text: "a ü" }, { text: "b" }, { end: "done" }]);
});

test("what is no line of a log breaks the reading", async () => {
  await assert.rejects(async () => {
    for await (const batch of entriesOf(bodyOf("<html>\n"))) assert.ok(batch);
  });
  await assert.rejects(async () => {
    for await (const batch of entriesOf(bodyOf("x".repeat(300_000)))) assert.ok(batch);
  });
});

test("older entries come before what is shown, newer ones behind", () => {
  let log = withNewer(emptyLog, [entry(3)]);
  log = withOlder(log, [entry(2), entry(1)], false);
  log = withNewer(log, [entry(4, "")]);
  assert.deepEqual(log.lines.map((line) => line.text), ["line 1", "line 2", "line 3", "line 4"]);
  assert.equal(new Set(log.lines.map((line) => line.key)).size, 4);
  assert.equal(oldestCursor(log), "i=1");
  assert.equal(newestCursor(log), "i=3");
  assert.equal(log.more, false);
});

test("a long log lets go of its old end, which can be fetched again", () => {
  const many = Array.from({ length: mostShown }, (_, n) => entry(n));
  const log = withNewer({ ...withNewer(emptyLog, many), more: false }, [entry(mostShown)]);
  assert.equal(log.lines.length, mostShown);
  assert.equal(log.lines[0]!.text, "line 1");
  assert.ok(log.dropped && log.more);
});

test("what ends by itself comes back, and what somebody has to do something about says what", () => {
  for (const end of ["lost", "stopped", "time", "controller_stops"]) assert.ok(comesBack(end));
  for (const end of ["policy", "access_ended", "failed", "gone", "denied"]) {
    assert.ok(!comesBack(end));
    assert.notEqual(cureOf(end), "");
  }
});

test("units have short names", () => {
  assert.equal(shortUnit("fairlead-odoo@shop.service"), "odoo");
  assert.equal(shortUnit("fairlead-odoo-beside@shop.service"), "odoo-beside");
  assert.equal(shortUnit("postgresql@15-main.service"), "postgresql@15-main");
});

test("times are the controller's, or none", () => {
  assert.equal(sinceOf("60", Date.UTC(2026, 0, 31, 12)), "2026-01-31T11:00:00.000Z");
  assert.equal(sinceOf("", 0), undefined);
  assert.equal(fieldTime(""), undefined);
  assert.equal(fieldTime("nonsense"), undefined);
  assert.match(fieldTime("2026-01-31T12:00")!, /^2026-01-3.T..:00:00.000Z$/);
});
