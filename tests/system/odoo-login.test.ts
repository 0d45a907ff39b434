// Logging in to a real Odoo by a link that its server makes: once, for a minute, as whom the server's root allows; and that the controller
// has nothing of it that it could read.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { accountOf, Odoo } from "./lib/backups.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { putDomain } from "./lib/domains.ts";
import { join as joined, withKey } from "./lib/people.ts";
import { SealingKey } from "./lib/sealed.ts";
import { Visitor } from "./lib/site.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const name = "shop.login.test";

interface Written {
  action: string;
  result: string;
  actor: { kind: string };
  target: { type: string; id: string };
  after: Record<string, unknown> | null;
}

interface Users {
  users: { login: string; name: string }[];
  more: boolean;
}

describe("logging in to Odoo", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n  key_writes_a_minute: 1000\nplan_of_new_organizations: agency\n");
  world.patienceMs = 600_000; // a real Odoo is deployed
  const reason = `Ticket ${randomBytes(6).toString("hex")}`;
  const person = `MARK-${randomBytes(8).toString("hex")}`;
  const tokens: string[] = [];
  let on: Enrolled, api: Api, org: string, shop: Environment, other: Environment, web: Web;

  const visitor = async (): Promise<Visitor> => new Visitor(await world.controller(), name);
  const policy = (lines: string): Promise<string> => on.host.sh(`cp /root/policy.yaml /etc/fairlead/policy.yaml; printf '${lines}' >>/etc/fairlead/policy.yaml`);
  const allowed = "odoo_login:\\n  - deny: [director]\\n  - allow: [\"*\"]\\n";
  const written = async (action: string): Promise<Written[]> => (await api.get<List<Written>>(`${org}/audit?action=${action}&limit=200`)).data;
  const path = (what: string, of = shop): string => `${org}/environments/${of.id}/odoo/${what}`;

  /** Asks as a page does; what came back, and what it opens to. */
  async function ask<T>(what: "users" | "login", body: Record<string, unknown> = {}, by = api): Promise<{ operation: Operation; told: () => T }> {
    const key = new SealingKey();
    const operation = await world.finished(await by.post<Operation>(path(what), { ...body, public_key: key.public }));
    return { operation, told: () => JSON.parse(key.open(`${operation.kind}\n${operation.id}`, operation.result!.sealed!)) as T };
  }
  /** A link's token. */
  async function token(user = "admin", by = api): Promise<{ token: string; operation: Operation; url: URL }> {
    const { operation, told } = await ask<{ url: string; expires_ms: number }>("login", { user, reason }, by);
    assert.equal(operation.state, "succeeded", JSON.stringify(operation));
    const url = new URL(told().url);
    const made = url.hash.slice(1);
    assert.match(made, /^[A-Za-z0-9_-]{43}$/);
    tokens.push(made);
    return { token: made, operation, url };
  }
  const post = (by: Visitor, made: string) =>
    by.ask("/fairlead/login", { body: new URLSearchParams({ token: made }).toString(), headers: { "Content-Type": "application/x-www-form-urlencoded" } });
  const username = async (by: Visitor): Promise<string | undefined> => {
    const said = await by.ask("/web/session/get_session_info", { body: '{"jsonrpc":"2.0","method":"call","params":{}}', headers: { "Content-Type": "application/json" } });
    return (JSON.parse(said.text) as { result?: { username: string } }).result?.username;
  };
  /** So that the five of a minute are not this test's subject. */
  const forget = (): Promise<string> => on.host.sh("rm -rf /var/lib/fairlead/environments/*/logins");

  before(async () => {
    on = await world.server("login");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    await on.host.sh("cp /etc/fairlead/policy.yaml /root/policy.yaml");
    const project = await world.project("shop");
    shop = await world.environment(project, on.server, "shop", {
      exposure: "tunnel", domains: [name], resources: { memory_max_bytes: null, cpu_percent: null, tasks_max: null, workers: 2 },
    });
    other = await world.environment(project, on.server, "other");
    for (const one of [shop, other]) await world.succeeded(await world.deploy(one), 900_000);
    await putDomain(await world.controller(), org, name);
    const odoo = new Odoo(on.host, shop, accountOf(shop));
    await odoo.call("res.users", "create", [[{ name: person, login: "clerk" }]]);
    await odoo.call("res.users", "create", [[{ name: "Di", login: "director" }]]);
    await world.until("the site answers", 60_000, async () => ((await (await visitor()).ask("/web/health")).status === 200 ? true : undefined));
  });
  after(() => web?.close());

  scenario(world, "is for nobody unless the server's root allows it, and the refusal says how [X-POL-01]", async () => {
    for (const [what, body] of [["users", {}], ["login", { user: "admin", reason }]] as const) {
      const { operation } = await ask(what, body);
      assert.equal(operation.error?.code, "policy_refused", JSON.stringify(operation));
      assert.match(operation.error.message, new RegExp(`"odoo_login"[^]*policy\\.yaml[^]*odoo_login:\\n {2}- allow: \\['admin'\\]\\n {4}environments: \\['${shop.slug}'\\]`));
    }
    assert.equal((await on.host.sh(`ls -d /var/lib/fairlead/environments/${shop.slug}/logins 2>/dev/null || true`)).trim(), "");
    await policy(allowed);
    const { operation } = await ask("login", { user: "director", reason });
    assert.equal(operation.error?.code, "policy_refused");
    assert.match(operation.error.message, /policy\.yaml line \d+/);
    const refused = (await written("odoo.login")).filter((one) => one.result === "refused");
    assert.ok(refused.length >= 2, JSON.stringify(refused));
  });

  scenario(world, "begins with whom it can be, which only the page that asked can read", async () => {
    const { operation, told } = await ask<Users>("users");
    assert.equal(operation.state, "succeeded", JSON.stringify(operation));
    assert.deepEqual(told().users[0]?.login, "admin");
    assert.deepEqual(told().users.map((one) => one.login).sort(), ["admin", "clerk"]);
    assert.ok(told().users.some((one) => one.name === person));
    assert.ok(!JSON.stringify(operation).includes(person));
    assert.throws(() => new SealingKey().open(`${operation.kind}\n${operation.id}`, operation.result!.sealed!));
  });

  scenario(world, "opens the web client as the chosen user, once, without a password", async () => {
    const before = await on.host.sh(`runuser -u postgres -- psql -At '${accountOf(shop)}' -c "SELECT md5(string_agg(login || password, ',' ORDER BY id)) FROM res_users"`);
    for (const user of ["clerk", "admin"]) {
      const { token: made, operation, url } = await token(user);
      assert.equal(`${url.origin}${url.pathname}`, `https://${name}/fairlead/login`);
      const browser = await visitor();
      assert.equal((await browser.ask("/fairlead/login")).status, 200, "looking at it uses nothing up");
      const page = await post(browser, made);
      assert.equal(page.status, 303, page.text);
      assert.equal(page.headers.location, "/odoo");
      assert.match(page.headers["set-cookie"]?.[0] ?? "", /^session_id=\S+; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
      assert.equal(page.headers["cache-control"], "no-store");
      assert.equal(page.headers["referrer-policy"], "no-referrer");
      assert.equal(await username(browser), user);
      assert.match((await browser.ask("/odoo")).text, /odoo\.__session_info__/);
      // A second time it is nobody's, and the page says what to do.
      const stranger = await visitor();
      const again = await post(stranger, made);
      assert.equal(again.status, 410, again.text);
      assert.match(again.text, /used already[^]*Fairlead console/);
      assert.equal(again.headers["set-cookie"], undefined);
      assert.equal(await username(stranger), undefined);
      // Told by the server, and written down once.
      await world.until("its use is told", 30_000, async () => {
        const now = await api.get<Operation>(`${org}/operations/${operation.id}`);
        return now.outcome?.startsWith("the link was used at 20") && now.result === null ? true : undefined;
      });
      const used = (await written("odoo.login.used")).filter((one) => one.after?.operation_id === operation.id);
      assert.equal(used.length, 1);
      assert.deepEqual([used[0]!.after?.user, used[0]!.after?.reason, used[0]!.target.id], [user, reason, shop.id]);
    }
    const asked = (await written("odoo.login")).find((one) => one.after?.user === "clerk")!;
    assert.equal(asked.after?.reason, reason);
    assert.equal(await on.host.sh(`runuser -u postgres -- psql -At '${accountOf(shop)}' -c "SELECT md5(string_agg(login || password, ',' ORDER BY id)) FROM res_users"`), before);
    await forget();
  });

  scenario(world, "gives one of many who come at once a session, over all of Odoo's processes", async () => {
    const { token: made } = await token();
    const pages = await Promise.all(Array.from({ length: 8 }, async () => post(await visitor(), made)));
    assert.deepEqual(pages.map((one) => one.status).sort(), [303, 410, 410, 410, 410, 410, 410, 410]);
    await on.host.sh(`systemctl restart fairlead-odoo@${shop.slug}.service`);
    await world.until("it is back", 60_000, async () => ((await (await visitor()).ask("/web/health")).status === 200 ? true : undefined));
    assert.equal((await post(await visitor(), made)).status, 410, "also after a restart");
    await forget();
  });

  scenario(world, "is refused with a link that is old, of another environment, or made up", async () => {
    const { token: made } = await token();
    await on.host.sh(`sed -i 's/"expires_ms":[0-9]*/"expires_ms":1/' /var/lib/fairlead/environments/${shop.slug}/logins/*`);
    const late = await post(await visitor(), made);
    assert.equal(late.status, 410);
    assert.match(late.text, /too old[^]*Fairlead console/);
    await forget();
    const { token: foreign } = await token();
    const elsewhere = await on.host.sh(`curl -s -o /tmp/page -w '%{http_code}' --data 'token=${foreign}' http://127.0.0.1:${other.port}/fairlead/login; cat /tmp/page`);
    assert.match(elsewhere, /^403[^]*no such link to this Odoo/);
    assert.equal((await post(await visitor(), "A".repeat(43))).status, 403);
    assert.equal((await post(await visitor(), "../../../etc/passwd")).status, 400);
    assert.equal((await post(await visitor(), foreign)).status, 303, "its own environment takes it still");
    await forget();
  });

  scenario(world, "is refused to who may not, without a reason, to keys, and as who is not there", async () => {
    const developer = await joined(api, org, "developer@example.org", "developer");
    for (const what of ["users", "login"]) {
      const refused = await developer.api.send<Problem>("POST", path(what), { body: { user: "admin", reason, public_key: new SealingKey().public } });
      assert.deepEqual([refused.status, refused.body.code, refused.body.permission], [403, "permission_denied", "odoo.login"]);
    }
    developer.api.close();
    for (const empty of ["", "   "]) {
      const refused = await api.send<Problem>("POST", path("login"), { body: { user: "admin", reason: empty, public_key: new SealingKey().public } });
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [400, "reason"], refused.text);
    }
    await world.signInAgain(); // a fresh proof, for the key
    const { key } = await withKey(api, org, "rw", ["odoo.login"]);
    const program = await api.stranger().send<Problem>("POST", path("login"), { body: { user: "admin", reason, public_key: new SealingKey().public }, headers: { Authorization: `Bearer ${key}` } });
    assert.deepEqual([program.status, program.body.code], [403, "session_required"], program.text);
    for (const user of ["nobody", "x' OR 1=1 --", "__system__", "public"]) {
      const { operation } = await ask("login", { user, reason });
      assert.equal(operation.error?.code, "no_such_odoo_user", JSON.stringify(operation));
    }
  });

  scenario(world, "has five links in a minute, and waits for no deployment", async () => {
    await forget();
    for (let i = 0; i < 5; i += 1) await token();
    const { operation } = await ask("login", { user: "admin", reason });
    assert.equal(operation.error?.code, "too_many_links", JSON.stringify(operation));
    await forget();
    const deploying = await world.deploy(shop);
    await token();
    const state = (await api.get<Operation>(`${org}/operations/${deploying.id}`)).state;
    assert.ok(["delivered", "running", "queued"].includes(state), state);
    await world.succeeded(deploying, 900_000);
    await forget();
  });

  scenario(world, "stands in the logs of the server and of Odoo with who and why, and the token in none", async () => {
    const ofOdoo = await on.host.sh(`journalctl --no-pager -o cat -u fairlead-odoo@${shop.slug}.service`);
    assert.match(ofOdoo, new RegExp(`fairlead\\.login: ada@fairlead\\.test logged in as clerk by a one-time link: ${reason}`));
    assert.match(ofOdoo, /a link to log in was refused: This link was used already/);
    const all = await on.host.sh("journalctl --no-pager -o cat");
    assert.deepEqual(tokens.filter((one) => all.includes(one)), []);
    const kept = await on.host.sh(`for t in ${tokens.join(" ")}; do grep -rlaF -e "$t" /var/lib/fairlead /var/log /etc/fairlead 2>/dev/null || true; done`);
    assert.equal(kept.trim(), "", "the server keeps their hashes");
  });

  scenario(world, "is a button in the console: whom, why, and a link for a minute", async () => {
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    await page.goto(`${web.origin}${own}/environments/${shop.id}`);
    await page.getByRole("button", { name: "Log in to Odoo" }).click();
    const dialog = page.getByRole("dialog");
    const whom = dialog.getByRole("textbox", { name: "Log in as" });
    await whom.waitFor();
    assert.match(await whom.inputValue(), /admin/);
    assert.ok(await dialog.getByRole("button", { name: "Make the link" }).isDisabled(), "a reason is needed");
    await dialog.getByLabel("Reason").fill(reason);
    assert.deepEqual(await axe(page), [], "the form");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    const link = dialog.getByRole("link", { name: "Open Odoo as admin" });
    await link.waitFor();
    const url = new URL((await link.getAttribute("href"))!);
    const made = url.hash.slice(1);
    tokens.push(made);
    await looksGood(page, "a link to log in", "console-odoo-login");

    // The page behind it sends the token on by itself, and takes it out of the address. The browser here reaches the controller's
    // port alone, so what the site answers is fetched for it.
    const site = await visitor();
    const tab = await page.context().newPage();
    let sent = "";
    await tab.route(`https://${name}/**`, async (route) => {
      const request = route.request();
      if (request.method() === "POST") {
        sent = request.postData() ?? "";
        return route.fulfill({ status: 200, contentType: "text/html", body: "sent" });
      }
      const answer = await site.ask(new URL(request.url()).pathname);
      return route.fulfill({ status: answer.status, headers: { "content-type": String(answer.headers["content-type"]), "content-security-policy": String(answer.headers["content-security-policy"]) }, body: answer.text });
    });
    await tab.goto(url.href);
    await tab.getByText("sent", { exact: true }).waitFor();
    assert.equal(sent, `token=${made}`);
    assert.ok(!tab.url().includes(made));
    assert.equal((await post(site, made)).status, 303);
    await dialog.getByText("The link was used: somebody is signed in as admin.").waitFor();
    assert.deepEqual(web.complaints, []);

    await policy("");
    await page.reload();
    await page.getByRole("button", { name: "Log in to Odoo" }).click();
    await dialog.getByText("has no rule in \"odoo_login\"").waitFor();
    assert.deepEqual(await axe(page), [], "the refusal");
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "leaves nothing at the controller that it could read: no token, no link, no name of a user [S-GEN-03] [S-GEN-04]", async () => {
    const { dir } = await world.controller();
    const files = readdirSync(dir, { recursive: true }).map((one) => join(dir, String(one))).filter((one) => statSync(one).isFile());
    const secrets = [...tokens, person, `${name}/fairlead/login#`];
    const found = files.flatMap((file) => {
      const bytes = readFileSync(file);
      return secrets.filter((text) => bytes.includes(text)).map((text) => `${text}: ${file}`);
    });
    assert.ok(files.length > 3 && tokens.length > 10);
    assert.deepEqual(found, []);
    // The look works: what is meant to be there is found.
    assert.ok(files.some((file) => readFileSync(file).includes(reason)));
  });
});
