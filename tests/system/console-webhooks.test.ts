// Webhooks in the console, against the real controller, its real egress, and a receiver that verifies what comes.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { FalseAgent } from "./lib/false-agent.ts";
import { folder } from "./lib/paths.ts";
import { join as joined, password } from "./lib/people.ts";
import { type Came, Receiver } from "./lib/receiver.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("webhooks in the console", () => {
  let receiver: Receiver;
  const world = worldOfSuite(async () => {
    receiver = await Receiver.start(folder(join(world.dir, "receiver")));
    return (await world.egress({ allow: [receiver.place] })).settings(receiver.ca);
  });
  let web: Web, api: Api, org: string, base: string, address: string, secret: string;

  before(async () => {
    api = await world.api();
    org = await world.org();
    web = await Web.open(await world.controller());
    base = new URL((await web.signedIn()).url()).pathname;
    await web.closeWindows();
  });
  afterEach(async () => {
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });
  after(async () => {
    await web?.close();
    receiver?.stop();
  });

  /** What came of tests. It is told of all events, and the audit log has a new checkpoint at any time. */
  const tests = (): Came[] => receiver.came.filter(({ body }) => body.includes('"webhook.test"'));
  const test = async (page: Page): Promise<void> => {
    await page.goto(address);
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByRole("dialog", { name: "Delivery" }).waitFor();
  };
  const menu = async (page: Page, item: string): Promise<void> => {
    await page.goto(address);
    await page.getByRole("button", { name: /^Acts on/ }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  const enrol = async (name: string): Promise<void> => (await FalseAgent.enrol(await world.controller(), api, org, name)).close();

  scenario(world, "are added with an address that is looked at first; the secret is shown once, and a test shows that it verifies", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/settings/webhooks`);
    await page.getByText("No webhook yet").waitFor();
    await page.getByRole("button", { name: "Add a webhook" }).click();
    const form = page.getByRole("dialog");
    for (const bad of ["http://hooks.example.org/", "https://10.0.0.7/hook"]) {
      await form.getByLabel("Address").fill(bad);
      await form.getByRole("button", { name: "Add webhook" }).click();
      await page.waitForFunction(() => document.querySelector("[role=dialog] input[aria-invalid=true]"));
    }
    await form.getByRole("radio", { name: "Chosen events" }).check();
    assert.equal(await form.getByRole("button", { name: "Add webhook" }).isDisabled(), true, "a choice of nothing");
    assert.deepEqual(await axe(page), [], "the form");
    await form.getByRole("radio", { name: "All events" }).check();
    await form.getByLabel("Address").fill(receiver.url);
    await form.getByLabel("Description").fill("Team chat");
    await form.getByRole("button", { name: "Add webhook" }).click();
    secret = await page.getByLabel("The secret", { exact: true }).innerText();
    assert.match(secret, /^whsec_/);
    await page.getByText("How the receiver verifies what comes").first().click();
    assert.deepEqual(await axe(page), [], "the secret");
    await page.getByRole("button", { name: "I have stored it" }).click();
    // The audit log's next state may have been told already.
    await page.getByText("Nothing was sent yet").or(page.getByRole("table", { name: "Deliveries" })).first().waitFor();
    address = new URL(page.url()).pathname;
    assert.equal((await page.content()).includes(secret), false);

    await test(page);
    await page.getByRole("dialog").getByText("Answered 204", { exact: true }).waitFor();
    await page.getByRole("dialog").getByText("Delivered", { exact: true }).waitFor();
    assert.equal(tests().length, 1);
    assert.ok(receiver.verifies(secret, tests()[0]));
    assert.deepEqual(await axe(page), [], "a delivery");
  });

  scenario(world, "list what was sent, filtered by event, with the body that the receiver had", async () => {
    await enrol("odoo-1");
    await poll("the receiver is told of the server", 60_000, async () => receiver.came.some(({ body }) => body.includes("server.enrolled")) || undefined, 20);
    const page = await web.signedIn();
    await page.goto(address);
    const list = page.getByRole("table", { name: "Deliveries" });
    await page.getByRole("textbox", { name: "Event" }).fill("server.enrolled");
    await page.getByRole("option", { name: "server.enrolled" }).click();
    await list.getByText("webhook.test").waitFor({ state: "detached" });
    await list.getByRole("link", { name: "server.enrolled" }).click();
    const shown = await page.getByLabel("The body", { exact: true }).innerText();
    const came = receiver.came.find(({ body }) => body.includes("server.enrolled"))!;
    assert.deepEqual(JSON.parse(shown), JSON.parse(came.body));
    await page.getByRole("dialog").getByText(came.headers["webhook-id"]!).waitFor();
  });

  scenario(world, "say what was answered and what to do about it, and send it again", async () => {
    receiver.answer = [503, "the database is down"];
    const page = await web.signedIn();
    await test(page);
    const dialog = page.getByRole("dialog");
    // It is tried again by itself, and each attempt says so.
    await dialog.getByText("Answered 503", { exact: true }).first().waitFor();
    await dialog.getByText("The receiver itself failed. Its own log says why.").first().waitFor();
    await dialog.getByText("the database is down").first().waitFor();
    receiver.answer = [204, ""];
    await dialog.getByRole("button", { name: /^Send (again|now)$/ }).click();
    await dialog.getByText("Answered 204", { exact: true }).waitFor();
    const [before, now] = tests().slice(-2);
    assert.equal(now!.headers["webhook-id"], before!.headers["webhook-id"]);
    assert.equal(now!.body, before!.body);
  });

  scenario(world, "get a new secret, and are signed by both within the grace", async () => {
    const page = await web.signedIn();
    await menu(page, "New secret…");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Meanwhile everything is signed by both").waitFor();
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    const next = await page.getByLabel("The new secret", { exact: true }).innerText();
    await page.getByRole("button", { name: "I have stored it" }).click();
    await page.getByText("Two secrets sign just now").waitFor();
    await test(page);
    await page.getByRole("dialog").getByText("Answered 204", { exact: true }).waitFor();
    assert.ok(receiver.verifies(secret, tests().at(-1)), "the old secret");
    assert.ok(receiver.verifies(next, tests().at(-1)), "the new secret");

    await menu(page, "New secret…");
    await dialog.getByRole("textbox", { name: "The old secret signs too for" }).click();
    await page.getByRole("option", { name: "Not at all: it ends now" }).click();
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    const last = await page.getByLabel("The new secret", { exact: true }).innerText();
    await test(page);
    await page.getByRole("dialog").getByText("Answered 204", { exact: true }).waitFor();
    assert.deepEqual([secret, next, last].map((each) => receiver.verifies(each, tests().at(-1))), [false, false, true]);
    secret = last;
  });

  scenario(world, "that the receiver wants no more are stopped, say why in every window, and are turned on again", async () => {
    const other = await web.signedIn();
    await other.goto(`${base}/settings/webhooks`);
    await other.getByText("Active", { exact: true }).waitFor();
    const page = await web.signedIn();
    await page.goto(address);
    await page.getByRole("button", { name: "Send a test" }).waitFor();
    receiver.answer = [410, ""]; // from now on: something is told of at any time
    await enrol("odoo-2");
    await page.getByText("Fairlead has stopped sending to it").waitFor();
    await other.getByText("Stopped", { exact: true }).waitFor();
    await page.getByRole("link", { name: "The delivery that failed" }).click();
    await page.getByRole("dialog").getByText("Answered 410", { exact: true }).waitFor();
    assert.equal(await page.getByRole("dialog").getByRole("button", { name: "Send again" }).isDisabled(), true);
    receiver.answer = [204, ""];
    await page.goto(address);
    await page.getByRole("button", { name: "Turn on again" }).click();
    await page.getByText("Fairlead has stopped sending to it").waitFor({ state: "detached" });
    await other.getByText("Stopped", { exact: true }).waitFor({ state: "detached" });
  });

  scenario(world, "show a developer what was sent and no act, and a viewer nothing", async () => {
    const developer = await joined(api, org, "dora@example.org", "developer");
    const theirs = await web.signedIn("light", { email: developer.email, password });
    await theirs.goto(`${base}/settings/webhooks`);
    await theirs.getByRole("link", { name: "Team chat" }).waitFor();
    assert.equal(await theirs.getByRole("button", { name: "Add a webhook" }).count(), 0);
    await theirs.goto(address);
    await theirs.getByRole("table", { name: "Deliveries" }).waitFor();
    for (const name of [/^Send a test$/, /^Acts on/]) assert.equal(await theirs.getByRole("button", { name }).count(), 0, String(name));
    const viewer = await joined(api, org, "vic@example.org", "viewer");
    const page = await web.signedIn("light", { email: viewer.email, password });
    await page.goto(`${base}/settings`);
    await page.getByRole("tab", { name: "General" }).waitFor();
    assert.equal(await page.getByRole("tab", { name: "Webhooks" }).count(), 0);
  });

  scenario(world, "have no serious finding of axe, no overflow and no breach of the content policy in both themes and on a phone", async () => {
    const page = await web.signedIn();
    for (const [name, path, what] of [["list", `${base}/settings/webhooks`, "Webhooks"], ["one", address, "Deliveries"]] as const) {
      await page.goto(path);
      await page.getByRole("table", { name: what }).waitFor();
      await looksGood(page, name, `console-webhooks-${name}`);
    }
  });

  scenario(world, "are deleted, from every list by themselves", async () => {
    const other = await web.signedIn();
    await other.goto(`${base}/settings/webhooks`);
    await other.getByRole("link", { name: "Team chat" }).waitFor();
    const page = await web.signedIn();
    await menu(page, "Delete…");
    await page.getByRole("dialog").getByText("this cannot be taken back").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No webhook yet").waitFor();
    await other.getByText("No webhook yet").waitFor();
  });
});
