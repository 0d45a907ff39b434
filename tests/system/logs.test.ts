// Logs: what a real server's journal says of Odoo, PostgreSQL and the agent, by the API and by the console in Chromium; and that the
// controller keeps none of it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { openLog, readLog, Tail } from "./lib/logs.ts";
import { join as joined, signIn } from "./lib/people.ts";
import type { Environment, List } from "./lib/types.ts";
import { within } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Written {
  action: string;
  result: string;
  target: { type: string; id: string; name: string };
  after: Record<string, unknown> | null;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe("logs", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  world.patienceMs = 600_000; // a real Odoo is deployed
  const marks: string[] = [];
  const mark = (what: string): string => {
    const text = `LOGMARK-${what}-${randomBytes(8).toString("hex")}`;
    marks.push(text);
    return text;
  };
  let on: Enrolled, api: Api, org: string, shop: Environment, web: Web;
  let ofShop: string, ofServer: string;

  /** Odoo writes a line with this text. */
  const visit = (text: string): Promise<string> => on.host.sh(`curl -s -o /dev/null 'http://127.0.0.1:${shop.port}/web/login?mark=${text}'`);
  /** PostgreSQL refuses a statement with this text. */
  const fail = (text: string): Promise<string> => on.host.sh(`runuser -u postgres -- psql -qc "SELECT '${text}'::int" 2>/dev/null || true`);
  const written = async (action: string): Promise<Written[]> => (await api.get<List<Written>>(`${org}/audit?action=${action}&limit=200`)).data;
  const policy = async (lines: string): Promise<void> => {
    await on.host.sh(`sed '/^logs:/,$d' /root/policy.yaml >/etc/fairlead/policy.yaml; printf '${lines}' >>/etc/fairlead/policy.yaml`);
  };
  const readers = async (): Promise<number> => Number(await on.host.sh("pgrep -c -f 'journalctl [-]-system' || true"));

  before(async () => {
    on = await world.server("logs");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    shop = await world.environment(await world.project("shop"), on.server, "shop");
    await world.succeeded(await world.deploy(shop), 900_000);
    await on.host.sh("cp /etc/fairlead/policy.yaml /root/policy.yaml");
    await on.host.sh(`for i in $(seq 1 80); do curl -s -o /dev/null 'http://127.0.0.1:${shop.port}/web/login'; done`);
    ofShop = `${org}/environments/${shop.id}/logs`;
    ofServer = `${org}/servers/${on.server.id}/logs`;
  });
  after(() => web?.close());

  scenario(world, "are read of Odoo, of PostgreSQL and of the agent, newest first, and each by itself", async () => {
    const [odoo, sql] = [mark("odoo"), mark("sql")];
    await visit(odoo);
    await fail(sql);
    await world.until("both have said it", 30_000, async () => {
      const found = [await readLog(api, `${ofShop}?search=${odoo}`), await readLog(api, `${ofServer}?source=postgresql&search=${sql}`)];
      return found.every((one) => one.entries.length) || undefined;
    });
    const page = await readLog(api, `${ofShop}?lines=50`);
    assert.equal(page.entries.length, 50);
    assert.equal(page.end?.end, "lines");
    assert.deepEqual(page.entries.map((one) => one.at), page.entries.map((one) => one.at).sort().reverse());
    assert.ok(page.entries.every((one) => /@shop\b|@/.test(one.from) && one.from.includes(shop.slug)), JSON.stringify(page.entries[0]));
    assert.ok(!page.entries.some((one) => one.text.includes(sql)));
    const agent = await readLog(api, `${ofServer}?source=agent`);
    assert.ok(agent.entries.some((one) => one.from === "fairlead-link.service"));
    assert.ok(![...marks].some((text) => agent.entries.some((one) => one.text.includes(text))));
  });

  scenario(world, "are paged back without a gap or a double, and forward from a cursor", async () => {
    const all = await readLog(api, `${ofShop}?lines=60`);
    const seen: string[] = [];
    let before = "";
    for (let round = 0; round < 3; round += 1) {
      const page = await readLog(api, `${ofShop}?lines=20${before && `&before=${encodeURIComponent(before)}`}`);
      seen.push(...page.entries.map((one) => one.cursor));
      before = page.entries.at(-1)!.cursor;
    }
    const expected = all.entries.map((one) => one.cursor);
    const from = expected.indexOf(seen[0]!); // more may have come meanwhile
    assert.deepEqual(seen.slice(0, 40), expected.slice(from, from + 40));
    const forward = await readLog(api, `${ofShop}?lines=10&after=${encodeURIComponent(expected[20]!)}`);
    assert.deepEqual(forward.entries.map((one) => one.cursor), expected.slice(10, 20).reverse());
  });

  scenario(world, "are searched by text, by pattern, by level and by time", async () => {
    const [one, other] = [mark("a.b"), mark("a-b")];
    const since = new Date(Date.now() - 1000).toISOString();
    await fail(one);
    await fail(other);
    const search = (query: string) => readLog(api, `${ofServer}?source=postgresql&${query}`);
    await world.until("it has come", 30_000, async () => ((await search(`search=${other}`)).entries.length ? true : undefined));
    // A dot is a dot in a text, and anything in a pattern; capital letters are none.
    assert.ok((await search(`search=${one.toLowerCase()}`)).entries.length > 0);
    assert.equal((await search(`search=${other.replace("a-b", "a.b")}`)).entries.length, 0);
    assert.ok((await search(`match=pattern&search=${encodeURIComponent(`${other.replace("a-b", "a.b")}|nothing`)}`)).entries.length > 0);
    // PostgreSQL's ERROR is a warning of the journal.
    assert.ok((await search(`level=warning&search=${one}`)).entries.every((entry) => entry.level === "warning"));
    assert.ok((await search(`level=warning&search=${one}`)).entries.length > 0);
    assert.equal((await search(`level=error&search=${one}`)).entries.length, 0);
    assert.ok((await search(`since=${since}&search=${one}`)).entries.length > 0);
    assert.equal((await search(`until=${since}&search=${one}`)).entries.length, 0);
    for (const bad of ["(a%2B)%2B", "(a)%5C1", "(%3F%3Da)", "("]) {
      const refused = await api.send<Problem>("GET", `${ofShop}?match=pattern&search=${bad}`);
      assert.equal(refused.status, 400, refused.text);
      assert.equal(refused.body.errors?.[0]?.field, "search");
    }
    for (const bad of ["before=..%2Fx", "lines=1001", "follow=true&until=2026-01-01T00:00:00Z", "level=loud", "source=odoo"])
      assert.equal((await api.send("GET", `${ofShop}?${bad}`)).status, 400, bad);
  });

  scenario(world, "are followed as they come, and the server's reader ends with its own", async () => {
    const tail = await Tail.open(api, `${ofShop}?follow=true`);
    assert.ok((await readers()) > 0);
    const [first, second] = [mark("live-1"), mark("live-2")];
    await visit(first);
    await tail.shows(first);
    const cursor = tail.entries.at(-1)!.cursor;
    tail.close();
    await world.until("journalctl has gone", 15_000, async () => ((await readers()) === 0 ? true : undefined));
    // What came while nobody looked is not lost.
    await visit(second);
    const again = await Tail.open(api, `${ofShop}?follow=true&after=${encodeURIComponent(cursor)}`);
    await again.shows(second);
    assert.ok(!again.has(first) || again.entries[0]!.cursor !== cursor);
    again.close();
  });

  scenario(world, "hold the journal's reader up while nobody takes them, with little in between", async () => {
    const text = mark("flood");
    // The journal itself lets a unit say 10,000 lines in 30 s.
    await on.host.sh("mkdir -p /etc/systemd/journald.conf.d; printf '[Journal]\\nRateLimitBurst=0\\n' >/etc/systemd/journald.conf.d/all.conf; systemctl restart systemd-journald");
    await on.host.sh(`runuser -u postgres -- sh -c 'for i in $(seq 1 40000); do echo "DO \\$\\$ BEGIN RAISE LOG '"'"'${text} %'"'"', $i; END \\$\\$;"; done | psql -q'`);
    const controller = await world.controller();
    const memory = async (): Promise<number> => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${controller.pid}/status`, "utf8"))![1]);
    const link = async (): Promise<number> => Number(await on.host.sh("awk '/^VmRSS:/ {print $2}' /proc/$(systemctl show -P MainPID fairlead-link)/status"));
    const [before, linkBefore] = [await memory(), await link()];
    const tail = await Tail.open(api, `${ofServer}?source=postgresql&follow=true&since=${new Date(Date.now() - 600_000).toISOString()}`);
    tail.pause();
    await pause(5000);
    assert.ok((await readers()) > 0, "it waits");
    assert.ok((await memory()) - before < 8 * 1024, `${(await memory()) - before} KiB more`);
    assert.ok((await link()) - linkBefore < 4 * 1024, `${(await link()) - linkBefore} KiB more in the link`);
    tail.resume();
    await tail.shows(`${text} 40000`, 120_000);
    const numbers = tail.entries.map((one) => new RegExp(`${text} (\\d+)`).exec(one.text)?.[1]).filter(Boolean).map(Number);
    assert.deepEqual(numbers.filter((n, i) => i > 0 && n !== numbers[i - 1]! + 1), [], "every line once, in order");
    tail.close();
  }, 300_000);

  scenario(world, "are taken away as a file, which is written down", async () => {
    const text = mark("file");
    await visit(text);
    const file = await world.until("it is in the file", 30_000, async () => {
      const answer = await api.send("GET", `${ofShop}?format=text`);
      return answer.text.includes(text) ? answer : undefined;
    });
    assert.match(String(file.headers["content-type"]), /^text\/plain/);
    assert.match(String(file.headers["content-disposition"]), /attachment; filename="shop-odoo-\d{4}-\d\d-\d\d\.log"/);
    const lines = file.text.trimEnd().split("\n").filter((line) => !line.startsWith("\t"));
    assert.ok(lines.every((line) => /^\d{4}-\d\d-\d\dT\S+Z \S+\[\d+\] (debug|info|warning|error): /.test(line)), lines.find((line) => !line.startsWith("2")));
    assert.deepEqual(lines.map((line) => line.slice(0, 27)), lines.map((line) => line.slice(0, 27)).sort());
    const cut = await api.send("GET", `${ofShop}?format=text&lines=5`);
    assert.match(cut.text, /\n-- This is not all \(lines\)\. .*\n$/);
    const entries = await written("logs.download");
    assert.ok(entries.length >= 2);
    assert.deepEqual([entries[0]!.target.type, entries[0]!.target.id, entries[0]!.after?.source], ["environment", shop.id, "odoo"]);
  });

  scenario(world, "are looked at by who may, of their own projects, and each look is written down without what was searched for", async () => {
    const before = (await written("logs.view")).length;
    const text = mark("searched");
    await readLog(api, `${ofShop}?search=${text}`);
    const page = await readLog(api, `${ofShop}?lines=5`);
    await readLog(api, `${ofShop}?lines=5&before=${encodeURIComponent(page.entries.at(-1)!.cursor)}`);
    const entries = await written("logs.view");
    assert.equal(entries.length, before + 2, "paging on is the same look");
    assert.equal(entries[1]!.after?.searched, true);
    assert.ok(!JSON.stringify(entries).includes(text));

    const viewer = await joined(api, org, "viewer@example.org", "viewer");
    const refused = await viewer.api.send<Problem>("GET", ofShop);
    assert.deepEqual([refused.status, refused.body.code, refused.body.permission], [403, "permission_denied", "logs.view"]);
    const developer = await joined(api, org, "developer@example.org", "developer");
    assert.ok((await readLog(developer.api, `${ofShop}?lines=1`)).entries.length);
    assert.equal((await developer.api.send("GET", ofShop.replace(shop.id, "env_01JD8Q4M3N7V5X2K9B6T0W1YHZ"))).status, 404);
    viewer.api.close();
    developer.api.close();
  });

  scenario(world, "end within a second when the access ends, and when the policy does not allow them any more", async () => {
    const again = await signIn(api.stranger(), admin.email, admin.password);
    const tail = await Tail.open(again.api, `${ofShop}?follow=true`);
    const file = await openLog(again.api, `${ofServer}?source=postgresql&format=text`);
    file.on("error", () => undefined);
    const gone = new Promise<void>((done) => file.on("close", () => done()));
    let since = Date.now();
    await again.api.call("DELETE", "/api/v1/session");
    await tail.ends(5000);
    assert.ok(Date.now() - since < 2000, `${Date.now() - since} ms`);
    assert.equal(tail.end?.end, "access_ended");
    file.resume(); // what is unread holds its end back
    await within("the file ends", 15_000, () => gone);
    assert.ok(!file.complete, "the file is whole");
    again.api.close();

    const held = await Tail.open(api, `${ofShop}?follow=true`);
    since = Date.now();
    await policy("logs:\\n  - deny: odoo\\n  - allow: [agent]\\n");
    await held.ends(10_000);
    assert.equal(held.end?.end, "policy");
    for (const [path, line] of [[ofShop, true], [`${ofServer}?source=postgresql`, false]] as const) {
      const refused = await api.send<Problem>("GET", path);
      assert.deepEqual([refused.status, refused.body.code], [409, "policy_refused"], refused.text);
      assert.match(refused.body.detail, line ? /policy\.yaml line \d+/ : /policy\.yaml/);
    }
    assert.ok((await readLog(api, `${ofServer}?source=agent&lines=1`)).entries.length);
    assert.ok((await written("logs.refuse")).length >= 2);
    await on.host.sh("cp /root/policy.yaml /etc/fairlead/policy.yaml");
  });

  scenario(world, "are so many at once and no more, and leave no process behind", async () => {
    const open: Tail[] = [];
    for (let i = 0; i < 6; i += 1) open.push(await Tail.open(api, `${ofShop}?follow=true`));
    const refused = await api.send<Problem>("GET", ofShop);
    assert.deepEqual([refused.status, refused.body.code], [429, "too_many_readings"], refused.text);
    for (const tail of open) tail.close();
    await world.until("they have gone", 15_000, async () => ((await readers()) === 0 && (await api.send("GET", `${ofShop}?lines=1`)).status === 200 ? true : undefined));
    assert.equal((await on.host.sh("systemctl list-units --plain --no-legend 'fairlead-logs@*' | wc -l")).trim(), "0");
  });

  scenario(world, "are read on the server by a user who may do nothing else", async () => {
    const tail = await Tail.open(api, `${ofShop}?follow=true`);
    const status = await on.host.sh("pid=$(pgrep -of 'fairlead-agent logs'); grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status; id -Gn fairlead 2>/dev/null");
    assert.doesNotMatch(status, /^Uid:\s+0\s/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^CapBnd:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    assert.doesNotMatch(status.split("\n").at(-1)!, /systemd-journal|adm/, "the network half has no right to the journal");
    tail.close();
  });

  scenario(world, "stand in the console: live, paused, searched, in both themes and on a phone", async () => {
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const base = new URL(page.url()).pathname.split("/").slice(0, 3).join("/");
    await page.goto(`${base}/environments/${shop.id}/logs`);
    const log = page.getByRole("log");
    await page.getByText("Live", { exact: true }).waitFor();
    const [seen, unseen] = [mark("console-1"), mark("console-2")];
    await visit(seen);
    await log.getByText(seen).first().waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused", { exact: true }).waitFor();
    await visit(unseen);
    await pause(1500);
    assert.equal(await log.getByText(unseen).count(), 0);
    await page.getByRole("button", { name: "Go on" }).click();
    await log.getByText(unseen).first().waitFor();
    await page.getByLabel("Search").fill(seen);
    await page.getByRole("button", { name: "Find" }).click();
    await log.getByText(unseen).first().waitFor({ state: "detached" });
    await log.getByText(seen).first().waitFor();
    await page.getByLabel("Search").fill(mark("nowhere"));
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByText("Nothing of that kind").waitFor();
    assert.deepEqual(await axe(page), [], "nothing found");
    await web.closeWindows();
    const shown = await web.signedIn();
    await shown.goto(`${base}/environments/${shop.id}/logs`);
    await shown.getByRole("log").getByText(unseen).first().waitFor();
    await looksGood(shown, "an environment's log", "console-logs");
    await shown.goto(`${base}/servers/${on.server.id}/logs/postgresql`);
    await shown.getByText("Live", { exact: true }).waitFor();
    await looksGood(shown, "PostgreSQL's log");
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "are told with their cure when the server is away", async () => {
    await on.host.sh("systemctl stop fairlead-link");
    await world.until("it is offline", 90_000, async () => ((await api.send<Problem>("GET", ofShop)).body.code === "server_offline" ? true : undefined));
    await on.host.sh("systemctl start fairlead-link");
  });

  scenario(world, "leave nothing at the controller: no database, no log, no file has a word of what was read or searched for [S-PRIV-01] [S-PRIV-03] [S-GEN-04]", async () => {
    const { dir } = await world.controller();
    const files = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name))).filter((path) => statSync(path).isFile());
    const found = files.flatMap((path) => {
      const bytes = readFileSync(path);
      return marks.filter((text) => bytes.includes(text) || bytes.includes(text.toLowerCase())).map((text) => `${text}: ${path}`);
    });
    assert.ok(files.length > 3 && marks.length > 10);
    assert.deepEqual(found, []);
    // The look works: the server's journal has them.
    assert.ok((await on.host.sh(`journalctl --no-pager -o cat | grep -c LOGMARK-`)).trim() !== "0");
  });
});
