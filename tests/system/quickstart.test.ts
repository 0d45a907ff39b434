// packaging/quickstart as a newcomer runs it, on the build that is there: from nothing to Odoo in the browser, again, and away.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { freePort } from "./lib/controller.ts";
import { build, hosts, root } from "./lib/paths.ts";
import { type Ran, run } from "./lib/process.ts";

describe("packaging/quickstart", () => {
  const place = join(mkdtempSync(join(tmpdir(), "fairlead-quickstart-")), "state");
  const server = `q${process.pid}-quick`;
  let env: Record<string, string>;
  let port: number;
  let odooPort: number;
  let browser: Browser | undefined;
  let first: Ran;

  const quickstart = (...words: string[]): Promise<Ran> =>
    run(join(root, "packaging/quickstart"), words, { env, timeoutMs: 900_000 });

  before(async () => {
    port = await freePort("127.0.0.1");
    do odooPort = await freePort("127.0.0.1"); while (odooPort === port);
    env = {
      FAIRLEAD_QUICKSTART: place, FAIRLEAD_QUICKSTART_SERVER: server, FAIRLEAD_BUILD: build, FAIRLEAD_NO_BUILD: "1",
      FAIRLEAD_PORT: String(port), FAIRLEAD_ODOO_PORT: String(odooPort),
    };
  });
  after(async () => {
    await browser?.close();
    await quickstart("down").catch(() => undefined);
    rmSync(join(place, ".."), { recursive: true, force: true });
  });

  async function window(): Promise<Page> {
    browser ??= await chromium.launch({ executablePath: "/usr/bin/chromium-headless-shell", args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(180_000); // Odoo makes its assets when it is first asked for them
    return page;
  }

  it("brings up a controller, a server and Odoo 19, and says at each stage what it does", async () => {
    first = await quickstart();
    const stages = [...first.stdout.matchAll(/^\[(\d)\/8\] /gm)].map((one) => one[1]);
    assert.deepEqual(stages, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert.match(first.stdout, /enrolled {3}as srv_/);
    assert.match(first.stdout, /Migrate the database: done/);
    assert.match(first.stdout, /Odoo says: \{"status": "pass"\}/);
    assert.match(first.stdout, /Stop and remove: packaging\/quickstart down/);
    assert.ok(!/flt_[A-Za-z0-9]/.test(first.stdout), "the token is not shown");
  });

  it("lets a person sign in with what it printed, and see the environment running", async () => {
    const console = /Console +(https:\S+)/.exec(first.stdout)?.[1];
    const [, email, password] = /^ +(\S+@\S+) {3}(\S+)$/m.exec(first.stdout) ?? [];
    assert.ok(console && email && password, first.stdout);
    const page = await window();
    await page.goto(console);
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL(/\/o\//);
    await page.goto(`${new URL(page.url()).href.replace(/(\/o\/[^/]+).*/, "$1")}/environments`);
    await page.getByRole("link", { name: "quickstart" }).first().click();
    await page.getByText("Running", { exact: true }).first().waitFor();
  });

  it("lets a person into Odoo at the address it printed", async () => {
    const [, odoo, password] = /Odoo 19 +(http:\S+) +user admin, password (\S+)/.exec(first.stdout) ?? [];
    assert.ok(odoo && password);
    const page = await window();
    await page.goto(`${odoo}/web/login`);
    await page.locator("input[name=login]").fill("admin");
    await page.locator("input[name=password]").fill(password);
    await page.locator("button[type=submit]").first().click();
    await page.waitForURL(/\/odoo/);
  });

  it("run again, finds all of it in place", async () => {
    const started = Date.now();
    const again = await quickstart();
    assert.match(again.stdout, /it runs already/);
    assert.match(again.stdout, /it is there already/);
    assert.match(again.stdout, /enrolled already: srv_/);
    assert.match(again.stdout, /deployed already: release 1/);
    assert.equal(/^ +(\S+@\S+ {3}\S+)$/m.exec(again.stdout)?.[1], /^ +(\S+@\S+ {3}\S+)$/m.exec(first.stdout)?.[1]);
    assert.ok(Date.now() - started < 300_000, `${Date.now() - started} ms`);
    assert.match((await quickstart("status")).stdout, new RegExp(`${server}\\s+running`));
  });

  it("after a power cut of the server, brings it back", async () => {
    await run(join(hosts, "host"), ["kill", server]);
    const again = await quickstart();
    assert.match(again.stdout, /enrolled already: srv_[\s\S]*deployed already: release 1[\s\S]*Odoo says/);
    assert.equal((await fetch(`http://127.0.0.1:${odooPort}/web/health`)).status, 200);
  });

  it("says which program has its port", async () => {
    const taken = await run(join(root, "packaging/quickstart"), [], {
      env: { ...env, FAIRLEAD_QUICKSTART: `${place}-2`, FAIRLEAD_QUICKSTART_SERVER: `${server}-2` }, check: false, timeoutMs: 300_000,
    });
    assert.notEqual(taken.code, 0);
    assert.match(taken.stderr, new RegExp(`port ${port} is taken: fairlead-contro\\w* \\(process \\d+\\)`));
    rmSync(`${place}-2`, { recursive: true, force: true });
  });

  it("down takes all of it away", async () => {
    const pids = ["controller", "egress", "relay"].map((name) => readFileSync(join(place, `${name}.pid`), "utf8").split(" ")[0]!);
    const down = await quickstart("down");
    assert.match(down.stdout, /Removed\./);
    assert.ok(!existsSync(place));
    assert.ok(!(await run(join(hosts, "host"), ["list"])).stdout.includes(server));
    assert.equal((await run("ss", ["-Hltn", `sport = :${port} or sport = :${odooPort}`])).stdout, "");
    for (const pid of pids) assert.ok(!readdirSync("/proc").includes(pid), `process ${pid} is still there`);
    assert.match((await quickstart("down")).stdout, /Removed\./, "twice is harmless");
    const status = await run(join(root, "packaging/quickstart"), ["status"], { env, check: false });
    assert.match(status.stderr, /the controller does not run; packaging\/quickstart starts it/);
  });
});
