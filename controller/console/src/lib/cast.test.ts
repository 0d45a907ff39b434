import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, CastPlayer, readCast, withoutIdle } from "./cast";

const head = '{"version": 2, "width": 80, "height": 24, "timestamp": 1790000000, "title": "term_1, deploy"}';
const cast = (...lines: string[]) => readCast([head, ...lines, ""].join("\n"));
const long = cast('[0.1, "o", "a"]', '[1.0, "o", "b"]', '[2.0, "r", "100x30"]', '[2.5, "o", "c"]', '[62.5, "o", "d"]');

/** A screen and a clock that do what the test says. */
async function stand(recording = long) {
  const screen = { text: "", size: "", held: [] as (() => void)[], holds: false };
  const later: { at: number; act: () => void }[] = [];
  let now = 0;
  const player = new CastPlayer(
    recording,
    {
      reset: (columns, rows) => {
        screen.text = "";
        screen.size = `${columns}x${rows}`;
      },
      resize: (columns, rows) => void (screen.size = `${columns}x${rows}`),
      write: (text, shown) => {
        screen.text += text;
        if (screen.holds) screen.held.push(shown);
        else shown();
      },
    },
    {
      now: () => now,
      later: (ms, act) => {
        const one = { at: now + ms, act };
        later.push(one);
        return () => void (later.includes(one) && later.splice(later.indexOf(one), 1));
      },
      changed: () => {},
    },
  );
  const settled = async () => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  await settled();
  return {
    player, screen, settled,
    /** So many seconds pass. */
    async pass(seconds: number) {
      const until = now + seconds * 1000;
      for (;;) {
        await settled();
        const due = later.filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        later.splice(later.indexOf(due), 1);
        now = Math.max(now, due.at);
        due.act();
      }
      now = until;
      await settled();
    },
  };
}

test("what is no recording is told, and what makes no sense in one is left out", () => {
  for (const text of ["", "{}", "[]", '{"version": 1, "width": 80, "height": 24}', '{"version": 2, "width": 0, "height": 24}', "not json"]) assert.throws(() => readCast(text), /no recording/);
  const some = cast('[0.5, "o", "x"]', '[0.4, "o", "y"]', '[1, "i", "typed"]', '[2, "r", "9999999x1"]', '["3", "o", "z"]', '[4, "o"]', '[5, "o", "half');
  assert.deepEqual(some.events, [{ at: 0.5, kind: "o", data: "x" }, { at: 0.5, kind: "o", data: "y" }]);
  assert.deepEqual([some.columns, some.rows], [80, 24]);
});

test("pauses are cut, and all that follows comes so much sooner", () => {
  assert.deepEqual(withoutIdle(long.events, 2).map((one) => one.at), [0.1, 1, 2, 2.5, 4.5]);
  assert.equal(clock(0), "0:00");
  assert.equal(clock(75.9), "1:15");
  assert.equal(clock(3661), "1:01:01");
});

test("it plays what was shown when it was shown, to its end, and then from the beginning", async () => {
  const { player, screen, pass } = await stand();
  assert.deepEqual([player.playing, player.at, player.lasts, screen.text, screen.size], [false, 0, 62.5, "", "80x24"]);
  player.play();
  await pass(0.5);
  assert.equal(screen.text, "a");
  await pass(1.9);
  assert.deepEqual([screen.text, screen.size], ["ab", "100x30"]);
  player.pause();
  await pass(100);
  assert.equal(screen.text, "ab");
  assert.ok(Math.abs(player.at - 2.4) < 0.001);
  player.speed = 4;
  player.play();
  await pass(14.9);
  assert.equal(screen.text, "abc");
  await pass(0.5);
  assert.deepEqual([screen.text, player.playing, player.at], ["abcd", false, 62.5]);
  player.play();
  await pass(0.05);
  assert.deepEqual([screen.text, screen.size], ["a", "80x24"]);
});

test("it goes anywhere, and back by beginning anew", async () => {
  const { player, screen, settled, pass } = await stand();
  player.seek(30);
  await settled();
  assert.deepEqual([screen.text, screen.size, player.at], ["abc", "100x30", 30]);
  player.seek(1.5);
  await settled();
  assert.deepEqual([screen.text, screen.size, player.at], ["ab", "80x24", 1.5]);
  player.seek(1e9);
  await settled();
  assert.deepEqual([screen.text, player.at], ["abcd", 62.5]);
  player.seek(-5);
  await settled();
  assert.deepEqual([screen.text, player.at], ["", 0]);
  player.seek(2.6);
  player.play();
  player.skipIdle(2);
  await pass(2.5);
  assert.equal(screen.text, "abcd");
  assert.equal(player.lasts, 4.5);
});

test("the place stays the same when pauses are cut, and when they come back", async () => {
  const { player, screen, settled } = await stand();
  player.seek(62.4);
  await settled();
  player.skipIdle(2);
  await settled();
  assert.deepEqual([player.at, screen.text], [4.5, "abcd"]);
  player.seek(2.7);
  player.skipIdle(Infinity);
  await settled();
  assert.deepEqual([screen.text, Math.round(player.at * 10)], ["abc", 27]);
});

test("a screen that is slow is waited for, and what was asked for meanwhile comes after it", async () => {
  const { player, screen, settled } = await stand();
  screen.holds = true;
  player.seek(1.5);
  await settled();
  assert.equal(screen.text, "ab");
  player.seek(0.2);
  player.seek(0.5);
  await settled();
  assert.equal(screen.text, "ab", "nothing is drawn over what is not shown yet");
  screen.held.shift()!();
  await settled();
  assert.equal(screen.text, "a");
  player.stop();
  screen.held.shift()!();
  await settled();
  player.play();
  player.stop();
  await settled();
  assert.equal(screen.text, "a");
});
