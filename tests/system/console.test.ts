// The console in a real browser on a real controller: first run, sessions, forms, and the rules that hold on each page.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import { axe, looksGood, looks, show, signIn, Web } from "./lib/browser.ts";
import { admin, Controller } from "./lib/controller.ts";
import { makeRequest } from "./lib/pki.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the console on its first day", () => {
  const world = worldOfSuite();

  scenario(world, "is set up from the one-time link, which works once", async () => {
    const controller = await Controller.init(join(world.dir, "first-day"));
    await controller.start();
    const web = await Web.open(controller);
    try {
      const page = await web.window();
      const path = controller.setupLink.replace(/^https:\/\/[^/]+/, "");
      await page.goto(path);
      await page.getByText(admin.email).waitFor();
      assert.equal(new URL(page.url()).hash, "", "the token stays out of the address and of the history");

      await page.getByLabel("Your name").fill("Ada");
      await page.getByLabel("Password", { exact: true }).fill("short");
      await page.getByLabel("Password again").fill("short");
      await page.getByRole("button", { name: "Set password" }).click();
      await page.getByText("At least 12 characters", { exact: true }).waitFor();
      const invalid = (label: string) => page.getByLabel(label, { exact: true }).getAttribute("aria-invalid");
      assert.deepEqual([await invalid("Password"), await invalid("Password again")], ["true", "false"]);
      await page.getByLabel("Password", { exact: true }).fill(admin.password);
      assert.deepEqual([await invalid("Password"), await invalid("Password again")], ["false", "true"]);
      await page.getByLabel("Password again").fill(admin.password);
      await page.getByRole("button", { name: "Set password" }).click();

      // Nothing is there yet: the console says what to do first.
      await page.getByText("Four steps to a running Odoo").waitFor();
      await page.getByRole("link", { name: "Enrol a server" }).waitFor();
      assert.deepEqual(await axe(page), []);

      const late = await web.window();
      await late.goto(path);
      await late.getByText("This link does not work").waitFor();
      assert.deepEqual(web.complaints, []);
    } finally {
      await web.close();
      await controller.stop();
    }
  });
});

describe("the console", () => {
  const world = worldOfSuite();
  let web: Web;
  let base: string;

  before(async () => {
    await world.api();
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    base = new URL(page.url()).pathname;
  });
  afterEach(() => web.closeWindows());
  after(() => web?.close());

  scenario(world, "tells a wrong password from a right one, and comes back to the page that was asked for", async () => {
    const page = await web.window();
    await page.goto(`${base}/servers?from=mail`);
    await page.waitForURL(/\/signin\?next=/);
    await page.getByLabel("E-mail").fill(admin.email);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password", { exact: true }).fill(admin.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL(/\/servers\?from=mail$/);
    await page.getByText("No server yet").waitFor();
  });

  scenario(world, "shows what another window changes, without a reload, also after the controller was away", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/projects`);
    await page.getByText("No project yet").waitFor();
    const api = await world.api();
    const org = await world.org();
    const project = (name: string) =>
      api.post(`${org}/projects`, { name, odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } });
    await project("Seen at once");
    await page.getByRole("link", { name: "Seen at once" }).waitFor();

    const controller = await world.controller();
    await controller.stop();
    await page.getByText("No live updates").waitFor();
    await controller.start();
    await page.getByText("No live updates").waitFor({ state: "detached", timeout: 60_000 });
    await project("Seen afterwards");
    await page.getByRole("link", { name: "Seen afterwards" }).waitFor();
  });

  scenario(world, "says beside the field what the controller has against it", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/projects/new`);
    await page.getByLabel("Name").first().fill("Refused");
    await page.getByLabel("Branch").first().fill("refs/pull/7/head");
    await page.getByRole("button", { name: "Create project" }).click();
    const field = page.getByLabel("Branch").first();
    await page.waitForFunction(() => document.querySelector("[aria-invalid=true]"));
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    const told = await page.locator(`#${await field.getAttribute("aria-describedby").then((ids) => ids?.split(" ").at(-1))}`).textContent();
    assert.ok(told && told.length > 10, `beside the field: ${told}`);
  });

  scenario(world, "is worked by keyboard alone: sign in, find a page, fill a form", async () => {
    const page = await web.window();
    await page.goto("/signin");
    await page.waitForFunction(() => document.activeElement?.getAttribute("type") === "email");
    await page.keyboard.type(admin.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(admin.password);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/o\//);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Go to" }).waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "combobox");
    await page.keyboard.type("enrol");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/servers\/enrol$/);
    await page.getByLabel("What is it for?").waitFor();
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Enter");
    await page.getByLabel("Command to enrol the server").waitFor();
    assert.match((await page.getByLabel("Command to enrol the server").textContent()) ?? "", /install\.sh.*--token flt_/);
  });

  scenario(world, "has no serious finding of axe, no overflow and no breach of its content policy in both themes and on a phone", async () => {
    const page = await web.signedIn();
    for (const path of ["", "/environments", "/environments/new", "/projects", "/projects/new", "/servers", "/servers/enrol", "/operations", "/audit", "/git-credentials", "/account", "/nowhere"]) {
      await page.goto(`${base}${path}`);
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
      await looksGood(page, path);
    }
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "tells of a server that was never seen, and of a deployment that waits for it", async () => {
    const api = await world.api();
    const org = await world.org();
    const token = await api.post<{ token: string }>(`${org}/registration-tokens`, { name: "unseen" });
    const { server_id } = await api.stranger().call<{ server_id: string }>("POST", "/api/v1/agent/enroll", {
      body: { token: token.token, csr: await makeRequest(join(world.dir, "unseen")), name: "unseen", capability: 1, facts: {} },
    });
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const project = await api.post<{ id: string }>(`${org}/projects`, { name: "Waiting", odoo_version: "19.0", odoo_source: source });
    const environment = await api.post<{ id: string }>(`${org}/environments`, {
      project_id: project.id, server_id, name: "waiting", type: "production",
    });

    const page = await web.signedIn();
    await page.goto(`${base}/environments/${environment.id}`);
    await page.getByText("Nothing is deployed yet").waitFor();
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await looksGood(page, "dialog");
    await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByText("unseen is not connected").waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" }); // whose button has the same name
    assert.ok(await page.getByRole("button", { name: "Deploy", exact: true }).isDisabled(), "one at a time");
    await page.goto(`${base}/servers/${server_id}`);
    for (const look of looks) {
      await show(page, look);
      await page.getByRole("button", { name: "More" }).click();
      await page.getByRole("menuitem", { name: "Revoke…" }).waitFor();
      assert.deepEqual(await axe(page), [], `${look}, menu`);
      await page.waitForFunction(() => document.activeElement?.closest("[role=menu]"));
      await page.keyboard.press("Escape");
      await page.getByRole("menu").waitFor({ state: "detached" });
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "Go to" }).waitFor();
      assert.deepEqual(await axe(page), [], `${look}, finder`);
      await page.keyboard.press("Escape");
      await page.getByRole("combobox", { name: "Go to" }).waitFor({ state: "detached" });
    }
    const { data } = await api.get<List<{ id: string }>>(`${org}/operations`);
    const paths = [
      "", "/servers", `/servers/${server_id}`, `/projects/${project.id}`, `/projects/${project.id}/edit`, "/environments",
      `/environments/${environment.id}`, `/environments/${environment.id}/variables`, `/environments/${environment.id}/settings`,
      `/operations/${data[0]!.id}`, "/operations", "/audit",
    ];
    for (const path of paths) {
      await page.goto(`${base}${path}`);
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
      await looksGood(page, path);
    }

    await page.goto(`${base}/operations`);
    await page.getByRole("link", { name: "Deploy" }).first().click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "loads its first page in under 230 kB, and nothing from elsewhere", async () => {
    const page = await web.window();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
    await page.goto("/signin");
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await page.waitForLoadState("networkidle");
    assert.ok(bytes > 50_000 && bytes < 230_000, `${bytes} bytes`);
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "loads again by itself when a part of its program did not come, and says so when it does not help", async () => {
    const page = await web.window();
    let cut = 1;
    await page.route(/\/assets\/index-.*\.js$/, (route) => (cut-- > 0 ? route.abort("connectionreset") : route.continue()));
    await page.goto("/signin");
    await page.getByLabel("E-mail").waitFor();
    cut = 1;
    await page.reload();
    await page.getByText("The console could not be loaded").waitFor();
  });

  scenario(world, "serves its page for its own addresses only", async () => {
    const api = await world.api();
    for (const path of ["/", "/signin", `${base}/servers`]) {
      const answer = await api.send("GET", path, { headers: { Accept: "text/html" } });
      assert.equal(answer.status, 200, path);
      assert.match(String(answer.headers["content-security-policy"]), /script-src 'self';.*style-src 'self'/);
      assert.doesNotMatch(String(answer.headers["content-security-policy"]), /unsafe|nonce/);
      assert.equal(answer.headers["cache-control"], "no-cache");
      for (const [, file] of answer.text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
        const asset = await api.send("GET", file!);
        assert.equal(asset.status, 200, file);
        assert.match(String(asset.headers["cache-control"]), /immutable/);
      }
    }
    assert.equal((await api.send("GET", "/assets/nothing-00000000.js")).status, 404);
    assert.equal((await api.send("GET", "/api/v1/nothing")).status, 404);
  });
});

// A world of its own: its person ends every other session, the tests' own among them.
describe("a session in the console", () => {
  const world = worldOfSuite();
  let web: Web;

  before(async () => {
    await world.api();
    web = await Web.open(await world.controller());
  });
  after(() => web?.close());

  scenario(world, "goes to the sign-in page at once when its session is ended elsewhere [S-SESS-06]", async () => {
    const page = await web.signedIn();
    const base = new URL(page.url()).pathname;
    await page.goto(`${base}/operations`);
    await page.getByText("Nothing was asked of a server yet").waitFor();
    const other = await web.signedIn();
    await other.goto(`${base}/account/sessions`);
    const ends = other.getByRole("button", { name: /^End the session on/ });
    await ends.first().waitFor();
    for (let left = await ends.count(); left > 0; left--) {
      await ends.first().click();
      await other.waitForFunction((n) => document.querySelectorAll("[aria-label^='End the session on']").length < n, left);
    }
    const ended = Date.now();
    await page.waitForURL(/\/signin/);
    await page.getByText("Your session ended").waitFor();
    assert.ok(Date.now() - ended < 20_000, "by the closed stream; nothing else would tell this page");
    await signIn(page);
    await page.waitForURL(/\/operations$/);
  });
});
