import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Webhook, WebhookEvent } from "../api/types";
import { graces } from "./graces";
import { allEvents, bodyOf, chosenWords, cureOf, draftOf, inTrouble, laidOut, nameOf } from "./webhooks";

const contract = readFileSync("../../proto/openapi.yaml", "utf8");
const webhook = { url: "https://hooks.example.org/fairlead", description: "", events: [] as WebhookEvent[] } as Webhook;

test("the form offers every event of the contract, each once", () => {
  const [, listed = ""] = /\n    WebhookEvent:\n[\s\S]*?enum:\n((?: {8}- .*\n)+)/.exec(contract) ?? [];
  const wanted = [...listed.matchAll(/- (\S+)/g)].map(([, code]) => code);
  assert.ok(wanted.length > 10);
  assert.deepEqual([...allEvents].sort(), wanted.sort());
});

test("every code that the contract names has a cure", () => {
  const [, listed = ""] = /\n    WebhookError:\n[\s\S]*?code: (.*)\n/.exec(contract) ?? [];
  const codes = [...listed.matchAll(/`(\w+)`/g)].map(([, code]) => code!);
  assert.ok(codes.length > 8);
  for (const code of codes) assert.match(cureOf({ code, message: "" }, code === "answered_badly" ? 500 : null), /\.$/, code);
});

test("a bad answer's cure depends on what was answered", () => {
  const said = [401, 404, 413, 429, 503, 302].map((status) => cureOf({ code: "answered_badly", message: "" }, status));
  assert.equal(new Set(said).size, said.length);
  assert.match(said[0]!, /secret/);
  assert.equal(cureOf({ code: "something_new", message: "" }, null), "", "the error's own sentence is enough");
});

test("none chosen means all to the API, so a form with a choice and nothing chosen is not sent", () => {
  assert.deepEqual(bodyOf(draftOf({ ...webhook, description: "Chat" })), { url: webhook.url, description: "Chat", events: [] });
  const some = draftOf({ ...webhook, events: ["server.offline", "backup.failed"] });
  assert.equal(some.all, false);
  assert.deepEqual(bodyOf(some)!.events, ["backup.failed", "server.offline"], "in the table's order");
  assert.equal(bodyOf({ ...some, chosen: [] }), null);
  assert.deepEqual(bodyOf({ ...some, all: true })!.events, []);
  assert.equal(bodyOf({ ...draftOf(null), url: "  " }), null);
});

test("a webhook without a description goes by its host", () => {
  assert.equal(nameOf(webhook), "hooks.example.org");
  assert.equal(nameOf({ ...webhook, description: "Chat" }), "Chat");
  assert.equal(nameOf({ url: "not an address", description: "" }), "not an address");
});

test("few events are named, many are counted by subject", () => {
  assert.equal(chosenWords([]), "all events");
  assert.equal(chosenWords(["backup.failed"]), "backup.failed");
  assert.equal(chosenWords(["backup.failed", "drill.failed", "server.offline"]), "3 events: backups, servers");
});

test("a body is laid out for reading, and one that is no JSON is shown as it is", () => {
  assert.equal(laidOut('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
  assert.equal(laidOut("{"), null);
});

test("no grace is longer than the controller takes", () => {
  const [, most] = /grace_s: \{ type: integer, minimum: 0, maximum: (\d+)/.exec(contract)!;
  for (const { value } of graces) assert.ok(Number(value) <= Number(most), value);
});

test("an active webhook whose newest attempt failed does not get through", () => {
  const of = (state: Webhook["state"], last_delivered_at: string | null, last_failed_at: string | null) => inTrouble({ state, last_delivered_at, last_failed_at });
  const [early, late] = ["2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z"];
  assert.equal(of("active", null, null), false);
  assert.equal(of("active", early, late), true);
  assert.equal(of("active", null, late), true);
  assert.equal(of("active", late, early), false);
  assert.equal(of("failing", early, late), false, "that has a word of its own");
});
