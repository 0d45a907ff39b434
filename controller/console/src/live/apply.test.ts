import { QueryClient } from "@tanstack/react-query";
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../api/keys";
import { backupsQuery } from "../api/backups";
import { operationsQuery } from "../api/operations";
import type { Backup, Environment, Operation, Release, Server, Webhook } from "../api/types";
import { applyOrgEvent } from "./apply";

const org = "org_1";
const server = (id: string, status: Server["status"] = "online") => ({ id, name: id, status }) as Server;
const operation = (id: string, state: Operation["state"], steps: Operation["steps"] = []) =>
  ({ id, state, steps, target: { type: "environment", id: "env_1", name: "e" } }) as Operation;

/** A cache, and the keys that were marked as no longer true. */
function held(entries: [readonly unknown[], unknown][]) {
  const client = new QueryClient();
  for (const [key, data] of entries) client.setQueryData(key, data);
  const stale = (key: readonly unknown[]) => client.getQueryState(key)?.isInvalidated ?? false;
  return { client, stale, tell: (name: string, data: unknown) => applyOrgEvent(client, org, name, data) };
}

test("a server that is told of changes in the list and on its page, and a new one joins the list", () => {
  const { client, tell } = held([
    [keys.servers(org), [server("srv_1")]],
    [keys.server(org, "srv_1"), server("srv_1")],
  ]);
  tell("server.updated", server("srv_1", "offline"));
  tell("server.updated", server("srv_2"));
  assert.deepEqual(client.getQueryData<Server[]>(keys.servers(org))!.map((s) => s.status), ["offline", "online"]);
  assert.equal(client.getQueryData<Server>(keys.server(org, "srv_1"))!.status, "offline");
  assert.equal(client.getQueryData(keys.server(org, "srv_2")), undefined, "nobody looks at its page");
});

test("a list that was never fetched is not begun by an event: it would look complete", () => {
  const { client, tell } = held([]);
  tell("server.updated", server("srv_1"));
  tell("environment.updated", { id: "env_1" } as Environment);
  assert.equal(client.getQueryData(keys.servers(org)), undefined);
  assert.equal(client.getQueryData(keys.environments(org)), undefined);
});

test("numbers are asked for again when a status changes, and not with each heartbeat", () => {
  const self = keys.self(org);
  const { stale, tell } = held([
    [keys.servers(org), [server("srv_1")]],
    [self, {}],
  ]);
  tell("server.updated", server("srv_1"));
  assert.equal(stale(self), false);
  tell("server.updated", server("srv_1", "offline"));
  assert.equal(stale(self), true);
});

test("what a server holds unknown is asked for again with its sign of life, and when an environment comes", () => {
  const [mine, other] = [keys.found(org, "srv_1"), keys.found(org, "srv_2")];
  const known = { id: "env_1", status: "running" } as Environment;
  const begin = () => held([[mine, []], [other, []], [keys.environments(org), [known]]]);
  const first = begin();
  first.tell("environment.updated", { ...known, status: "stopped" });
  assert.equal(first.stale(mine), false, "one that is known already was not found");
  first.tell("server.updated", server("srv_1"));
  assert.deepEqual([first.stale(mine), first.stale(other)], [true, false]);
  const second = begin();
  second.tell("environment.updated", { ...known, id: "env_2" });
  assert.equal(second.stale(mine), true, "it may be the one that was found, taken over in another window");
});

test("a step moves in every list that shows its operation", () => {
  const list = operationsQuery(org, { environment: "env_1" }).queryKey;
  const step = { name: "build", title: "Build", state: "pending", percent: null, started_at: null, finished_at: null, detail: null } as const;
  const { client, tell } = held([
    [list, { pages: [{ data: [operation("op_1", "running", [step])], next_cursor: null }], pageParams: [undefined] }],
    [keys.operation(org, "op_1"), operation("op_1", "running", [step])],
  ]);
  tell("operation.step", { operation_id: "op_1", step: { ...step, state: "running", percent: 40 } });
  const shown = client.getQueryData<{ pages: { data: Operation[] }[] }>(list)!.pages[0]!.data[0]!;
  assert.equal(shown.steps[0]!.percent, 40);
  assert.equal(client.getQueryData<Operation>(keys.operation(org, "op_1"))!.steps[0]!.state, "running");
});

test("an operation that no list has yet makes the lists be fetched: only the controller knows what fits a filter", () => {
  const list = operationsQuery(org, { state: "failed" }).queryKey;
  const { stale, tell } = held([[list, { pages: [{ data: [], next_cursor: null }], pageParams: [undefined] }]]);
  tell("operation.updated", operation("op_9", "queued"));
  assert.equal(stale(list), true);
});

test("a list of one state is fetched again when an operation in it moves on, others are not", () => {
  const running = operationsQuery(org, { state: "running" }).queryKey;
  const every = operationsQuery(org).queryKey;
  const page = { pages: [{ data: [operation("op_1", "running")], next_cursor: null }], pageParams: [undefined] };
  const { stale, tell } = held([
    [running, page],
    [every, page],
    [keys.operation(org, "op_1"), operation("op_1", "running")],
  ]);
  tell("operation.updated", operation("op_1", "running"));
  assert.equal(stale(running), false);
  tell("operation.updated", operation("op_1", "succeeded"));
  assert.equal(stale(running), true);
  assert.equal(stale(every), false);
});

test("a release is changed where it is held, and fetched where it is new", () => {
  const key = keys.releases(org, "env_1");
  const release = (id: string, state: Release["state"]) => ({ id, state, environment_id: "env_1" }) as Release;
  const { client, stale, tell } = held([[key, { pages: [{ data: [release("rel_1", "live")], next_cursor: null }], pageParams: [undefined] }]]);
  tell("release.updated", release("rel_1", "kept"));
  assert.equal(client.getQueryData<{ pages: { data: Release[] }[] }>(key)!.pages[0]!.data[0]!.state, "kept");
  assert.equal(stale(key), false);
  tell("release.updated", release("rel_2", "building"));
  assert.equal(stale(key), true);
});

test("what was deleted leaves its list", () => {
  const { client, tell } = held([[keys.environments(org), [{ id: "env_1" }, { id: "env_2" }]]]);
  tell("environment.deleted", { id: "env_1" });
  assert.deepEqual(client.getQueryData(keys.environments(org)), [{ id: "env_2" }]);
});

test("after a reset everything of the organization is asked for again, and nothing of another", () => {
  const { stale, tell } = held([
    [keys.servers(org), []],
    [keys.servers("org_2"), []],
  ]);
  tell("reset", {});
  assert.equal(stale(keys.servers(org)), true);
  assert.equal(stale(keys.servers("org_2")), false);
});

test("a backup that is told of changes where it is shown; one that is new, or of another state, has the lists asked for again", () => {
  const list = backupsQuery(org, {}).queryKey;
  const preview = [...keys.backups(org), "preview", "env_1", {}, "UTC"];
  const one = (id: string, state: Backup["state"], sent_bytes = 0) => ({ id, state, sent_bytes }) as Backup;
  const begin = () =>
    held([
      [list, { pages: [{ data: [one("bak_1", "running")], next_cursor: null }], pageParams: [undefined] }],
      [keys.backup(org, "bak_1"), one("bak_1", "running")],
      [preview, { data: [], stay: 0, go: 0 }],
    ]);
  const first = begin();
  first.tell("backup.updated", one("bak_1", "running", 5));
  assert.equal(first.client.getQueryData<Backup>(keys.backup(org, "bak_1"))!.sent_bytes, 5);
  assert.equal(first.client.getQueryData<{ pages: { data: Backup[] }[] }>(list)!.pages[0]!.data[0]!.sent_bytes, 5);
  assert.equal(first.stale(list), false);
  const ended = begin();
  ended.tell("backup.updated", one("bak_1", "succeeded"));
  assert.ok(ended.stale(list) && ended.stale(preview), "what would stay is another matter now");
  const fresh = begin();
  fresh.tell("backup.updated", one("bak_2", "running"));
  assert.ok(fresh.stale(list));
  const gone = begin();
  gone.tell("backup.deleted", { id: "bak_1" });
  assert.ok(gone.stale(list));
});

test("a policy is asked for again when the server says something new of its backups, and not with each event", () => {
  const policy = keys.policy(org, "env_1");
  const known = { id: "env_1", status: "running", backup: { next_backup_at: null }, last_operation: null } as unknown as Environment;
  const begin = () => held([[keys.environment(org, "env_1"), known], [policy, {}]]);
  const same = begin();
  same.tell("environment.updated", { ...known, status: "stopped" });
  assert.equal(same.stale(policy), false);
  const said = begin();
  said.tell("environment.updated", { ...known, backup: { ...known.backup, next_backup_at: "2026-11-29T02:30:00Z" } });
  assert.ok(said.stale(policy));
  const told = begin();
  told.tell("environment.updated", { ...known, last_operation: { kind: "backup.configure", state: "succeeded" } as Environment["last_operation"] });
  assert.ok(told.stale(policy));
});

test("what was sent to a webhook, and what came in by a push, is asked for again by whoever shows it", () => {
  const [sent, elsewhere] = [keys.deliveries(org, "whk_1"), keys.deliveries(org, "whk_2")];
  const [settings, pushes, others] = [keys.pushDeploy(org, "env_1"), keys.pushes(org, "env_1"), keys.pushes(org, "env_2")];
  const { stale, tell } = held([[sent, []], [elsewhere, []], [settings, {}], [pushes, []], [others, []]]);
  tell("webhook.delivery", { id: "msg_1", webhook_id: "whk_1" });
  assert.deepEqual([sent, elsewhere].map(stale), [true, false]);
  tell("push_deploy.updated", { environment_id: "env_1" });
  assert.deepEqual([settings, pushes, others].map(stale), [true, false, false]);
  tell("push.updated", { id: "psh_1", environment_id: "env_1" });
  assert.deepEqual([settings, pushes, others].map(stale), [true, true, false]);
});

test("a webhook that is stopped says so in the list and on its page", () => {
  const webhook = (state: Webhook["state"]) => ({ id: "whk_1", state }) as Webhook;
  const { client, tell } = held([[keys.webhooks(org), [webhook("active")]], [keys.webhook(org, "whk_1"), webhook("active")]]);
  tell("webhook.updated", webhook("failing"));
  assert.equal(client.getQueryData<Webhook[]>(keys.webhooks(org))![0]!.state, "failing");
  assert.equal(client.getQueryData<Webhook>(keys.webhook(org, "whk_1"))!.state, "failing");
});
