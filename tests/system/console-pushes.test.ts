// Push deploys in the console, against the real controller; the server is played, and what providers send is lib/pushes.ts's.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { FalseAgent } from "./lib/false-agent.ts";
import { artifacts, folder } from "./lib/paths.ts";
import { join as joined, password } from "./lib/people.ts";
import { type Hook, sendPush } from "./lib/pushes.ts";
import type { Environment } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const url = "https://git.example.org/odoo.git";

describe("push deploys in the console", () => {
  const world = worldOfSuite();
  let web: Web, api: Api, org: string, base: string, agent: FalseAgent, shop: Environment, hook: Hook;

  before(async () => {
    api = await world.api();
    org = await world.org();
    const controller = await world.controller();
    web = await Web.open(controller);
    base = new URL((await web.signedIn()).url()).pathname;
    await web.closeWindows();
    agent = await FalseAgent.enrol(controller, api, org, "odoo-1");
    const project = await api.post<{ id: string }>(`${org}/projects`, { name: "Harbour", odoo_version: "19.0", odoo_source: { url, branch: "19.0" } });
    shop = await api.post<Environment>(`${org}/environments`, { project_id: project.id, server_id: agent.server, name: "Harbour shop", type: "staging" });
  });
  afterEach(async () => {
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });
  after(async () => {
    agent?.close();
    await web?.close();
  });

  const tab = (): string => `${base}/environments/${shop.id}/push-deploys`;
  const opened = async (page: Page): Promise<Page> => {
    await page.goto(tab());
    await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
    return page;
  };
  /** What stands beside a name, among what to enter at the provider. */
  const given = (page: Page, label: string): Promise<string> => page.getByLabel(label, { exact: true }).innerText();

  scenario(world, "are set up with what to enter at each provider; the secret is shown once", async () => {
    const page = await opened(await web.signedIn());
    await page.getByText("A push to these deploys it").waitFor();
    assert.deepEqual(await axe(page), [], "the form");
    await page.getByRole("button", { name: "Make the address and the secret" }).click();
    await page.getByText("Enter these at the repository").waitFor();
    hook = { url: await given(page, "The address"), secret: await given(page, "The secret") };
    assert.match(hook.url, new RegExp(`^${web.origin}/api/v1/hooks/push/[a-z2-7]{38}$`));
    for (const [provider, field] of [["GitHub", "Payload URL"], ["GitLab", "Secret token"], ["Bitbucket", "Repository push"], ["Gitea, Forgejo", "Target URL"]] as const) {
      await page.getByText(provider, { exact: true }).click();
      await page.getByText(field, { exact: true }).waitFor();
      assert.equal(await given(page, "The secret"), hook.secret, `the same for ${provider}`);
    }
    assert.deepEqual(await axe(page), [], "what to enter");
    await page.screenshot({ path: join(folder(artifacts), "console-pushes-enter.png"), fullPage: true });
    await page.getByRole("button", { name: "I have entered them" }).click();
    await page.getByText("Nothing came in yet").waitFor();
    await opened(page);
    await page.getByRole("button", { name: "What to enter at the provider" }).click();
    await page.getByRole("dialog").getByText("the one that was shown when it was made").waitFor();
    assert.equal((await page.content()).includes(hook.secret), false);
  });

  scenario(world, "stand in the list as they come in, with what became of each and the deployment that one began", async () => {
    const page = await opened(await web.signedIn());
    const list = page.getByRole("table", { name: "Pushes" });
    await sendPush(api, hook, "github", { url, branch: "feature" });
    await list.getByText("Nothing to do").waitFor();
    await sendPush(api, hook, "gitlab", { url });
    await list.getByText("Deploys", { exact: true }).waitFor();
    const order = await agent.next("environment.deploy");
    await sendPush(api, hook, "bitbucket", { url });
    await list.getByText("Waits", { exact: true }).waitFor();
    await sendPush(api, hook, "gitea", { url });
    await list.getByText("Overtaken").waitFor();
    await list.getByRole("link", { name: "See the deployment" }).click();
    await page.waitForURL(new RegExp(`/operations/${order.id}$`));
    await page.getByText("a push").first().waitFor();
  });

  scenario(world, "say that the repository has another secret, and give a new one", async () => {
    const page = await opened(await web.signedIn());
    assert.equal((await sendPush(api, hook, "github", { url, secret: "another" })).status, 401);
    await opened(page);
    await page.getByText("The repository has another secret").waitFor();
    await page.getByRole("button", { name: "Acts on push deploys" }).click();
    await page.getByRole("menuitem", { name: "New secret…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox", { name: "The old secret counts for" }).click();
    await page.getByRole("option", { name: "Not at all: it ends now" }).click();
    await dialog.getByText("Choose this if the old one leaked").waitFor();
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    await page.getByText("Enter these at the repository").waitFor();
    const secret = await given(page, "The secret");
    assert.notEqual(secret, hook.secret);
    assert.equal((await sendPush(api, hook, "github", { url, branch: "feature" })).status, 401, "the old one");
    assert.equal((await sendPush(api, { ...hook, secret }, "github", { url, branch: "feature" })).status, 202);
    hook.secret = secret;
  });

  scenario(world, "are turned off, and tell so beside a push that came meanwhile", async () => {
    const page = await opened(await web.signedIn());
    await page.getByText("A push deploys it", { exact: true }).click();
    await page.getByRole("switch", { name: "A push deploys it", checked: false }).waitFor({ state: "attached" });
    const { body } = await sendPush(api, hook, "gitea", { url });
    assert.equal(body.reason, "switched_off", JSON.stringify(body));
    await page.getByRole("table", { name: "Pushes" }).getByText("Turn push deploys on above.").waitFor();
    await page.getByText("A push deploys it", { exact: true }).click();
    await page.getByRole("switch", { name: "A push deploys it", checked: true }).waitFor({ state: "attached" });
  });

  scenario(world, "show a viewer what came in and no act", async () => {
    const person = await joined(api, org, "vic@example.org", "viewer");
    const page = await opened(await web.signedIn("light", { email: person.email, password }));
    await page.getByRole("table", { name: "Pushes" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Acts on push deploys" }).count(), 0);
    assert.equal(await page.getByRole("switch", { name: "A push deploys it" }).isDisabled(), true);
  });

  scenario(world, "have no serious finding of axe, no overflow and no breach of the content policy in both themes and on a phone", async () => {
    const page = await opened(await web.signedIn());
    await page.getByRole("table", { name: "Pushes" }).waitFor();
    await looksGood(page, "the pushes", "console-pushes");
  });

  scenario(world, "are taken down, and the address is refused from then on", async () => {
    const page = await opened(await web.signedIn());
    await page.getByRole("button", { name: "Acts on push deploys" }).click();
    await page.getByRole("menuitem", { name: "Take down…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Take down" }).click();
    await page.getByText("Let a push deploy it").waitFor();
    assert.equal((await sendPush(api, hook, "github", { url })).status, 401);
  });
});
