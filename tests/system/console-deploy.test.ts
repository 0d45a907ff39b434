// The main job, by a person in a browser: paste a command, see the server come online, deploy Odoo and watch it.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { axe, Web } from "./lib/browser.ts";
import type { Host } from "./lib/host.ts";
import { artifacts, folder } from "./lib/paths.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

/** For work on the server: as long as a scenario may take, since a busy machine is no finding. */
const patience = 540_000;

describe("a person with the console", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let web: Web;
  let page: Page;
  let base: string;
  let host: Host;

  before(async () => {
    host = await world.host("browser");
    await world.api();
    web = await Web.open(await world.controller());
    page = await web.signedIn();
    base = new URL(page.url()).pathname;
  });
  after(async () => {
    // What the person saw last; beside the logs when something failed.
    await page?.screenshot({ path: join(folder(artifacts), "console-deploy.png"), fullPage: true }).catch(() => {});
    await web?.close();
  });

  scenario(world, "enrols a server by the command that is shown, and sees it come online without a reload", async () => {
    await page.getByRole("link", { name: "Enrol a server" }).click();
    await page.getByLabel("What is it for?").fill("browser");
    await page.getByRole("button", { name: "Make the command" }).click();
    const shown = await page.getByLabel("Command to enrol the server").textContent();
    await page.getByText("Waiting for the server to come online").waitFor();
    await world.paste(host, shown!.replace(/^\s*#\s*/, ""));
    await page.getByText("Online", { exact: true }).waitFor({ timeout: patience });
    await page.getByRole("link", { name: "Open", exact: true }).click();
    await page.getByRole("heading", { name: host.name }).waitFor();
    await page.getByText("Debian GNU/Linux 12 (bookworm)").waitFor();
  });

  scenario(world, "creates a project and an environment, and reads the pre-flight report", async () => {
    const git = await world.git();
    await git.commit("clicked", "v1");
    await page.goto(`${base}/projects/new`);
    await page.getByLabel("Name").first().fill("Harbour");
    await page.getByLabel("Repository", { exact: true }).fill(await git.addOdoo());
    await page.getByRole("button", { name: "Add a repository" }).click();
    const addon = page.getByRole("group", { name: "Repository 1" });
    await addon.getByLabel("Repository", { exact: true }).fill(git.url("clicked"));
    await addon.getByLabel("Name").fill("demo");
    await page.getByRole("button", { name: "Create project" }).click();
    await page.getByRole("heading", { name: "Harbour" }).waitFor();

    await page.getByRole("link", { name: "New environment" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Harbour staging");
    await page.getByRole("radio", { name: "Staging" }).check();
    await page.getByLabel("Modules to install at first").fill("base, web, fl_demo");
    await page.getByLabel("Use the server's own Python packages too").check();
    await page.getByRole("button", { name: "Create environment" }).click();
    await page.getByText("Nothing is deployed yet").waitFor();

    await page.getByRole("button", { name: "Pre-flight" }).click();
    const report = page.getByRole("region", { name: "Pre-flight report" });
    await report.waitFor({ timeout: patience });
    assert.ok((await report.getByRole("listitem").count()) >= 5);
    assert.equal(await report.getByText("Failed", { exact: true }).count(), 0, await report.innerText());
  });

  scenario(world, "deploys and watches: steps and log move by themselves until Odoo runs", async () => {
    const kept = await page.context().newPage();
    await kept.goto((await page.getByRole("link", { name: "Details" }).getAttribute("href"))!);
    await kept.getByText(/Ready to deploy/).waitFor();
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
    await page.locator("li[aria-current=step]").first().waitFor({ timeout: patience });
    await page.locator(".fl-log-line").first().waitFor({ timeout: patience });
    await page.getByRole("status").or(page.locator("header")).getByText("Running", { exact: true }).first().waitFor({ timeout: patience });
    await page.getByText("Succeeded", { exact: true }).first().waitFor({ timeout: patience });
    // The pre-flight check has succeeded before; the release is there when the deployment has.
    await page.locator(".fl-lead").getByText("release #1").waitFor({ timeout: patience });
    await page.getByText("#1", { exact: true }).waitFor();
    // The report of before, left open beside it, no longer says what it said.
    await kept.getByText("This report is outdated.").waitFor();
    assert.equal(await kept.getByText(/Ready to deploy/).count(), 0);
    await kept.getByRole("link", { name: "See that operation" }).waitFor();
    await kept.close();
    assert.equal(await page.locator(".fl-steps li[data-state=failed]").count(), 0);
    assert.deepEqual(await axe(page), []);
    const port = /\d+/.exec(await page.getByRole("button", { name: /^port \d+ on/ }).innerText())![0];
    assert.match(await host.sh(`curl -fsS http://127.0.0.1:${port}/web/login`), /odoo/i);
  });

  scenario(world, "sees why a bad change was undone, and that the release before it is live", async () => {
    await (await world.git()).commit("clicked", "raises");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: /Failed/ }).waitFor({ timeout: patience });
    const alert = await page.getByRole("alert").filter({ hasText: /Failed/ }).innerText();
    assert.match(alert, /fl_demo|migrat/i);
    await page.locator(".fl-lead").getByText("Running", { exact: true }).waitFor({ timeout: patience });
    await page.locator(".fl-lead").getByText("release #1").waitFor();
  });

  scenario(world, "stops, starts and rolls back, and is asked about the database", async () => {
    await (await world.git()).commit("clicked", "v2");
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
    await page.locator(".fl-lead").getByText(/release #[23]/).waitFor({ timeout: patience });
    await page.getByText("Succeeded", { exact: true }).first().waitFor({ timeout: patience });
    await page.reload();
    await page.getByRole("button", { name: "Roll back to release 1" }).waitFor();
    await page.screenshot({ path: join(folder(artifacts), "console-environment.png") }); // the README's picture

    await page.getByRole("button", { name: "More acts" }).click();
    await page.getByRole("menuitem", { name: "Stop" }).click();
    await page.locator(".fl-lead").getByText("Stopped").waitFor({ timeout: patience });
    // Odoo may take as long as its unit lets it to end; until then there is no other act.
    await page.getByRole("button", { name: "Start", exact: true }).click({ timeout: patience });
    await page.locator(".fl-lead").getByText("Running").waitFor({ timeout: patience });

    await page.getByRole("button", { name: "Roll back to release 1" }).click();
    const confirm = page.getByRole("dialog").getByRole("button", { name: "Roll back to #1" });
    assert.ok(await confirm.isDisabled(), "nothing is assumed about the database");
    await page.getByRole("radio", { name: "Put it back as well" }).check();
    await confirm.click();
    await page.locator(".fl-lead").getByText("release #1").waitFor({ timeout: patience });
  });

  scenario(world, "chooses how it is reached, and is told what waits and what there is to do", async () => {
    await page.getByRole("tab", { name: "Settings" }).click();
    await page.getByRole("radio", { name: "At its server" }).check();
    await page.getByText("Name at least one domain").waitFor();
    await page.getByLabel("Domains").fill("harbour.example.com");
    await page.getByText(/A record .* of harbour\.example\.com/).waitFor();
    await page.getByRole("radio", { name: "Through Fairlead" }).check();
    await page.getByText(/Prove that harbour\.example\.com is yours/).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("port → tunnel").waitFor();
    assert.deepEqual(await axe(page), []);
    await page.getByRole("tab", { name: "Overview" }).click();
    await page.getByText("through Fairlead", { exact: true }).waitFor();
    assert.match(await page.locator(".fl-lead").innerText(), /port \d+ on/, "what is live is reached as before");
  });

  scenario(world, "deletes only after the name was typed", async () => {
    await page.getByRole("button", { name: "More acts" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    const dialog = page.getByRole("dialog");
    const button = dialog.getByRole("button", { name: "Delete", exact: true });
    assert.ok(await button.isDisabled());
    await dialog.getByLabel(/Type/).fill("Harbour");
    assert.ok(await button.isDisabled());
    await dialog.getByLabel(/Type/).fill("Harbour staging");
    await button.click();
    await page.getByText("No environment yet").or(page.getByText("is gone")).first().waitFor({ timeout: patience });
    assert.deepEqual(web.complaints, []);
  });
});
