import assert from "node:assert/strict";
import { test } from "node:test";
import { type Line, type LineEvents, type Phase, TerminalLink } from "./terminalLink";

/** A controller and a screen that do what the test says. */
function stand() {
  const lines: { events: LineEvents; sent: (string | Uint8Array)[]; closed?: number }[] = [];
  const later: { at: number; act: () => void }[] = [];
  const shown: (() => void)[] = [];
  let now = 0;
  const phases: Phase[] = [];
  let screen = "";
  const link = new TerminalLink(
    {
      connect: (events): Line => {
        const line: (typeof lines)[number] = { events, sent: [] };
        lines.push(line);
        return { send: (data) => void line.sent.push(data), close: (code) => void (line.closed = code ?? 1005) };
      },
      show: (bytes, done) => {
        screen += new TextDecoder().decode(bytes);
        shown.push(done);
      },
      phase: (phase) => void phases.push(phase),
      now: () => now,
      later: (ms, act) => {
        const one = { at: now + ms, act };
        later.push(one);
        return () => void (later.includes(one) && later.splice(later.indexOf(one), 1));
      },
    },
    "fltk_ticket",
  );
  const last = () => lines[lines.length - 1]!;
  return {
    link, lines, phases, shown, last,
    get screen() { return screen; },
    texts: () => last().sent.filter((one) => typeof one === "string").map((one) => JSON.parse(one as string) as Record<string, unknown>),
    typed: () => last().sent.filter((one) => typeof one !== "string").map((one) => new TextDecoder().decode(one as Uint8Array)).join(""),
    say: (message: object) => last().events.text(JSON.stringify(message)),
    output: (text: string) => last().events.bytes(new TextEncoder().encode(text)),
    showAll: () => { for (const done of shown.splice(0)) done(); },
    open() { last().events.opened(); this.say({ type: "opened", secret: "one", resume_s: 60, output_window: 262144, input_window: 8 }); },
    pass(ms: number) {
      now += ms;
      for (const one of later.filter((each) => each.at <= now)) { later.splice(later.indexOf(one), 1); one.act(); }
    },
  };
}
const bytes = (text: string) => new TextEncoder().encode(text);

test("the ticket is said once, and what is shown is acknowledged", () => {
  const at = stand();
  at.open();
  assert.deepEqual(at.texts()[0], { type: "open", ticket: "fltk_ticket" });
  at.output("hello");
  assert.equal(at.texts().filter((one) => one.type === "took").length, 0, "not before it is shown");
  at.showAll();
  assert.deepEqual(at.texts().at(-1), { type: "took", bytes: 5 });
});

test("what is typed keeps to the window, and waits for what the server has taken", () => {
  const at = stand();
  at.open();
  at.link.type(bytes("0123456789abcdef"));
  assert.equal(at.typed(), "01234567");
  at.say({ type: "took", bytes: 3 });
  assert.equal(at.typed(), "0123456789a");
  at.say({ type: "took", bytes: 11 });
  assert.equal(at.typed(), "0123456789abcdef");
});

test("after a break both directions go on from where the other side is, at each offset", () => {
  for (let input = 0; input <= 8; input += 1) {
    const at = stand();
    at.open();
    at.output("abc");
    at.link.type(bytes("01234567"));
    at.last().events.closed(1006, "");
    assert.equal(at.link.phase.kind, "away");
    at.link.type(bytes("89"));
    at.pass(300);
    at.last().events.opened();
    assert.deepEqual(at.texts(), [{ type: "resume", secret: "one", received: 3 }]);
    at.say({ type: "resumed", secret: "two", input });
    at.say({ type: "took", bytes: input });
    assert.equal(at.typed(), "0123456789".slice(input, input + 8 > 10 ? 10 : input + 8));
    at.output("def");
    assert.equal(at.screen, "abcdef");
  }
});

test("it is tried again until the time is over, and a late answer of a broken connection counts for nothing", () => {
  const at = stand();
  at.open();
  const first = at.last();
  first.events.closed(1006, "");
  for (let seconds = 0; seconds < 70 && at.link.phase.kind === "away"; seconds += 5) {
    at.pass(5000);
    at.last().events.closed(1006, "");
  }
  assert.equal(at.link.phase.kind, "ended");
  first.events.bytes(bytes("late"));
  assert.equal(at.screen, "");
});

test("the end is told with its reason, and the connection closed", () => {
  const at = stand();
  at.open();
  at.say({ type: "ended", reason: "exited", message: "The shell ended with exit code 3.", code: 3 });
  assert.deepEqual(at.phases.at(-1), { kind: "ended", reason: "exited", message: "The shell ended with exit code 3.", code: 3 });
  assert.equal(at.last().closed, 1000);
});

test("a refused ticket ends it, and so does a controller that is not there", () => {
  const refused = stand();
  refused.last().events.opened();
  refused.last().events.closed(4401, "ticket_refused");
  assert.equal((refused.phases.at(-1) as { reason: string }).reason, "ticket_refused");
  const absent = stand();
  absent.last().events.closed(1006, "");
  assert.equal((absent.phases.at(-1) as { reason: string }).reason, "unreachable");
});

test("a connection that says nothing after something was typed is given up", () => {
  const at = stand();
  at.open();
  at.link.type(bytes("x"));
  at.pass(10_000);
  assert.equal(at.link.phase.kind, "away");
  assert.equal(at.lines.length, 1);
  at.pass(300);
  assert.equal(at.lines.length, 2);
});
