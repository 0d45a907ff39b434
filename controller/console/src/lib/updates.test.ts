import assert from "node:assert/strict";
import { test } from "node:test";
import { canUpdate, isOver, soakWords, stageName, stageSizes, stageWords, versions } from "./updates";

const none = { waiting: 0, updating: 0, healthy: 0, refused: 0, skipped: 0, failed: 0 };

test("a server can be updated that is there, knows how, and has another version", () => {
  const server = { status: "online" as const, agent: { version: "0.1.0", capability: 12 } };
  assert.ok(canUpdate(server, { version: "0.2.0" }));
  assert.ok(!canUpdate(server, { version: "0.1.0" }));
  assert.ok(!canUpdate(server, undefined));
  assert.ok(!canUpdate({ ...server, status: "offline" }, { version: "0.2.0" }));
  assert.ok(!canUpdate({ ...server, agent: { version: "0.1.0", capability: 11 } }, { version: "0.2.0" }));
  assert.ok(!canUpdate({ ...server, agent: { version: null, capability: null } }, { version: "0.2.0" }));
});

test("versions are counted, the most frequent first, without revoked servers", () => {
  const of = (version: string | null, status: "online" | "revoked" = "online") => ({ status, agent: { version, capability: 12 } });
  assert.deepEqual(versions([of("0.1.0"), of("0.2.0"), of("0.2.0"), of("0.1.0", "revoked"), of(null)]), [
    ["0.2.0", 2],
    ["0.1.0", 1],
    ["unknown", 1],
  ]);
});

test("a stage is told by its labels and by what its servers are at", () => {
  assert.equal(stageName({ labels: { ring: "canary", region: "fra" } }), "ring=canary region=fra");
  assert.equal(stageName({ labels: null }), "All others");
  assert.equal(stageWords({ servers: none }), "no server");
  assert.equal(stageWords({ servers: { ...none, healthy: 2, waiting: 1 } }), "2 of 3 are new, 1 to come");
  assert.equal(stageWords({ servers: { ...none, failed: 1 } }), "0 of 1 is new, 1 failed");
});

test("a server is of the first stage whose labels it has", () => {
  const of = (labels: Record<string, string>, status: "online" | "revoked" = "online") => ({ status, labels });
  const stages: { labels: Record<string, string> }[] = [{ labels: { ring: "canary" } }, { labels: { region: "fra" } }];
  assert.deepEqual(stageSizes([of({ ring: "canary", region: "fra" }), of({ region: "fra" }), of({}), of({}), of({ ring: "canary" }, "revoked")], stages), [1, 1, 2]);
});

test("how long a stage has to stay well, in words", () => {
  assert.match(soakWords(0), /at once/);
  assert.match(soakWords(600), /10 minutes/);
  assert.match(soakWords(3600), /1 hour /);
});

test("a roll-out is over when it neither runs nor waits for somebody", () => {
  assert.ok(!isOver({ state: "running" }) && !isOver({ state: "paused" }));
  assert.ok(isOver({ state: "stopped" }) && isOver({ state: "cancelled" }) && isOver({ state: "succeeded" }));
});
