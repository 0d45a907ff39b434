// Servers remember what they saw of the audit log: a controller whose past was rewritten is found by its agents.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe } from "node:test";
import type { Api } from "./lib/api.ts";
import { built } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import type { List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Witness {
  id: string;
  name: string;
  size: number;
  root: string;
  key: string;
  fork: { reason: string; at: string } | null;
}

interface Entry {
  action: string;
  actor: { type: string; id: string };
  result: string;
  after: { reason?: string } | null;
}

describe("the audit log's witnesses", () => {
  const world = worldOfSuite("\nagents:\n  facts: 5s\n");
  let on: Enrolled;

  before(async () => {
    on = await world.server("witness");
  });

  const witness = async (api: Api, org: string): Promise<Witness | undefined> =>
    (await api.get<List<Witness>>(`${org}/audit/witnesses`)).data.find((one) => one.id === on.server.id);

  /** Signed now. */
  const head = async (): Promise<{ size: number; key: string }> => (await world.api()).get(`${await world.org()}/audit/checkpoint`);

  const write = async (times: number, name: string): Promise<void> => {
    const api = await world.api();
    const org = await world.org();
    for (let i = 0; i < times; i++) await api.post(`${org}/registration-tokens`, { name: `${name} ${i}` });
  };

  const until = (what: string, good: (one: Witness) => boolean): Promise<Witness> =>
    world.until(what, 60_000, async (api, org) => {
      const one = await witness(api, org);
      return one && good(one) ? one : undefined;
    });

  const forks = async (): Promise<Entry[]> =>
    (await (await world.api()).get<List<Entry>>(`${await world.org()}/audit?action=audit`)).data.filter((one) => one.actor.id === on.server.id);

  const status = async (): Promise<string> => (await on.host.exec(["fairlead-agent", "status"], { check: false })).stdout;
  /** It is written a moment after the controller was told. */
  const says = (pattern: RegExp): Promise<true> => poll(`status says ${pattern}`, 30_000, async () => (pattern.test(await status()) ? true : undefined), 300);

  scenario(world, "hold the newest signed state, each going on from the one before", async () => {
    await write(3, "first");
    const first = await head();
    const seen = await until("the first state is held", (one) => one.size >= first.size);
    assert.equal(seen.key, first.key);
    assert.equal(seen.fork, null);
    await write(2, "second");
    const second = await head();
    await until("the second state is held", (one) => one.size >= second.size && one.fork === null);
    assert.equal((await on.host.sh("stat -c '%a %U' /var/lib/fairlead/link/witness.json")).trim(), "600 fairlead");
    assert.doesNotMatch(await status(), /FORKED/);
  });

  scenario(world, "raise the fork when the database is rolled back and written on, though it verifies by itself [X-AUD-02]", async () => {
    const controller = await world.controller();
    const copy = join(world.dir, "older.backup");
    const command = (...args: string[]) => run(built("controller/fairlead-controller"), [...args, "--config", controller.config]);
    await command("backup", copy);
    await write(4, "what somebody wants forgotten");
    const forgotten = await head();
    const held = await until("the state before is held", (one) => one.size >= forgotten.size);

    await controller.stop();
    await command("restore", copy);
    await controller.start();
    await world.signInAgain();
    await write(8, "what they say instead");
    assert.ok((await head()).size > held.size);
    assert.match((await command("audit", "verify")).stdout, /entries are what was written/);

    const alarm = await until("the fork is told", (one) => one.fork !== null);
    assert.match(alarm.fork!.reason, /before/);
    assert.equal(alarm.size, held.size);
    assert.equal(alarm.root, held.root);
    const entry = (await forks()).find((one) => one.action === "audit.fork_found");
    assert.ok(entry);
    assert.equal(entry.actor.type, "server");
    assert.equal(entry.result, "failed");
    assert.equal(entry.after?.reason, alarm.fork!.reason);
    assert.match(controller.log, /a server has seen another audit log than this one/);
    await says(/audit log: +FORKED, seen .*before/);
    // It is remembered over a restart of the agent, and so told to a controller that was restored once more.
    await on.host.sh("systemctl restart fairlead-link");
    await world.until("the server is back", 60_000, async (api, org) =>
      (await api.get<{ status: string }>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);
    await says(/FORKED/);
    assert.ok((await until("the fork is still told", () => true)).fork);
  });

  scenario(world, "take the log as it is when root on the server says so", async () => {
    assert.match(await on.host.sh("fairlead-agent forget-log && systemctl restart fairlead-link"), /has forgotten/);
    const now = await head();
    await until("the log of today is held", (one) => one.fork === null && one.size >= now.size);
    assert.doesNotMatch(await status(), /FORKED/);
    assert.ok((await forks()).some((one) => one.action === "audit.witness_reset"));
  });
});
