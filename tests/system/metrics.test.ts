// Metrics and alerts: what a real server, its PostgreSQL and a real Odoo are measured by, by the API, for Prometheus and in the console; and
// alerts that tell people and programs once when they begin and once when they are over, whatever restarts between.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { MailServer } from "./lib/mail.ts";
import { folder } from "./lib/paths.ts";
import { makeAuthority } from "./lib/pki.ts";
import { Receiver } from "./lib/receiver.ts";
import type { Environment, List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Measurements {
  times: number[];
  series: Record<string, (number | null)[]>;
}
interface Alert {
  id: string;
  rule_name: string;
  kind: string;
  subject: { type: string; id: string; name: string };
  state: string;
}
interface Rule {
  id: string;
  kind: string;
}

describe("metrics", () => {
  let mail: MailServer, receiver: Receiver;
  const world = worldOfSuite(async () => {
    const dir = folder(join(world.dir, "receivers"));
    receiver = await Receiver.start(folder(join(dir, "one")), { authority: await makeAuthority(join(dir, "authority")) });
    const egress = await world.egress({ allow: [receiver.place] });
    mail = await MailServer.start(folder(join(world.dir, "mail")));
    return `${mail.config}${egress.settings(receiver.ca)}agents:\n  facts: 5s\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n`;
  });
  world.patienceMs = 600_000; // a real Odoo is deployed
  let on: Enrolled, api: Api, org: string, shop: Environment, web: Web;

  before(async () => {
    on = await world.server("metrics");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    shop = await world.environment(await world.project("shop"), on.server, "shop");
    await world.succeeded(await world.deploy(shop), 900_000);
  });
  after(async () => {
    await web?.close();
    receiver?.stop();
    await mail?.stop();
  });

  const ofServer = (query = ""): Promise<Measurements> => api.get(`${org}/servers/${on.server.id}/metrics${query}`);
  const ofShop = (query = ""): Promise<Measurements> => api.get(`${org}/environments/${shop.id}/metrics${query}`);
  const newest = (measured: Measurements, name: string): number | null => measured.series[name]?.at(-1) ?? null;
  /** Waits until the newest value of this series is as wanted. */
  const comes = (what: string, measured: () => Promise<Measurements>, name: string, wanted: (value: number) => boolean, ms = 90_000): Promise<number> =>
    poll(what, ms, async () => {
      const value = newest(await measured(), name);
      return value !== null && wanted(value) ? value : undefined;
    }, 1000);
  const firing = async (): Promise<Alert[]> => (await api.get<List<Alert>>(`${org}/alerts`)).data;
  const past = async (): Promise<Alert[]> => (await api.get<List<Alert>>(`${org}/alerts?state=past`)).data;
  const told = (type: string): number => receiver.came.filter((came) => (JSON.parse(came.body) as { type: string }).type === type).length;
  const rule = (body: object): Promise<Rule> => api.post(`${org}/alert-rules`, body);

  scenario(world, "are taken of the server, of PostgreSQL and of each Odoo", async () => {
    await comes("PostgreSQL is measured", () => ofServer(), "pg_connections", (n) => n >= 1);
    await comes("sizes are measured", () => ofServer(), "pg_bytes", (n) => n > 10_000_000);
    const server = await ofServer();
    for (const name of ["cpu_percent", "memory_used_bytes", "disk_free_bytes", "load1", "swap_used_bytes", "pg_active", "pg_slow", "pg_waiting"])
      assert.notEqual(newest(server, name), null, name);
    assert.ok(newest(server, "network_in_bytes_per_s")! >= 0);
    await comes("Odoo runs", () => ofShop(), "up", (n) => n === 1);
    assert.ok((await comes("its memory", () => ofShop(), "memory_bytes", (n) => n > 0)) > 30_000_000);
    assert.ok((await comes("its processes", () => ofShop(), "processes", (n) => n > 0)) >= 1);
    await comes("its database's size", () => ofShop(), "database_bytes", (n) => n > 5_000_000);
    await comes("its scheduled actions", () => ofShop(), "cron_late", (n) => n >= 0);
    // Measured every 30 s, told again within: the later one counts.
    assert.ok(server.times.every((time, i) => i === 0 || (time - server.times[i - 1]!) % 30 === 0));
  });

  scenario(world, "count requests and what they take, failures too", async () => {
    await on.host.sh(`for i in $(seq 1 60); do curl -s -o /dev/null 'http://127.0.0.1:${shop.port}/web/login'; done`);
    await comes("requests are counted", () => ofShop(), "requests_per_s", (n) => n > 0, 60_000);
    const measured = await ofShop();
    assert.ok(measured.series.request_ms!.some((ms) => ms !== null && ms > 0), JSON.stringify(measured.series.request_ms));
    assert.ok(measured.series.failures_per_s!.every((n) => n === null || n === 0));
    const file = (await on.host.sh(`stat -c '%a %U' /run/fairlead-odoo/${shop.slug}/requests`)).trim();
    assert.match(file, /^644 fl-/);
  });

  scenario(world, "see a slow statement, and one that waits for a lock", async () => {
    const account = (await on.host.sh(`stat -c %U /var/lib/fairlead/environments/${shop.slug}/data`)).trim();
    const sql = (text: string): Promise<string> => on.host.sh(`runuser -u ${account} -- psql -d ${account} -qAtc "${text}" >/dev/null 2>&1 & disown; true`);
    await sql("BEGIN; LOCK TABLE res_partner; SELECT pg_sleep(50)");
    await sql("SET lock_timeout = '45s'; SELECT count(*) FROM res_partner");
    await comes("one is slow", () => ofServer(), "pg_slow", (n) => n >= 1, 45_000);
    await comes("one waits", () => ofShop(), "waiting", (n) => n >= 1, 45_000);
    assert.ok((await comes("how long", () => ofServer(), "pg_longest_s", (n) => n > 5, 45_000)) < 60);
    await comes("all is quick again", () => ofServer(), "pg_slow", (n) => n === 0);
  });

  scenario(world, "are measured by a process that is gone at once, with three capabilities and no network", async () => {
    const unit = await on.host.sh("systemctl show fairlead-metrics.socket -p ActiveState -p NAccepted; systemctl cat fairlead-metrics@.service");
    assert.match(unit, /ActiveState=active/);
    assert.ok(Number(/NAccepted=(\d+)/.exec(unit)![1]) > 3);
    assert.match(unit, /^CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL$/m);
    await poll("none is left", 20_000, async () => ((await on.host.sh("pgrep -fc '[f]airlead-agent measure' || true")).trim() === "0" ? true : undefined));
    await poll("the executor sleeps meanwhile", 90_000, async () => ((await on.host.sh("systemctl is-active fairlead-executor.service || true")).trim() === "inactive" ? true : undefined), 1000);
    const said = await on.host.sh("journalctl -q --no-pager -o cat -u 'fairlead-metrics@*' -p warning || true");
    assert.equal(said.trim(), "");
    // Nobody but the link is answered.
    const refused = await on.host.sh("runuser -u nobody -- python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/fairlead/metrics.sock')\" 2>&1 || true");
    assert.match(refused, /PermissionError/);
  });

  scenario(world, "go on where they can when the process cannot be had", async () => {
    await on.host.sh("systemctl mask --runtime --now fairlead-metrics.socket");
    const before = (await ofServer()).times.length;
    await poll("the server is measured all the same", 90_000, async () => ((await ofServer()).times.length > before + 1 ? true : undefined), 2000);
    assert.equal(newest(await ofServer(), "pg_connections"), null);
    await on.host.sh("systemctl unmask --runtime fairlead-metrics.socket; systemctl restart fairlead-metrics.socket");
    await comes("PostgreSQL is measured again", () => ofServer(), "pg_connections", (n) => n >= 1);
  });

  scenario(world, "are read by Prometheus with a key that may do nothing else", async () => {
    const { key } = await api.post<{ key: string }>(`${org}/api-keys`, { name: "prometheus", kind: "read_only", permissions: ["metrics.view"] });
    const prometheus = api.stranger();
    const read = (path: string) => prometheus.send<string>("GET", path, { headers: { authorization: `Bearer ${key}` } });
    const answer = await read(`${org}/metrics`);
    assert.equal(answer.status, 200, answer.text);
    assert.match(String(answer.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
    const server = `server="${on.server.name}",server_id="${on.server.id}"`;
    assert.ok(answer.text.includes(`fairlead_server_online{${server}} 1\n`), answer.text);
    assert.match(answer.text, /^fairlead_environment_requests_total\{environment="shop",.*\} \d+$/m);
    for (const line of answer.text.trim().split("\n")) assert.match(line, /^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+\{.*\} [-+0-9.e]+)$/);
    // Each name is described once.
    const types = [...answer.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.equal(new Set(types).size, types.length);
    assert.equal((await read(`${org}/servers`)).status, 403);
    // The controller's own say no name.
    const own = await api.stranger().send("GET", "/metrics");
    assert.equal(own.status, 200);
    assert.match(own.text, /^fairlead_measured_points_total [1-9]/m);
    assert.ok(!own.text.includes("shop") && !own.text.includes(on.server.name));
  });

  scenario(world, "fire an alert once, by mail and webhook, over a restart, and clear it once", async () => {
    await api.post(`${org}/webhooks`, { url: receiver.url, events: ["alert.fired", "alert.cleared"] });
    const made = await rule({ kind: "environment_down", for_s: 0, clear_for_s: 0 });
    await on.host.sh(`systemctl stop fairlead-odoo@${shop.slug}.socket fairlead-odoo@${shop.slug}.service`);
    const letter = await mail.next(admin.email, 120_000);
    assert.match(letter.text, /^ALERT {2}Environment down: shop is down\.$/m);
    await poll("the webhook is told", 60_000, async () => (told("alert.fired") === 1 ? true : undefined));
    assert.deepEqual((await firing()).map(({ kind, subject, state }) => [kind, subject.name, state]), [["environment_down", "shop", "firing"]]);
    const controller = await world.controller();
    await controller.kill();
    await controller.start();
    await world.signInAgain();
    await world.until("the server is back", 120_000, async () => ((await api.get<{ status: string }>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined));
    // Looked at a few times since.
    const points = (await ofServer()).times.length;
    await poll("it was measured again", 120_000, async () => ((await ofServer()).times.length > points + 1 ? true : undefined), 2000);
    assert.equal(mail.mails.filter((one) => one.to === admin.email).length, 0);
    assert.equal(told("alert.fired"), 1);
    assert.equal((await firing()).length, 1);
    await on.host.sh(`systemctl start fairlead-odoo@${shop.slug}.socket fairlead-odoo@${shop.slug}.service`);
    const over = await mail.next(admin.email, 120_000);
    assert.match(over.text, /^OVER {3}Environment down: shop is as it should be\.$/m);
    await poll("the webhook is told", 60_000, async () => (told("alert.cleared") === 1 ? true : undefined));
    assert.deepEqual(await firing(), []);
    assert.equal((await past())[0]!.state, "cleared");
    await api.call("DELETE", `${org}/alert-rules/${made.id}`);
  });

  scenario(world, "say nothing of an environment that somebody stopped", async () => {
    const made = await rule({ kind: "environment_down", for_s: 0, clear_for_s: 0 });
    const before = told("alert.fired");
    await world.succeeded(await world.act(shop, "stop"));
    const points = (await ofServer()).times.length;
    await poll("it was looked at", 150_000, async () => ((await ofServer()).times.length > points + 1 ? true : undefined), 2000);
    assert.equal(told("alert.fired"), before);
    assert.deepEqual(await firing(), []);
    await world.succeeded(await world.act(shop, "start"));
    await api.call("DELETE", `${org}/alert-rules/${made.id}`);
  });

  scenario(world, "tell of a server that is away, and of a backup that is not made", async () => {
    const offline = await rule({ kind: "server_offline", for_s: 0, clear_for_s: 0 });
    await on.host.sh("systemctl stop fairlead-link");
    assert.match((await mail.next(admin.email, 120_000)).text, /^ALERT {2}Server offline: .* is offline\.$/m);
    await on.host.sh("systemctl start fairlead-link");
    assert.match((await mail.next(admin.email, 120_000)).text, /^OVER {3}Server offline: .* is online again\.$/m);
    await api.call("DELETE", `${org}/alert-rules/${offline.id}`);
    // Nothing is scheduled, so nothing is too old.
    const old = await rule({ kind: "backup_too_old", threshold: 1 });
    const disk = await rule({ kind: "disk", threshold: 1, clear: 0, for_s: 0 });
    assert.match((await mail.next(admin.email, 120_000)).text, /^ALERT {2}Disk nearly full: .* has [0-9.]+ % of its disk in use \(1 % or more\)\.$/m);
    assert.deepEqual((await firing()).map(({ kind }) => kind), ["disk"]);
    for (const one of [old, disk]) await api.call("DELETE", `${org}/alert-rules/${one.id}`);
    assert.equal((await past())[0]!.state, "ended");
    const written = (await api.get<List<{ action: string }>>(`${org}/audit?limit=200`)).data.map(({ action }) => action);
    for (const action of ["alert_rule.create", "alert_rule.delete"]) assert.ok(written.includes(action), action);
  });

  scenario(world, "stand in the console: charts of server and environment, rules, alerts, in both themes and on a phone", async () => {
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname.split("/").slice(0, 3).join("/");
    await page.goto(`${own}/alerts/rules`);
    await page.getByRole("button", { name: "Add the recommended rules" }).click();
    await page.getByRole("table", { name: "Rules" }).getByText("Disk nearly full").waitFor();
    await page.getByRole("button", { name: "Change Disk nearly full" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Bad from, in %").fill("1");
    await form.getByLabel("Good again at, in %").fill("0");
    await form.getByLabel("Bad for, in minutes").fill("0");
    await form.getByRole("button", { name: "Save" }).click();
    await page.getByRole("table", { name: "Rules" }).getByText("1 % or more").waitFor();
    // It comes by an event, without a reload.
    await page.getByRole("tab", { name: "Now" }).click();
    await page.getByRole("table", { name: "Alerts that fire" }).getByText("Disk nearly full").waitFor({ timeout: 120_000 });
    assert.deepEqual(await axe(page), [], "nothing found");
    await page.goto(`${own}/servers/${on.server.id}`);
    await page.getByRole("img", { name: /^Connections over time/ }).waitFor();
    await page.goto(`${own}/environments/${shop.id}/metrics`);
    await page.getByRole("img", { name: /^Requests a second over time/ }).waitFor();
    await page.getByRole("img", { name: /^Memory over time/ }).waitFor();
    await looksGood(page, "an environment's metrics", "console-metrics");
    await page.goto(`${own}/alerts/rules`);
    await page.getByRole("table", { name: "Rules" }).waitFor();
    await looksGood(page, "rules of alerts", "console-alerts");
    assert.deepEqual(web.complaints, []);
  });
});
