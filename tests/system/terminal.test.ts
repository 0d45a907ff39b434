// Terminals: a shell of a real server, by the WebSocket as the console has it, and by the console in Chromium.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api, Problem } from "./lib/api.ts";
import { axe, overflow, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { artifacts, folder } from "./lib/paths.ts";
import { join as joined, signIn } from "./lib/people.ts";
import { askFor, Shell, type Ticket, upgrade } from "./lib/terminal.ts";
import type { List, Server } from "./lib/types.ts";
import { within } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Entry {
  action: string;
  result: string;
  actor: { label?: string; email?: string };
  target: { type: string; id: string; name: string };
  after: Record<string, unknown> | null;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe("terminals", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  let on: Enrolled, api: Api, org: string, web: Web;

  /** Root lets terminals be opened as these; none: the section is not there. */
  async function allow(...users: string[]): Promise<void> {
    await on.host.sh("cp /root/policy.yaml /etc/fairlead/policy.yaml");
    if (users.length) await on.host.sh(`printf 'terminal:\\n  - allow: [${users.join(", ")}]\\n' >>/etc/fairlead/policy.yaml`);
  }
  /** The agent says anew whom it allows. */
  async function tellAnew(...users: string[]): Promise<void> {
    await on.host.sh("systemctl restart fairlead-link");
    await world.until("the controller knows whom the server allows", 60_000, async () => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      return now.status === "online" && JSON.stringify(now.terminal_users) === JSON.stringify(users) ? true : undefined;
    });
  }
  const ask = (who = api, user = "deploy"): Promise<Ticket> => askFor(who, org, on.server.id, user);
  const open = async (who = api): Promise<Shell> => {
    const shell = await Shell.open(who, await ask(who));
    await shell.shows(/[$#] $/);
    return shell;
  };
  const entries = async (action: string): Promise<Entry[]> => (await api.get<List<Entry>>(`${org}/audit?action=${action}&limit=200`)).data;
  const list = async (): Promise<{ id: string; state: string }[]> => (await api.get<{ data: { id: string; state: string }[] }>(`${org}/servers/${on.server.id}/terminals`)).data;

  before(async () => {
    on = await world.server("shells");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    await on.host.sh("useradd --create-home --shell /bin/bash deploy; cp /etc/fairlead/policy.yaml /root/policy.yaml");
  });
  after(() => web?.close());

  scenario(world, "are opened as nobody unless the server's root allows it, and the refusal says how", async () => {
    const refused = await api.send<Problem>("POST", `${org}/servers/${on.server.id}/terminals`, { body: { user: "deploy" } });
    assert.deepEqual([refused.status, refused.body.code], [409, "terminals_not_allowed"], refused.text);
    assert.match(refused.body.detail, /terminal:\n {2}- allow: \[deploy\]/);
    await allow("deploy");
    await tellAnew("deploy");
    const root = await api.send<Problem>("POST", `${org}/servers/${on.server.id}/terminals`, { body: { user: "root" } });
    assert.deepEqual([root.status, root.body.code], [409, "terminal_user_not_allowed"], root.text);
  });

  scenario(world, "run commands as that user, follow the window's size, and tell the exit code [S-TERM-01] [S-TERM-06]", async () => {
    const shell = await open();
    shell.type("id -un; tty; stty size\r");
    await shell.shows(/deploy\r\n\/dev\/pts\/\d+\r\n24 80/);
    shell.say({ type: "resize", columns: 132, rows: 50 });
    const from = shell.text.length;
    shell.type("stty size\r");
    await shell.shows("50 132", 15_000, from);
    assert.deepEqual((await list()).map((one) => one.state), ["open"]);
    shell.type("exit 7\r");
    const end = await shell.end();
    assert.deepEqual([end.reason, end.code], ["exited", 7]);
  });

  scenario(world, "open by a ticket of the controller's alone: for one user, session and address, for 30 s, once [S-TERM-02] [S-TERM-03] [S-TERM-04] [S-TERM-08] [S-GEN-08]", async () => {
    const refused = async (who: Api, id: string, ticket: string): Promise<void> => {
      const { status, socket } = await upgrade(who, id);
      if (!socket) return assert.equal(status, 404);
      socket.send(JSON.stringify({ type: "open", ticket }));
      assert.deepEqual(await within("the refusal", 15_000, () => socket.closed), { code: 4401, reason: "ticket_refused" });
      assert.deepEqual(socket.texts, []);
    };
    const made = await ask();
    const [text, signature] = made.ticket.split(".") as [string, string];
    const said = JSON.parse(Buffer.from(text.slice(5), "base64url").toString()) as Record<string, unknown>;
    assert.equal(said.unix_user, "deploy");
    assert.equal(said.server, on.server.id);
    assert.ok(Number(said.expires) - Date.now() <= 31_000);
    const forged = `fltk_${Buffer.from(JSON.stringify({ ...said, unix_user: "root" })).toString("base64url")}.${signature}`;
    const other = signature.startsWith("A") ? "B" : "A";
    for (const wrong of [forged, `${text}.${other}${signature.slice(1)}`, `${text.slice(0, -1)}.${signature}`, signature, ""]) await refused(api, made.terminal.id, wrong);

    // Another session of the same person, and another person.
    const again = await signIn(api.stranger(), admin.email, admin.password);
    await refused(again.api, made.terminal.id, made.ticket);
    const colleague = await joined(api, org, "other-admin@example.org", "admin");
    await refused(colleague.api, made.terminal.id, made.ticket);
    // Without a session, and from another site's page.
    assert.equal((await upgrade(api.stranger(), made.terminal.id, { Cookie: "" })).status, 401);
    assert.equal((await upgrade(api, made.terminal.id, { Origin: "https://evil.example" })).status, 403);
    assert.equal((await upgrade(api, made.terminal.id, { Origin: "" })).status, 403);
    // No id of one's own choice.
    assert.equal((await upgrade(api, "term_01JD8Q4M3N7V5X2K9B6T0W1YHZ")).status, 404);
    assert.equal((await api.send("GET", `/api/v1/terminals/${made.terminal.id}`)).status, 426);

    const shell = await Shell.open(api, made);
    await shell.shows(/[$#] $/);
    await refused(api, made.terminal.id, made.ticket);
    shell.say({ type: "close" });
    assert.equal((await shell.end()).reason, "closed");
    const late = await ask();
    await pause(30_500);
    await refused(api, late.terminal.id, late.ticket);
    again.api.close();
    colleague.api.close();
  });

  scenario(world, "are not offered without TLS [S-TLS-03]", async () => {
    const { port, address } = await world.controller();
    const said = await on.host.exec(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
      "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", `http://${address}:${port}/api/v1/terminals/x`], { check: false });
    assert.equal(said.stdout, "308");
  });

  scenario(world, "hold up a program that nobody reads, and Ctrl-C ends it all the same", async () => {
    const shell = await open();
    shell.takes = false;
    const before = shell.output.length;
    shell.type("yes 0123456789 | head -c 50000000; echo done\r");
    await shell.until("a window of it has come", 30_000, () => shell.output.length - before >= 200 * 1024);
    await pause(3000);
    assert.ok(shell.output.length - before <= 260 * 1024, `${shell.output.length - before} bytes came unasked`);
    const waits = await on.host.sh("ps -o stat=,args= -u deploy | grep '[y]es 0123' || true");
    assert.match(waits, /yes 0123/, "it waits for its reader");
    shell.type("\x03");
    await pause(500);
    shell.takes = true;
    shell.take();
    await shell.until("the prompt is back", 30_000, () => /\^C[^]*[$#] $/.test(shell.text.slice(-400)));
    assert.equal((await on.host.sh("pgrep -u deploy yes || true")).trim(), "");
    const from = shell.text.length;
    shell.type("echo still $((40 + 2))\r");
    await shell.shows("still 42", 15_000, from);
    // A slow reader gets every byte of what it lets come.
    shell.takes = false;
    const start = shell.output.length;
    shell.type("seq 1 100000; echo end-of-$((6 * 7))\r"); // not what its echo says
    while (!shell.text.slice(start).includes("end-of-42\r\n")) {
      await pause(20);
      shell.take();
    }
    // The shell switches the pasting mode off before the first one.
    const numbers = [...shell.text.slice(start).matchAll(/(?<=[\r\n])(\d+)\r\n/g)].map((one) => Number(one[1]));
    assert.equal(numbers.length, 100_000);
    assert.ok(numbers.every((one, i) => one === i + 1));
    shell.takes = true;
    shell.type("exit\r");
    await shell.end();
  });

  scenario(world, "go on after 20 s without the server's link, with not a byte lost [X-NET-01]", async () => {
    const shell = await open();
    const start = shell.output.length;
    shell.type("for i in $(seq 1 300); do echo line-$i; sleep 0.1; done; echo all-$((3 * 100))-lines\r");
    await shell.shows("line-20\r\n", 30_000, start);
    const { address, port } = await world.controller();
    await on.host.sh(`nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'
      nft add rule inet cut out ip daddr ${address} tcp dport ${port} drop`);
    await pause(10_000);
    shell.type("echo typed-meanwhile\r");
    await pause(10_000);
    await on.host.sh("nft delete table inet cut");
    await shell.shows("all-300-lines\r\n", 120_000, start);
    await shell.shows("typed-meanwhile\r\n", 15_000, start);
    const lines = [...shell.text.slice(start).matchAll(/line-(\d+)\r\n/g)].map((one) => Number(one[1]));
    assert.deepEqual(lines, Array.from({ length: 300 }, (_, i) => i + 1));
    shell.type("exit\r");
    assert.equal((await shell.end()).code, 0);
  });

  scenario(world, "go on over another connection of their browser, in both directions at the right byte [X-NET-01]", async () => {
    const shell = await open();
    const start = shell.output.length;
    shell.type("for i in $(seq 1 400); do echo row-$i; sleep 0.02; done; echo all-$((4 * 100))-rows\r");
    for (let round = 0; round < 5; round += 1) {
      await pause(700);
      shell.break();
      await pause(300);
      await shell.resume();
    }
    await shell.shows("all-400-rows\r\n", 60_000, start);
    const rows = [...shell.text.slice(start).matchAll(/row-(\d+)\r\n/g)].map((one) => Number(one[1]));
    assert.deepEqual(rows, Array.from({ length: 400 }, (_, i) => i + 1));
    const old = shell.secret;
    shell.break();
    await pause(300);
    await shell.resume();
    shell.type("exit\r");
    await shell.end();
    const { socket } = await upgrade(api, shell.id);
    socket?.send(JSON.stringify({ type: "resume", secret: old, received: 0 }));
    if (socket) assert.equal((await socket.closed).code, 4404);
  });

  /** How long it takes until the connection is told, and the shell gone. */
  async function endsAfter(shell: Shell, act: () => Promise<unknown>, reason: string | RegExp): Promise<void> {
    await act();
    const told = Date.now();
    const end = await shell.end(10_000);
    assert.ok(Date.now() - told <= 1000, `${end.reason} after ${Date.now() - told} ms`);
    assert.match(end.reason, typeof reason === "string" ? new RegExp(`^${reason}$`) : reason);
  }

  scenario(world, "end within a second when session, role or membership ends, or somebody ends them", async () => {
    const cases: [string, (person: Awaited<ReturnType<typeof joined>>, shell: Shell) => Promise<unknown>, string][] = [
      ["signs out", (person) => person.api.call("DELETE", "/api/v1/session"), "access_ended"],
      ["role", (person) => api.call("PATCH", `${org}/members/${person.user}`, { body: { role: "viewer" } }), "access_ended"],
      ["removed", (person) => api.call("DELETE", `${org}/members/${person.user}`), "access_ended"],
      ["ended", (_, shell) => api.call("DELETE", `${org}/servers/${on.server.id}/terminals/${shell.id}`), "ended_by_other"],
    ];
    for (const [name, act, reason] of cases) {
      const person = await joined(api, org, `${name.replace(" ", "-")}@example.org`, "admin");
      const shell = await open(person.api);
      await endsAfter(shell, () => act(person, shell), reason);
      person.api.close();
    }
    assert.deepEqual(await list(), []);
  });

  scenario(world, "are in the audit log with their opening, their end and how it came to it [S-AUD-14]", async () => {
    const shell = await open();
    shell.type("exit 3\r");
    await shell.end();
    const of = (all: Entry[]): Entry | undefined => all.find((one) => one.after?.terminal === shell.id);
    for (const action of ["terminal.ticket", "terminal.open", "terminal.close"]) {
      const entry = await world.until(`${action} is in the log`, 15_000, async () => of(await entries(action)));
      assert.deepEqual([entry.target.type, entry.target.id, entry.after!.user], ["server", on.server.id, "deploy"], action);
    }
    const close = of(await entries("terminal.close"))!;
    assert.equal(close.after!.reason, "exited");
    assert.equal(close.after!.code, 3);
    assert.ok(Number.isInteger(close.after!.lasted_s));
  });

  scenario(world, "are refused by the server's own policy whatever the controller thinks, and the refusal is in the log [X-POL-01]", async () => {
    await allow(); // the controller has not heard of it
    const shell = await Shell.open(api, await ask());
    const end = await shell.end();
    assert.equal(end.reason, "policy_refused");
    const entry = await world.until("the refusal is in the log", 15_000, async () => (await entries("terminal.refuse")).find((one) => one.after?.terminal === shell.id));
    assert.equal(entry.result, "refused");
    await allow("deploy");
  });

  const typeInto = async (page: Page, text: string): Promise<void> => {
    await page.locator(".xterm-helper-textarea").focus();
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
  };

  scenario(world, "are opened and used in the console, with nothing kept in the browser [S-TERM-01] [S-TERM-05]", async () => {
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    await page.goto(`${new URL(page.url()).pathname.split("/").slice(0, 3).join("/")}/servers/${on.server.id}`);
    await page.getByRole("button", { name: "Terminal", exact: true }).click();
    await page.getByRole("button", { name: "Open terminal" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await typeInto(page, "echo shown-$((6 * 7))");
    await page.locator(".xterm-rows").getByText("shown-42").first().waitFor();
    assert.deepEqual(await axe(page), [], "an open terminal");
    await page.screenshot({ path: join(folder(artifacts), "console-terminal-light.png") });
    const kept = await page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), indexedDB.databases ? 1 : 0])");
    assert.ok(!/fltk_|fltr_|PRIVATE KEY/.test(String(kept)), String(kept));
    // Its connection breaks: the page says so, and goes on.
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await typeInto(page, "printf '\\033[38;2;200;30;30mtrue colour\\033[0m\\n'");
    await page.locator(".xterm-rows").getByText("true colour").first().waitFor();
    await page.getByRole("button", { name: "Search (Ctrl+Shift+F)" }).click();
    await page.getByRole("textbox", { name: "Search in the terminal" }).fill("shown-42");
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "Larger letters" }).click();
    await typeInto(page, "exit 5");
    await page.getByText("The shell ended with exit code 5.").waitFor();
    await page.getByRole("button", { name: "Open again" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Close terminal" }).click();
    await page.getByText("Closed.", { exact: true }).waitFor();
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "have an end in the log also where the controller was killed while they were open", async () => {
    const shell = await open();
    const controller = await world.controller();
    await controller.kill();
    await controller.start();
    await world.signInAgain();
    const ends = (await entries("terminal.close")).filter((one) => one.after?.terminal === shell.id);
    assert.deepEqual(ends.map((one) => [one.after!.reason, one.after!.user, one.actor.label]), [["controller_died", "deploy", admin.email]]);
    await world.until("the server is back", 120_000, async () => ((await api.get<{ status: string }>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined));
  });

  scenario(world, "are readable in the dark and on a phone, with its keys", async () => {
    for (const look of ["dark", "phone"] as const) {
      const page = await web.signedIn(look);
      await page.goto(`${new URL(page.url()).pathname.split("/").slice(0, 3).join("/")}/servers/${on.server.id}/terminal`);
      await page.getByRole("button", { name: "Open terminal" }).click();
      await page.getByText("Connected", { exact: true }).waitFor();
      if (look === "phone") {
        await typeInto(page, "sleep 600");
        await page.getByRole("button", { name: "Ctrl", exact: true }).click();
        await page.keyboard.type("c");
        await page.locator(".xterm-rows").getByText("^C").first().waitFor();
        assert.ok((await overflow(page)) <= 1, "wider than the phone");
      }
      assert.deepEqual(await axe(page), [], look);
      await page.screenshot({ path: join(folder(artifacts), `console-terminal-${look}.png`) });
      await web.closeWindows();
    }
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "say in the console what root has to write where the server allows none", async () => {
    await allow();
    await tellAnew();
    const page = await web.signedIn();
    await page.goto(`${new URL(page.url()).pathname.split("/").slice(0, 3).join("/")}/servers/${on.server.id}/terminal`);
    await page.getByText("This server allows no terminals").waitFor();
    await page.getByText("/etc/fairlead/policy.yaml").first().waitFor();
    assert.deepEqual(await axe(page), [], "none allowed");
    await web.closeWindows();
    await allow("deploy");
    await tellAnew("deploy");
  });

  scenario(world, "end within a second when the server is revoked", async () => {
    const shell = await open();
    await endsAfter(shell, () => api.call("POST", `${org}/servers/${on.server.id}/revoke`, { headers: { "X-Confirm": on.server.name } }), "lost");
    assert.equal((await api.send<Problem>("POST", `${org}/servers/${on.server.id}/terminals`, { body: { user: "deploy" } })).body.code, "server_revoked");
    const gone = await world.until("its end is in the log", 15_000, async () => (await entries("terminal.close")).find((one) => one.after?.terminal === shell.id));
    assert.equal(gone.after!.reason, "lost");
  });
});
