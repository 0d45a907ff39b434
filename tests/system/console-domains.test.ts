// Domains in the console, against the real controller, its real egress, and a name server whose answers change.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { fillOrg } from "./lib/fill.ts";
import { Names } from "./lib/names.ts";
import { join as joined, password } from "./lib/people.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Domain {
  id: string;
  name: string;
  challenge: { record: { name: string; value: string } };
}
const nameserver = "127.53.8.1";

describe("domains in the console", () => {
  const names = new Names();
  const world = worldOfSuite(async () => {
    await names.start(nameserver);
    return (await world.egress({ nameserver })).settings();
  });
  let web: Web, api: Api, org: string, base: string;

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
    names.stop();
  });

  const page = async (): Promise<Page> => {
    const at = await web.signedIn();
    await at.goto(`${base}/settings/domains`);
    return at;
  };
  const listed = async (name: string): Promise<Domain> => (await api.get<List<Domain>>(`${org}/domains`)).data.find((one) => one.name === name)!;
  const prove = ({ challenge: { record } }: Domain): unknown => names.records.set(`TXT ${record.name}`, [record.value]);

  scenario(world, "are claimed, with what proves them to be copied, and looked at with the result as it comes", async () => {
    const at = await page();
    await at.getByText("No domain yet").waitFor();
    assert.deepEqual(await axe(at), [], "the empty page");
    await at.getByRole("button", { name: "Claim a domain" }).click();
    const form = at.getByRole("dialog");
    await form.getByLabel("Name").fill("https://shop.example.org");
    await form.getByRole("button", { name: "Claim", exact: true }).click();
    await at.waitForFunction(() => document.querySelector("[role=dialog] input[aria-invalid=true]"));
    assert.deepEqual(await axe(at), [], "the form");
    await form.getByLabel("Name").fill("Shop.Example.org");
    await form.getByRole("button", { name: "Claim", exact: true }).click();
    const claim = at.getByRole("listitem").filter({ hasText: "shop.example.org" });
    await claim.getByText("Waits for its proof").waitFor();
    const domain = await listed("shop.example.org");
    await claim.getByText(domain.challenge.record.name, { exact: true }).waitFor();
    await claim.getByText(domain.challenge.record.value, { exact: true }).waitFor();
    for (const what of ["Copy name", "Copy value"]) await claim.getByRole("button", { name: what }).first().waitFor();
    await claim.getByText("Or put a file on its web server").click();
    await claim.getByText("/.well-known/fairlead-challenge/").first().waitFor();
    assert.deepEqual(await axe(at), [], "a claim");

    await claim.getByRole("button", { name: "Look at shop.example.org now" }).click();
    await claim.getByText("has no TXT record of Fairlead", { exact: false }).waitFor({ timeout: 60_000 });
    prove(domain);
    await claim.getByRole("button", { name: "Look at shop.example.org now" }).click();
    await claim.getByText("Proved", { exact: true }).waitFor({ timeout: 60_000 });
    await claim.getByText("What proves it").waitFor();
  });

  scenario(world, "that a proof is missing from are shown first, with until when", async () => {
    names.records.clear();
    const at = await page();
    const claim = at.getByRole("listitem").filter({ hasText: "shop.example.org" });
    await claim.getByRole("button", { name: "Look at shop.example.org now" }).click();
    await claim.getByText("Proof is missing").waitFor({ timeout: 60_000 });
    await claim.getByText("not routed any more").waitFor();
    prove(await listed("shop.example.org"));
    await claim.getByRole("button", { name: "Look at shop.example.org now" }).click();
    await claim.getByText("Proved", { exact: true }).waitFor({ timeout: 60_000 });
  });

  scenario(world, "stand with the environments that answer to them", async () => {
    const ids = await fillOrg(api, org);
    await api.call("PATCH", `${org}/environments/${ids.environment}`, { body: { domains: ["shop.example.org", "www.example.com"] } });
    const at = await web.signedIn();
    await at.goto(`${base}/environments/${ids.environment}`);
    const names = at.locator(".fl-host-names");
    await names.getByText("Proved", { exact: true }).waitFor();
    await names.getByText("Not claimed", { exact: true }).waitFor();
    assert.deepEqual(await axe(at), [], "an environment");
    await names.getByRole("link", { name: "What proves a domain" }).click();
    await at.getByRole("list", { name: "Domains" }).waitFor();
  });

  scenario(world, "fit a phone and both themes, and are not to be changed by who may only look", async () => {
    const owner = await page();
    await owner.goto(`${base}/settings/domains`);
    await owner.getByRole("list", { name: "Domains" }).waitFor();
    await looksGood(owner, "the domains", "console-domains");
    const developer = await joined(api, org, "dev@example.org", "developer");
    const at = await web.signedIn("light", { email: developer.email, password });
    await at.goto(`${base}/settings/domains`);
    await at.getByRole("list", { name: "Domains" }).waitFor();
    for (const act of ["Claim a domain", /^Look at/, /^Give /]) assert.equal(await at.getByRole("button", { name: act }).count(), 0, String(act));
  });

  scenario(world, "are given up after a second look", async () => {
    const at = await page();
    await at.getByRole("button", { name: "Give shop.example.org up" }).click();
    const dialog = at.getByRole("dialog", { name: "Give shop.example.org up" });
    await dialog.waitFor();
    assert.deepEqual(await axe(at), [], "the second look");
    await dialog.getByRole("button", { name: "Give up" }).click();
    await at.getByRole("listitem").filter({ hasText: "shop.example.org" }).waitFor({ state: "detached" });
    assert.equal(await listed("shop.example.org"), undefined);
  });
});
