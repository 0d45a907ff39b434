// Recordings of terminals: made on a server, kept there alone, replayed by the API and in Chromium where the server's own policy says so.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { join as joined } from "./lib/people.ts";
import { Shell, type Ticket } from "./lib/terminal.ts";
import type { List, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Recording {
  id: string;
  user: string;
  columns: number;
  rows: number;
  began_ms: number;
  wrote_ms: number;
  bytes: number;
}
interface Entry {
  action: string;
  result: string;
  target: { id: string };
  after: Record<string, unknown> | null;
}

const kept = "/var/lib/fairlead/recordings";

describe("recordings of terminals", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  const mark = `SHOWN-${randomBytes(6).toString("hex")}`;
  let on: Enrolled, api: Api, org: string, of: string, web: Web, recorded: string;

  /** The policy's own sections, after what it came with. */
  const policy = (...lines: string[]): Promise<string> => on.host.sh(`cp /root/policy.yaml /etc/fairlead/policy.yaml; cat >>/etc/fairlead/policy.yaml <<'END'\n${lines.join("\n")}\nEND`);
  const terminals = ["terminal:", "  - allow: [deploy, root]"];
  const shown = ["recordings:", "  - allow: [deploy]"];
  const list = async (): Promise<Recording[]> => (await api.send("GET", of)).text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Recording);
  const entries = async (action: string): Promise<Entry[]> => (await api.get<List<Entry>>(`${org}/audit?action=${action}&limit=200`)).data;
  /** A terminal in which this is done, to its end; its id. */
  async function terminal(command: string, more: Record<string, unknown>): Promise<{ id: string; text: string }> {
    const ticket = await api.post<Ticket>(`${org}/servers/${on.server.id}/terminals`, { user: "deploy", columns: 100, rows: 30, ...more });
    const shell = await Shell.open(api, ticket);
    await shell.shows(/[$#] $/);
    shell.type(`${command}\r`);
    await shell.shows("all-42");
    shell.say({ type: "resize", columns: 90, rows: 20 });
    shell.type("exit\r");
    await shell.end();
    return { id: shell.id, text: shell.text };
  }

  before(async () => {
    on = await world.server("recorded");
    api = await world.api();
    org = await world.org();
    of = `${org}/servers/${on.server.id}/recordings`;
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    await on.host.sh("useradd --create-home --shell /bin/bash deploy; cp /etc/fairlead/policy.yaml /root/policy.yaml");
    await policy(...terminals);
    await on.host.sh("systemctl restart fairlead-link");
    await world.until("the controller knows whom the server allows", 60_000, async () => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      return now.status === "online" && now.terminal_users.length === 2 ? true : undefined;
    });
  });
  after(() => web?.close());

  scenario(world, "are made where somebody asks for it, who is told on the first line, and are root's alone", async () => {
    const without = await terminal("echo all-$((40 + 2))", {});
    assert.ok(!without.text.includes("is recorded"), without.text);
    const word = mark.slice(0, 8);
    const made = await terminal(`printf '\\033[1;31m%s%s\\033[0m\\n' ${word} ${mark.slice(8)}; sleep 4; echo all-$((40 + 2))`, { record: true });
    assert.match(made.text, /^This terminal is recorded on the server\.\r\n/);
    recorded = made.id;
    assert.equal((await on.host.sh(`stat -c '%U %a' ${kept} ${kept}/*.cast; ls ${kept}`)).trim(), `root 700\nroot 600\n${recorded}.cast`);
    const open = (await entries("terminal.open")).find((one) => one.after?.terminal === recorded);
    assert.equal(open?.after?.record, true);
  });

  scenario(world, "are shown of nobody unless the server's root says so, and the refusal says how", async () => {
    for (const path of [of, `${of}/${recorded}`]) {
      const refused = await api.send<Problem>("GET", path);
      assert.deepEqual([refused.status, refused.body.code], [409, "policy_refused"], refused.text);
      assert.match(refused.body.detail, /recordings/);
    }
    await policy(...terminals, "recordings:", "  - allow: [other]");
    assert.deepEqual(await list(), []);
    assert.equal((await api.send<Problem>("GET", `${of}/${recorded}`)).body.code, "policy_refused");
    await poll("the refusals are in the log", 15_000, async () => ((await entries("recordings.refuse")).filter((one) => one.result === "refused").length === 3 ? true : undefined));
  });

  scenario(world, "are listed and replayed as they were made, and each replay is in the audit log", async () => {
    await policy(...terminals, ...shown);
    const [one, ...more] = await list();
    assert.deepEqual(more, []);
    assert.deepEqual([one!.id, one!.user, one!.columns, one!.rows], [recorded, "deploy", 100, 30]);
    assert.ok(one!.wrote_ms >= one!.began_ms + 3000 && one!.wrote_ms - one!.began_ms < 120_000, JSON.stringify(one));
    const before = (await entries("recordings.replay")).length;
    const replay = await api.send("GET", `${of}/${recorded}`);
    assert.equal(replay.status, 200);
    assert.equal(replay.text, await on.host.sh(`cat ${kept}/${recorded}.cast`));
    assert.equal(one!.bytes, Buffer.byteLength(replay.text));
    const lines = replay.text.trimEnd().split("\n").map((line) => JSON.parse(line) as [number, string, string]);
    const said = lines.slice(1).filter(([, kind]) => kind === "o").map(([, , text]) => text).join("");
    assert.ok(said.includes(`\x1b[1;31m${mark}\x1b[0m`), said);
    assert.ok(lines.slice(1).some(([, kind, text]) => kind === "r" && text === "90x20"));
    const written = await entries("recordings.replay");
    assert.equal(written.length, before + 1);
    assert.deepEqual([written[0]!.target.id, written[0]!.after?.terminal], [on.server.id, recorded]);
    assert.equal((await entries("recordings.view")).filter((entry) => entry.result !== "refused").length, 1, "looking at the list again is no other look");
  });

  scenario(world, "are shown to nobody without the permission, in no other organization, and not under other names", async () => {
    const developer = await joined(api, org, "developer@example.org", "developer");
    assert.equal((await developer.api.send("GET", of)).status, 403);
    assert.equal((await developer.api.send("GET", `${of}/${recorded}`)).status, 403);
    const own = await developer.api.post<{ id: string }>("/api/v1/orgs", { name: "Elsewhere" });
    assert.equal((await developer.api.send("GET", `/api/v1/orgs/${own.id}/servers/${on.server.id}/recordings/${recorded}`)).status, 404);
    developer.api.close();
    const unknown = await api.send<Problem>("GET", `${of}/term_01JD8Q4M3N7V5X2K9B6T0W1YHZ`);
    assert.deepEqual([unknown.status, unknown.body.code], [409, "recording_not_offered"], unknown.text);
    for (const wrong of ["..%2F..%2Fexecutor%2Fjournal.db", "term_..", `${recorded}.cast`]) assert.ok((await api.send("GET", `${of}/${wrong}`)).status >= 400, wrong);
    // A link that somebody put there leads nowhere.
    await on.host.sh(`ln -s /etc/fairlead/policy.yaml ${kept}/term_01JD8Q4M3N7V5X2K9B6T0W1YHZ.cast`);
    assert.equal((await api.send<Problem>("GET", `${of}/term_01JD8Q4M3N7V5X2K9B6T0W1YHZ`)).body.code, "recording_not_offered");
    assert.equal((await list()).length, 1);
    await on.host.sh(`rm ${kept}/term_01JD8Q4M3N7V5X2K9B6T0W1YHZ.cast`);
  });

  scenario(world, "are made of every terminal where the policy says so, and root's are shown only where root is named", async () => {
    await policy(...terminals, "terminal_recording: always", "recordings:", "  - allow: ['*']");
    const mine = await terminal("echo all-$((40 + 2))", {});
    assert.match(mine.text, /^This terminal is recorded/);
    const roots = await terminal("echo all-$((40 + 2))", { user: "root" });
    assert.deepEqual((await list()).map((one) => one.id), [mine.id, recorded]);
    assert.equal((await api.send<Problem>("GET", `${of}/${roots.id}`)).body.code, "policy_refused");
    await policy(...terminals, "recordings:", "  - allow: [deploy, root]");
    assert.deepEqual((await list()).map((one) => one.id), [roots.id, mine.id, recorded]);
    await policy(...terminals, ...shown);
  });

  scenario(world, "are read by a process that sees them and nothing else of the agent's, and can do nothing", async () => {
    const unit = await on.host.sh("systemctl show -p CapabilityBoundingSet,ProtectSystem,PrivateNetwork,NoNewPrivileges fairlead-recordings@test.service");
    assert.match(unit, /^CapabilityBoundingSet=$/m);
    assert.match(unit, /^ProtectSystem=strict$/m);
    assert.match(unit, /^PrivateNetwork=yes$/m);
    const refused = await on.host.exec(["runuser", "-u", "deploy", "--", "test", "-w", "/run/fairlead/recordings.sock"], { check: false });
    assert.notEqual(refused.code, 0, "another user may connect");
  });

  scenario(world, "are played in the console", async () => {
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    await page.goto(`${web.origin}${own}/servers/${on.server.id}/recordings`);
    await page.getByRole("table", { name: "Recordings" }).waitFor();
    assert.deepEqual(await axe(page), [], "the list");
    await page.locator(`a[href$="${recorded}"]`).first().click();
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await page.locator(".xterm-rows").getByText(mark).first().waitFor();
    // Four seconds of nothing are two.
    await page.getByRole("button", { name: "Play", exact: true }).waitFor({ timeout: 20_000 });
    await page.locator(".xterm-rows").getByText("all-42").first().waitFor();
    // Back to the beginning, and paused there.
    await page.getByRole("slider", { name: "Place in the recording" }).press("Home");
    await page.locator(".xterm-rows").getByText("all-42").first().waitFor({ state: "detached" });
    await looksGood(page, "a replay", "console-replay");
    await web.closeWindows();
    await policy(...terminals);
    const none = await web.signedIn();
    await none.goto(`${web.origin}${own}/servers/${on.server.id}/recordings`);
    await none.getByText("This server shows no recordings").waitFor();
    assert.deepEqual(await axe(none), [], "none shown");
    await web.closeWindows();
    await policy(...terminals, ...shown);
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "are forgotten after 30 days, also where nobody records any more", async () => {
    await on.host.sh(`touch -d '31 days ago' ${kept}/${recorded}.cast; systemctl stop fairlead-executor.service; systemctl start fairlead-executor.service`);
    await poll("it is gone", 15_000, async () => ((await on.host.sh(`ls ${kept}`)).includes(recorded) ? undefined : true));
    assert.ok(!(await list()).some((one) => one.id === recorded));
  });

  scenario(world, "leave nothing at the controller", async () => {
    const { dir } = await world.controller();
    const files = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name))).filter((path) => statSync(path).isFile());
    assert.ok(files.length > 3);
    assert.deepEqual(files.filter((path) => readFileSync(path).includes(mark)), []);
  });
});
