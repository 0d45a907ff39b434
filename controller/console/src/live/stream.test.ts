import assert from "node:assert/strict";
import { test } from "node:test";
import { openStream, type Source, type StreamState } from "./stream";

class FakeSource implements Source {
  handlers = new Map<string, (event: MessageEvent) => void>();
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  constructor(readonly url: string) {}
  addEventListener(name: string, act: (event: MessageEvent) => void) {
    this.handlers.set(name, act);
  }
  close() {
    this.closed = true;
  }
  say(name: string, data: string, lastEventId: string) {
    this.handlers.get(name)?.({ data, lastEventId } as MessageEvent);
  }
  refuse() {
    this.onerror?.();
  }
}

function harness(mayRetry?: () => Promise<boolean>) {
  const sources: FakeSource[] = [];
  const waits: { ms: number; act: () => void }[] = [];
  const events: [string, unknown][] = [];
  const states: StreamState[] = [];
  const stream = openStream({
    url: "/events",
    events: ["thing.updated"],
    onEvent: (name, data) => events.push([name, data]),
    onState: (state) => states.push(state),
    mayRetry,
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    wait: (ms, act) => {
      waits.push({ ms, act });
      return () => waits.splice(0);
    },
    random: () => 1,
  });
  const pass = async () => {
    waits.shift()!.act();
    await new Promise((done) => setImmediate(done));
  };
  return { stream, sources, waits, events, states, pass };
}

test("a refused stream is opened again and resumes after the last event seen", async () => {
  const { stream, sources, events, pass } = harness();
  stream.start();
  sources[0]!.onopen!();
  sources[0]!.say("thing.updated", '{"id":"a"}', "41");
  sources[0]!.refuse();
  await pass();
  assert.equal(sources[1]!.url, "/events?last_event_id=41");
  assert.deepEqual(events, [["thing.updated", { id: "a" }]]);
});

test("the waits grow to a limit, and begin anew once a stream was open", async () => {
  const { stream, sources, waits, pass } = harness();
  stream.start();
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) {
    sources.at(-1)!.refuse();
    seen.push(waits[0]!.ms);
    await pass();
  }
  assert.ok(seen[1]! > seen[0]! && seen[2]! > seen[1]!);
  assert.ok(Math.max(...seen) <= 15_250);
  sources.at(-1)!.onopen!();
  sources.at(-1)!.refuse();
  assert.equal(waits[0]!.ms, seen[0]);
});

test("after a break the old stream is closed before a new one is opened: never two at once", async () => {
  const { stream, sources, states, pass } = harness();
  stream.start();
  sources[0]!.onopen!();
  sources[0]!.onerror!();
  assert.ok(sources[0]!.closed);
  assert.equal(states.at(-1), "lost");
  assert.equal(sources.length, 1);
  await pass();
  assert.equal(sources.length, 2);
});

test("a stream that may not come back, as nobody is signed in, ends", async () => {
  const { stream, sources, states, pass } = harness(async () => false);
  stream.start();
  sources[0]!.refuse();
  await pass();
  assert.equal(sources.length, 1);
  assert.equal(states.at(-1), "ended");
});

test("a failing question whether it may come back counts as yes: the controller may be restarting", async () => {
  const { stream, sources, pass } = harness(() => Promise.reject(new Error("no answer")));
  stream.start();
  sources[0]!.refuse();
  await pass();
  assert.equal(sources.length, 2);
});

test("nothing is heard of a stream that was ended or paused, and resuming goes on where it was", () => {
  const { stream, sources, events } = harness();
  stream.start();
  sources[0]!.say("thing.updated", "1", "7");
  stream.pause();
  assert.ok(sources[0]!.closed);
  sources[0]!.say("thing.updated", "2", "8");
  stream.resume();
  stream.resume();
  assert.equal(sources.length, 2);
  assert.equal(sources[1]!.url, "/events?last_event_id=7");
  stream.end();
  sources[1]!.say("thing.updated", "3", "9");
  stream.resume();
  assert.equal(sources.length, 2);
  assert.deepEqual(events, [["thing.updated", 1]]);
});

test("an event that is not JSON is passed over", () => {
  const { stream, sources, events } = harness();
  stream.start();
  sources[0]!.say("thing.updated", "{", "1");
  assert.deepEqual(events, []);
});
