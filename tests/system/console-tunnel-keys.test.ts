// Tunnel keys in the console, against the real controller.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { join as joined, password } from "./lib/people.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface TunnelKey {
  id: string;
  state: string;
  public_key: string;
  ends_at: string | null;
}

describe("tunnel keys in the console", () => {
  const world = worldOfSuite();
  let web: Web, api: Api, org: string, tab: string;

  before(async () => {
    api = await world.api();
    org = await world.org();
    web = await Web.open(await world.controller());
    tab = `${new URL((await web.signedIn()).url()).pathname}/settings/tunnel-keys`;
    await web.closeWindows();
  });
  afterEach(async () => {
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });
  after(() => web?.close());

  const held = async (): Promise<TunnelKey[]> => (await api.get<{ data: TunnelKey[] }>(`${org}/tunnel-keys`)).data;
  const row = (page: Page, { public_key }: TunnelKey) => page.getByRole("row").filter({ has: page.getByRole("button", { name: `Copy the public key ${public_key.slice(-4)}` }) });
  const open = async (): Promise<Page> => {
    const page = await web.signedIn();
    await page.goto(tab);
    return page;
  };
  const rotate = async (page: Page): Promise<void> => {
    await page.getByRole("button", { name: "New key…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make a new key" }).click();
    await page.getByText("There is a new key.").first().waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  };

  scenario(world, "are made, and replaced with a grace that is chosen", async () => {
    const page = await open();
    await page.getByText("No tunnel key yet").waitFor();
    assert.deepEqual(await axe(page), [], "nothing yet");
    await rotate(page);
    const [first] = await held();
    await row(page, first!).getByText("Signs", { exact: true }).waitFor();
    await page.getByRole("button", { name: "New key…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What is open under the old one goes on until then").waitFor();
    await dialog.getByRole("textbox", { name: "The old key counts for" }).click();
    await page.getByRole("option", { name: "Not at all: it ends now" }).click();
    await dialog.getByText("everything that is open ends at once").waitFor();
    await dialog.getByRole("textbox", { name: "The old key counts for" }).click();
    await page.getByRole("option", { name: "3 days" }).click();
    assert.deepEqual(await axe(page), [], "the choice");
    await dialog.getByRole("button", { name: "Make a new key" }).click();
    await row(page, first!).getByText("Still counts", { exact: true }).waitFor();
    const [second, replaced] = await held();
    assert.equal(replaced!.id, first!.id);
    const days = (Date.parse(replaced!.ends_at!) - Date.now()) / 86_400_000;
    assert.ok(days > 2.9 && days < 3.1, String(days));
    await row(page, second!).getByText("Signs", { exact: true }).waitFor();
  });

  scenario(world, "have no serious finding of axe, no overflow and no breach of the content policy in both themes and on a phone", async () => {
    const page = await web.signedIn();
    await page.goto(tab);
    await page.getByRole("table", { name: "Tunnel keys" }).waitFor();
    await looksGood(page, "the keys", "console-tunnel-keys");
  });

  scenario(world, "are revoked after a look at what stops", async () => {
    const page = await open();
    const [current, previous] = await held();
    const revoke = async (one: TunnelKey, words: RegExp): Promise<void> => {
      await page.getByRole("button", { name: `Revoke the tunnel key ${one.public_key.slice(-4)}` }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText(words).waitFor();
      assert.deepEqual(await axe(page), [], String(words));
      await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
      await row(page, one).getByText("Revoked", { exact: true }).waitFor();
    };
    await revoke(previous!, /Connections under the current key go on/);
    assert.equal(await page.getByText("No key signs").count(), 0);
    await revoke(current!, /stops to answer at once/);
    await page.getByText("No key signs").waitFor();
    assert.deepEqual((await held()).map((one) => one.state), ["revoked", "revoked"]);
    await rotate(page);
    await page.getByText("No key signs").waitFor({ state: "detached" });
  });

  scenario(world, "show a developer no act, and a viewer nothing", async () => {
    const developer = await joined(api, org, "dora@example.org", "developer");
    const theirs = await web.signedIn("light", { email: developer.email, password });
    await theirs.goto(tab);
    await theirs.getByRole("table", { name: "Tunnel keys" }).waitFor();
    for (const name of [/^New key/, /^Revoke/]) assert.equal(await theirs.getByRole("button", { name }).count(), 0, String(name));
    const viewer = await joined(api, org, "vic@example.org", "viewer");
    const page = await web.signedIn("light", { email: viewer.email, password });
    await page.goto(tab);
    await page.getByRole("tab", { name: "General" }).waitFor();
    assert.equal(await page.getByRole("tab", { name: "Tunnel keys" }).count(), 0);
  });
});
