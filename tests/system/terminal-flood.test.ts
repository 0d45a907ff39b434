// What a terminal may cost: floods, garbage, resizes, a reader who takes nothing, and as many terminals as a server may have.
//
// Memory is what the agent's link and terminals, and the controller, have of their own (Private_Dirty). Its limits come from the windows: of an open
// terminal the controller keeps 256 KiB for the browser and 256 KiB in its stream, the link 64 KiB beyond what the stream's window lets it send, and as much of that window
// (256 KiB) as has not arrived, the process 16 KiB. What allocators add is allowed for. A flood that were kept would be hundreds of megabytes.
//
// That Ctrl-C acts whatever the reader does is shown by what the reader has taken: nothing, from before the byte until the program is gone. How long it takes is
// a number of tests/bench (row `terminal`), where nothing else runs.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { agentPrivateKib, FloodReader, pidsOf, privateKib, windows } from "./lib/flood.ts";
import { join as joined } from "./lib/people.ts";
import { askFor } from "./lib/terminal.ts";
import type { Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const most = 200;
const ofPerson = 16;
/** KiB that a flood may cost, of one terminal that is open, at either end. */
const share = { agent: 512, controller: 768 };
/** KiB that the controller may have more for what else it does: SQLite's pages, events, its threads' arenas. */
const besides = 8 * 1024;
/** KiB of a terminal at its prompt: a process of the agent's. */
const atPrompt = 2 * 1024;

interface Memory {
  agent: number;
  controller: number;
}

describe("floods in terminals", () => {
  const world = worldOfSuite("\nconnections_per_address: 20000\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  const flood = `flood-${randomBytes(3).toString("hex")}`;
  const people: Api[] = [];
  let on: Enrolled, api: Api, org: string, link: string;

  const open = async (who = api): Promise<FloodReader> => {
    const reader = await FloodReader.open(who, await askFor(who, org, on.server.id, "deploy"));
    await reader.shows(/[$#] $/, 120_000);
    return reader;
  };
  const memory = async (): Promise<Memory> => ({ agent: (await agentPrivateKib(on.host)).kib, controller: privateKib((await world.controller()).pid) });
  const linkPid = async (): Promise<string> => (await on.host.sh("systemctl show -P MainPID fairlead-link.service")).trim();
  /** The same process as at the beginning, and it works. */
  async function agentLives(): Promise<void> {
    assert.equal(await linkPid(), link, "the link is another process");
    assert.equal((await api.get<Server>(`${org}/servers/${on.server.id}`)).status, "online");
    await world.succeeded(await api.post<Operation>(`${org}/servers/${on.server.id}/ping`), 60_000);
  }
  function bounded(from: Memory, now: Memory, terminals: number, when: string): void {
    const agent = now.agent - from.agent;
    const controller = now.controller - from.controller;
    assert.ok(agent <= terminals * share.agent, `${when}: the agent has ${agent} KiB more for ${terminals} terminals`);
    assert.ok(controller <= terminals * share.controller + besides, `${when}: the controller has ${controller} KiB more for ${terminals} terminals`);
  }

  before(async () => {
    on = await world.server("floods");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    await on.host.sh(`useradd --create-home --shell /bin/bash deploy
      cp /usr/bin/yes /usr/local/bin/${flood}
      cat >/usr/local/bin/escapes <<'END'
#!/bin/sh
yes "$(printf '\\033[38;2;1;2;3m\\033[2J\\033[1000;1000H\\033]0;title\\007\\033[?1049h\\033[?1049l\\033[6n\\033P+q\\033\\\\\\033[999999b')" | head -c 50000000
END
      chmod +x /usr/local/bin/escapes
      printf 'terminal:\\n  - allow: [deploy]\\n' >>/etc/fairlead/policy.yaml
      systemctl restart fairlead-link`);
    await world.until("the controller knows whom the server allows", 60_000, async () => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      return now.status === "online" && now.terminal_users.includes("deploy") ? true : undefined;
    });
    link = await linkPid();
    people.push(api);
    while (people.length * ofPerson < most) people.push((await joined(api, org, `sitter-${people.length}@example.org`, "admin")).api);
  });
  after(() => people.slice(1).forEach((one) => one.close()));

  /** 50 MB, every byte of them. */
  async function escapes(shell: FloodReader): Promise<void> {
    const from = shell.received;
    await shell.run("stty -opost; escapes; stty opost; echo all-$((50 * 2))", "all-100", 120_000);
    assert.ok(shell.received - from >= 50_000_000, `${shell.received - from} bytes came`);
  }
  /** Bytes of every kind, both ways. */
  async function garbage(shell: FloodReader): Promise<void> {
    const from = shell.received;
    await shell.run("stty -opost; head -c 20000000 /dev/urandom; stty sane; echo; echo all-$((50 * 3))", "all-150", 120_000);
    assert.ok(shell.received - from >= 20_000_000, `${shell.received - from} bytes came`);
    const typed = randomBytes(400_000);
    await shell.run(`stty raw -echo; echo ready-$((40 + 2)); head -c ${typed.length} | md5sum; stty sane`, "ready-42");
    await shell.paste(typed);
    await shell.shows(createHash("md5").update(typed).digest("hex"), 60_000);
  }
  /** While it floods; the last size counts. */
  async function resizes(shell: FloodReader): Promise<void> {
    await shell.run(flood, "y\r\ny\r\n");
    for (let i = 0; i < 4000; ++i) {
      shell.say({ type: "resize", columns: 20 + (i % 180), rows: 10 + (i % 60) });
      if (i % 100 === 99) await pause(5);
    }
    shell.say({ type: "resize", columns: 111, rows: 33 });
    shell.type("\x03");
    await shell.shows(/\^C[^]*[$#] $/);
    await shell.run("stty size", "33 111");
  }

  scenario(world, "cost no memory: a minute of `yes` with a slow reader, beside 50 MB of escape sequences, garbage and resizes; and Ctrl-C is not behind them [X-TERM-01]", async () => {
    const [slow, other] = [await open(), await open()];
    const from = await memory();
    slow.takesAll = false;
    slow.type(`${flood}\r`);
    await slow.until("a window of it has come", 30_000, () => slow.waiting >= windows.output);
    const samples: Memory[] = [];
    let broken: unknown;
    const beside = (async () => {
      for (const one of [escapes, garbage, resizes]) await one(other);
    })().catch((error: unknown) => (broken = error));
    const began = Date.now();
    for (let turn = 0; Date.now() - began < 60_000; ++turn) {
      await pause(500);
      assert.ok(slow.waiting <= windows.output, `${slow.waiting} bytes came unasked`);
      slow.take(64 * 1024);
      if (turn % 6 === 5) samples.push(await memory());
    }
    await beside;
    if (broken) throw broken as Error;
    assert.ok(samples.length >= 5, "it was looked at too seldom");
    for (const [i, now] of samples.entries()) bounded(from, now, 2, `look ${i + 1} of ${samples.length}`);
    assert.ok(slow.taken >= 2_000_000, `the slow reader got ${slow.taken} bytes`);

    // From here on it takes nothing.
    await slow.until("the window is full again", 30_000, () => slow.waiting >= windows.output);
    for (let round = 0; round < 5; ++round) {
      const [taken, running] = [slow.taken, pidsOf(flood)];
      assert.equal(running.length, 1);
      slow.type("\x03");
      await poll("Ctrl-C ends it", 30_000, async () => (pidsOf(flood).length === 0 ? true : undefined), 5);
      assert.equal(slow.taken, taken, "the reader took something");
      slow.takesAll = true;
      slow.take();
      await slow.shows(/\^C[^]*[$#] $/);
      if (round === 4) break;
      slow.takesAll = false;
      slow.type(`${flood}\r`);
      await slow.until("a window of it has come", 30_000, () => slow.waiting >= windows.output);
    }
    bounded(from, await memory(), 2, "afterwards");
    for (const shell of [slow, other]) {
      shell.type("exit\r");
      await shell.until("it ends", 15_000, () => shell.ended !== undefined);
      shell.close();
    }
    await agentLives();
  });

  scenario(world, "whose program reads nothing of what is typed end with their access, as others do", async () => {
    const shell = await open();
    await shell.run("stty raw -echo; echo ready-$((40 + 2)); sleep 86399", "ready-42");
    const pasting = shell.paste(randomBytes(4_000_000)).catch(() => undefined);
    await poll("nothing more is taken", 60_000, async () => (shell.passed > 0 && Date.now() - shell.passedAt > 2000 ? true : undefined));
    assert.ok(shell.typed < 4_000_000, "nothing held it up");
    await api.call("DELETE", `${org}/servers/${on.server.id}/terminals/${shell.id}`);
    await shell.until("it is told", 15_000, () => shell.ended !== undefined);
    shell.close();
    await poll("its program is gone", 15_000, async () => ((await on.host.sh("pgrep -f '^sleep 86399' || true")).trim() ? undefined : true));
    await pasting;
  });

  scenario(world, "of 200 terminals at once, whose readers take nothing, are bounded, and Ctrl-C ends each; one more is refused [X-TERM-01]", async () => {
    await poll("nothing of those before is left", 60_000, async () => ((await agentPrivateKib(on.host)).processes === 1 ? true : undefined));
    const from = await memory();
    const seats = Array.from({ length: most }, (_, i) => people[Math.floor(i / ofPerson)]!);
    const shells: FloodReader[] = [];
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let who = seats.shift(); who; who = seats.shift()) shells.push(await open(who));
    }));
    assert.equal((await agentPrivateKib(on.host)).processes, most + 1);
    const opened = await memory();
    assert.ok(opened.agent - from.agent <= most * atPrompt, `the agent has ${opened.agent - from.agent} KiB for ${most} terminals`);
    const refused = await people.at(-1)!.send<Problem>("POST", `${org}/servers/${on.server.id}/terminals`, { body: { user: "deploy" } });
    assert.deepEqual([refused.status, refused.body.code], [409, "too_many_terminals"], refused.text);
    assert.match(refused.body.detail, /200 terminals/);
    for (const shell of shells) {
      shell.takesAll = false;
      shell.type(`${flood}\r`);
    }
    for (const shell of shells) await shell.until("a window of it has come", 120_000, () => shell.waiting >= windows.output);
    bounded(opened, await memory(), most, "with 200 floods");
    assert.equal(pidsOf(flood).length, most);
    const taken = shells.map((shell) => shell.taken);
    for (const shell of shells) shell.type("\x03");
    await poll("Ctrl-C ends all of them", 60_000, async () => (pidsOf(flood).length === 0 ? true : undefined));
    assert.deepEqual(shells.map((shell) => shell.taken), taken, "a reader took something");
    await agentLives();
    for (const shell of shells) shell.say({ type: "close" });
    for (const shell of shells) {
      await shell.until("it ends", 60_000, () => shell.ended !== undefined);
      shell.close();
    }
    await poll("nothing of them is left", 60_000, async () => ((await agentPrivateKib(on.host)).processes === 1 ? true : undefined));
    assert.equal((await on.host.sh("pgrep -u deploy || true")).trim(), "");
    await agentLives();
  });
});
