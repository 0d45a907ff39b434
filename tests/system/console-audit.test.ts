// The audit log as a person sees it: found by filters, with what changed, its proof, and the file to take away.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, describe } from "node:test";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { built } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the console's audit log", () => {
  const world = worldOfSuite();
  let web: Web;
  let base: string;

  before(async () => {
    const api = await world.api();
    const org = await world.org();
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const project = await api.post<{ id: string }>(`${org}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
    await api.call("PATCH", `${org}/projects/${project.id}`, { body: { name: "Shop of 2027" } });
    await api.post(`${org}/registration-tokens`, { name: "berlin" });
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    base = new URL(page.url()).pathname;
    await web.closeWindows();
  });
  afterEach(() => web.closeWindows());
  after(() => web.close());

  scenario(world, "shows entries and their proof, without a serious finding of axe or overflow in both themes and on a phone", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/audit`);
    await page.getByText("Signed, and no server objects").waitFor();
    await page.getByText("registration_token.create").waitFor();
    await looksGood(page, "the log");
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "finds by action and by thing, and says what changed", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/audit`);
    await page.getByText("registration_token.create").waitFor();
    await page.getByLabel("Action").fill("project");
    await page.getByText("registration_token.create").waitFor({ state: "detached" });
    const edited = page.getByRole("row").filter({ hasText: "project.edit" });
    await edited.getByText("what changed").click();
    await edited.getByText("Shop →").first().waitFor();
    await page.getByLabel("Action").fill("");
    await edited.getByRole("button", { name: "Shop of 2027" }).click();
    await page.getByRole("button", { name: "On Shop of 2027; show all things" }).waitFor();
    // The two filters change one after the other, and each change fetches the list anew.
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll("table[aria-label='Audit entries'] tbody tr")];
      return rows.length === 2 && rows.every((row) => /project\.(create|edit)/.test(row.textContent ?? ""));
    });
  });

  scenario(world, "proves each entry in the browser, and says what is wrong where something was bent on the way", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/audit`);
    const row = (action: string) => page.getByRole("row").filter({ hasText: action });
    await row("project.edit").getByRole("button", { name: /^Prove entry/ }).click();
    await row("project.edit").getByText("Proven", { exact: true }).waitFor();
    const api = await world.api();
    const org = await world.org();
    const { note } = await api.get<{ note: string }>(`${org}/audit/checkpoint`);
    const [, size, root] = note.split("\n") as [string, string, string];
    const said = (await row("project.edit").getByText(/entries, root/).textContent())!;
    assert.ok(Number(/(\d+) entries/.exec(said)![1]) <= Number(size) && /root [\w+/]{8}…/.test(said), `${said}, but ${size} ${root}`);
    assert.deepEqual(await axe(page), []);

    // Between the controller and the page, one part of the proof after the other is changed.
    type Proof = { leaf: string; leaf_hash: string; path: string[]; checkpoint: { size: number; note: string }; key: string };
    const bent: [RegExp, (proof: Proof) => void][] = [
      [/not what was written/, (proof) => (proof.leaf = proof.leaf.replace("project.create", "project.delete"))],
      [/does not fit its hash/, (proof) => (proof.leaf_hash = Buffer.alloc(32, 7).toString("base64"))],
      [/does not lead to the root/, (proof) => (proof.path[0] = Buffer.alloc(32, 7).toString("base64"))],
      [/signature of the log's state is wrong/, (proof) => (proof.checkpoint.note = proof.checkpoint.note.replace(/^/, "x"))],
    ];
    for (const [expected, bend] of bent) {
      await page.goto(`${base}/audit`);
      await page.route("**/proof", async (route) => {
        const proof = await api.get<Proof>(new URL(route.request().url()).pathname);
        bend(proof);
        await route.fulfill({ json: proof });
      });
      await row("project.create").getByRole("button", { name: /^Prove entry/ }).click();
      await row("project.create").getByText("Not proven", { exact: true }).waitFor();
      await row("project.create").getByText(expected).waitFor();
      await page.unroute("**/proof");
    }
    assert.deepEqual(await axe(page), []);
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "gives a file that verifies with the key that it shows", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/audit`);
    const key = (await page.getByText(/\/audit\+[0-9a-f]{8}\+/).textContent())!.trim();
    const taken = async (name: string): Promise<{ file: string; path: string }> => {
      const coming = page.waitForEvent("download");
      await page.getByRole("link", { name }).click();
      const download = await coming;
      return { file: download.suggestedFilename(), path: await download.path() };
    };
    const proof = await taken("Export with proof");
    assert.match(proof.file, /^audit-org_\w+\.jsonl$/);
    const said = await run(built("controller/fairlead-controller"), ["audit", "verify", proof.path, "--key", key]);
    assert.match(said.stdout, /entries are what was written/);
    const csv = await taken("Export as CSV");
    assert.match(csv.file, /\.csv$/);
    assert.match(readFileSync(csv.path, "utf8"), /project\.edit/);
  });

  scenario(world, "shows an operator the installation's own log, which proves itself like the others", async () => {
    const api = await world.api();
    const org = await world.org();
    await api.post(`${org}/support-access`, { reason: "a look together", expires_in_s: 3600 });
    await api.get(org.replace("/orgs/", "/installation/orgs/"));
    const page = await web.signedIn();
    await page.goto(base);
    await page.locator(".fl-person-button").click();
    await page.getByRole("menuitem", { name: "Log of the installation" }).click();
    await page.getByRole("heading", { name: "Log of the installation" }).waitFor();
    const look = page.getByRole("row").filter({ hasText: "support.look" });
    await look.getByRole("button", { name: /^Prove entry/ }).click();
    await look.getByText("Proven", { exact: true }).waitFor();
    assert.deepEqual(await axe(page), []);
    const coming = page.waitForEvent("download");
    await page.getByRole("link", { name: "Export with proof" }).click();
    const file = await (await coming).path();
    const key = (await page.getByText(/\/audit\+[0-9a-f]{8}\+/).textContent())!.trim();
    const said = await run(built("controller/fairlead-controller"), ["audit", "verify", file, "--key", key]);
    assert.match(said.stdout, /entries are what was written/);
    assert.deepEqual(web.complaints, []);
  });
});
