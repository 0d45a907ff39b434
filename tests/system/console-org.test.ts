// An organization in the console: who belongs to it, what they may, with which keys, what it asks of them, and who works in it from outside.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, type Person, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { makeRequest } from "./lib/pki.ts";
import { letterToken } from "./lib/people.ts";
import type { List, Session } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const password = "a long rope for tests";
const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };

/** Somebody who joined by an invitation that was for them. */
async function joined(api: Api, org: string, name: string, role: string): Promise<Person & { id: string }> {
  const email = `${name.toLowerCase()}@example.org`;
  await api.post(`${org}/invitations`, { email, role });
  await api.stranger().call("POST", "/api/v1/invitations/register", { body: { token: await letterToken(api, email), name, password } });
  const { data } = await api.get<List<{ id: string; email: string }>>(`${org}/members`);
  return { email, password, id: data.find((one) => one.email === email)!.id };
}

async function shown(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
}

describe("the console's organization", () => {
  const world = worldOfSuite();
  let web: Web;
  let api: Api;
  let org: string;
  let base: string;

  before(async () => {
    api = await world.api();
    org = await world.org();
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    base = new URL(page.url()).pathname;
    await web.closeWindows();
  });
  afterEach(async () => {
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });
  after(() => web.close());

  scenario(world, "is joined by an invitation, which is shown once, from the owner's form to the new member's first page", async () => {
    const owner = await web.signedIn();
    await owner.goto(`${base}/members`);
    await owner.getByRole("link", { name: "Invite" }).click();
    await owner.getByRole("textbox", { name: "E-mail" }).fill("grace@example.org");
    await owner.getByRole("textbox", { name: "Role" }).click();
    await owner.getByRole("option", { name: "Viewer" }).click();
    await owner.getByRole("button", { name: "Make the invitation" }).click();
    const link = (await owner.getByLabel("Link of the invitation").textContent())!.trim();
    assert.deepEqual(await axe(owner), []);
    await owner.getByRole("button", { name: "Done" }).click();
    await owner.getByRole("table", { name: "Open invitations" }).getByText("grace@example.org").waitFor();
    assert.equal((await owner.content()).includes("flv_"), false, "the link is not shown again");

    // Who has the link alone could be anybody: an account for the address comes of the letter.
    const anybody = await web.window();
    await anybody.goto(link.replace(/^https:\/\/[^/]+/, ""));
    await anybody.getByRole("heading", { name: /^Join / }).waitFor();
    assert.equal(await anybody.getByLabel("Your name").count(), 0);

    const guest = await web.window();
    const letter = `/invitation#${await letterToken(await world.api(), "grace@example.org")}`;
    await guest.goto(letter);
    await guest.getByRole("heading", { name: /^Join / }).waitFor();
    assert.equal(new URL(guest.url()).hash, "", "the token stays out of the address and of the history");
    assert.deepEqual(await axe(guest), []);
    await guest.getByLabel("Your name").fill("Grace");
    await guest.getByLabel("Password", { exact: true }).fill(password);
    await guest.getByRole("button", { name: "Make an account and join" }).click();
    await guest.waitForURL(/\/o\//);
    await guest.getByRole("heading", { name: "Overview" }).waitFor();
    // What a viewer may not do is not shown.
    await guest.getByRole("link", { name: "Members" }).waitFor();
    for (const name of ["API keys", "Audit log", "Git credentials"]) assert.equal(await guest.getByRole("link", { name }).count(), 0, name);
    await guest.goto(`${base}/members`);
    await guest.getByRole("link", { name: "Grace" }).waitFor();
    assert.equal(await guest.getByRole("link", { name: "Invite" }).count(), 0);

    await guest.goto(letter);
    await guest.getByText("This invitation does not work").waitFor();
  });

  scenario(world, "has an invitation that is taken back, and one for somebody else than who is signed in", async () => {
    const invited = await api.post<{ token: string }>(`${org}/invitations`, { email: "vera@example.org", role: "viewer" });
    const page = await web.signedIn();
    await page.goto(`/invitation#${invited.token}`);
    await page.getByText("and you are signed in as").waitFor();
    assert.equal(await page.getByRole("button", { name: "Join", exact: true }).count(), 0);
    await page.goto(`${base}/members`);
    await page.getByRole("button", { name: "Revoke the invitation for vera@example.org" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: "Revoke the invitation for vera@example.org" }).waitFor({ state: "detached" });
    await page.goto(`/invitation#${invited.token}`);
    await page.getByText("This invitation does not work").waitFor();
  });

  scenario(world, "has roles of its own: made in the matrix, given on a member's page, and felt in that member's open window", async () => {
    const sam = await joined(api, org, "Sam", "viewer");
    const theirs = await web.signedIn("light", sam);
    await theirs.getByRole("link", { name: "Members" }).waitFor();
    assert.equal(await theirs.getByRole("link", { name: "Git credentials" }).count(), 0);

    const page = await web.signedIn();
    await page.goto(`${base}/roles`);
    await page.getByRole("button", { name: "New role" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Release engineer");
    await page.getByRole("textbox", { name: "Begin with" }).click();
    await page.getByRole("option", { name: "What Viewer may" }).click();
    await page.getByRole("button", { name: "Choose permissions" }).click();
    await page.getByRole("textbox", { name: "Find a permission" }).fill("git credentials");
    await page.getByRole("checkbox", { name: "See which git credentials there are, not their secrets" }).check();
    assert.deepEqual(await axe(page), [], "while a role is made");
    await page.getByRole("button", { name: "Create role" }).click();
    await page.getByRole("columnheader", { name: /Release engineer/ }).waitFor();

    await page.goto(`${base}/members`);
    await page.getByRole("link", { name: "Sam" }).click();
    await page.getByRole("textbox", { name: "Role" }).click();
    await page.getByRole("option", { name: "Release engineer" }).click();
    await page.getByRole("button", { name: "Save role" }).click();
    await theirs.getByRole("link", { name: "Git credentials" }).waitFor();

    // Single permissions, apart from the role.
    await page.getByRole("button", { name: "Grant or withdraw permissions" }).click();
    await page.getByRole("checkbox", { name: "See which git credentials there are, not their secrets" }).uncheck();
    await page.getByRole("checkbox", { name: "Read the audit log" }).check();
    assert.deepEqual(await axe(page), [], "while permissions are adjusted");
    await page.getByRole("button", { name: "Save permissions" }).click();
    await theirs.getByRole("link", { name: "Audit log" }).waitFor();
    await theirs.getByRole("link", { name: "Git credentials" }).waitFor({ state: "detached" });

    // A role that somebody has cannot go.
    await page.goto(`${base}/roles`);
    await page.getByRole("button", { name: "Change the role Release engineer" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByText("1 member has it").waitFor();
    assert.ok(await page.getByRole("button", { name: "Delete role" }).isDisabled());
    await page.keyboard.press("Escape");
    await page.goto(`${base}/members/${sam.id}`);
    await page.getByRole("button", { name: "Remove from the organization" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await theirs.getByText("No organization yet").waitFor();
    await page.goto(`${base}/roles`);
    await page.getByRole("button", { name: "Change the role Release engineer" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete role" }).click();
    await page.getByRole("columnheader", { name: /Release engineer/ }).waitFor({ state: "detached" });
  });

  scenario(world, "lets nobody tick what they do not hold themselves", async () => {
    const kim = await joined(api, org, "Kim", "viewer");
    const extra = ["roles.create", "roles.edit", "roles.view"];
    await api.call("PUT", `${org}/members/${kim.id}/adjustments`, { body: { granted: extra, withdrawn: [] } });
    const page = await web.signedIn("light", kim);
    await page.goto(`${base}/roles`);
    await page.getByRole("button", { name: "New role" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("More than mine");
    await page.getByRole("button", { name: "Choose permissions" }).click();
    assert.ok(await page.getByRole("checkbox", { name: "Remove members" }).isDisabled());
    assert.ok(await page.getByRole("checkbox", { name: "See projects", exact: true }).isEnabled());
    await api.call("DELETE", `${org}/members/${kim.id}`);
  });

  scenario(world, "has owners: named and withdrawn by an owner, and the last one stays", async () => {
    const lee = await joined(api, org, "Lee", "admin");
    const page = await web.signedIn();
    await page.goto(`${base}/members/${lee.id}`);
    await page.getByRole("button", { name: "Make owner" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make owner" }).click();
    await page.getByRole("button", { name: "Withdraw ownership" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByRole("button", { name: "Make owner" }).waitFor();
    await page.goto(`${base}/members`);
    await page.getByRole("link", { name: "Ada" }).click();
    await page.getByRole("button", { name: "Give up ownership" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    await api.call("DELETE", `${org}/members/${lee.id}`);
  });

  scenario(world, "has API keys: shown once, good for what was ticked, and of no use when revoked", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/api-keys`);
    await page.getByText("No API key yet").waitFor();
    await page.getByRole("link", { name: "New API key" }).first().click();
    await page.getByRole("textbox", { name: "Name" }).fill("CI");
    await page.getByRole("checkbox", { name: "See projects", exact: true }).check();
    await page.getByRole("button", { name: "Create key" }).click();
    // The form before it has a field of that name too.
    const key = (await page.getByLabel("The key").filter({ hasText: "flk_" }).textContent())!.trim();
    assert.match(key, /^flk_ro_/);
    assert.deepEqual(await axe(page), [], "the key");
    const asked = async (path: string): Promise<number> => (await api.stranger().send("GET", `${org}${path}`, { headers: { Authorization: `Bearer ${key}` } })).status;
    assert.equal(await asked("/projects"), 200);
    assert.equal(await asked("/servers"), 403);
    await page.getByRole("button", { name: "I have stored it" }).click();
    const row = page.getByRole("row").filter({ hasText: "CI" });
    await row.getByText("read, 1 permission").waitFor();
    assert.equal((await page.content()).includes(key), false);
    await page.getByRole("button", { name: "Revoke key CI" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("No API key yet").waitFor();
    assert.equal(await asked("/projects"), 401);
  });

  scenario(world, "has registration tokens: listed with what they let in, made by the form that enrols, and taken back", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/registration-tokens`);
    await page.getByText("No registration token yet").waitFor();
    await page.getByRole("link", { name: "New token" }).click();
    await page.getByLabel("What is it for?").fill("Acme in Berlin");
    await page.getByRole("textbox", { name: "Labels" }).fill("client=acme");
    await page.getByLabel("For how many servers").fill("3");
    await page.getByRole("button", { name: "Make the command" }).click();
    const command = (await page.getByLabel("Command to enrol the server").textContent())!;
    const token = /flt_[\w-]+/.exec(command)![0];
    const csr = await makeRequest(join(world.dir, "console-token"));
    const enrol = (name: string) => api.stranger().send("POST", "/api/v1/agent/enroll", { body: { token, csr, name, capability: 1, facts: {} } });
    assert.equal((await enrol("berlin-1")).status, 201);
    await page.goto(`${base}/registration-tokens`);
    const row = page.getByRole("row").filter({ hasText: "Acme in Berlin" });
    await row.getByText("1 of 3").waitFor();
    await row.getByText("Active").waitFor();
    await row.getByText("client acme").waitFor();
    await row.getByRole("link", { name: "berlin-1" }).waitFor();
    assert.ok(!(await page.content()).includes(token), "it is shown once");
    assert.deepEqual(await axe(page), []);
    await page.getByRole("button", { name: "Revoke token Acme in Berlin" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("No token is active").waitFor();
    assert.equal((await enrol("berlin-2")).status, 403);
    await page.getByRole("button", { name: "Show 1 token that is used up, expired or revoked" }).click();
    await row.getByText("Revoked").waitFor();
    // A role that may see but not make or take back.
    const vic = await joined(api, org, "Vic", "viewer");
    const looks = await api.post<{ id: string }>(`${org}/roles`, { name: "Sees tokens", permissions: ["org.view", "registration_tokens.view"] });
    await api.call("PATCH", `${org}/members/${vic.id}`, { body: { role: looks.id } });
    const other = await web.signedIn("light", vic);
    await other.goto(`${base}/registration-tokens`);
    await other.getByText("No token is active").waitFor();
    assert.equal(await other.getByRole("link", { name: "New token" }).count(), 0);
  });

  scenario(world, "is closed by its settings, says what stands in the way, and names what is wrong beside the field", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/settings/security`);
    await page.getByText("Two factors required").click();
    await page.getByRole("alert").getByText("Sign in with a second factor yourself").waitFor();
    await page.getByLabel("Where members and API keys may come from").fill("192.0.2.7");
    await page.getByRole("button", { name: "Save" }).last().click();
    await page.getByText("must hold the address that you come from").waitFor();
    await page.getByLabel("Domains that code and data may come from").fill("github.com\n10.0.0.1");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.waitForFunction(() => document.querySelector("textarea[aria-invalid=true]"));
    assert.deepEqual(await axe(page), []);
    await page.getByLabel("Domains that code and data may come from").fill("github.com\ngit.example.org");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.getByText("The list is saved.").waitFor();
    await page.getByText("Cloning", { exact: true }).click();
    await page.getByRole("switch", { name: "Cloning", checked: false }).waitFor({ state: "attached" });
    const { clone_enabled, download_domains } = await api.get<{ clone_enabled: boolean; download_domains: string[] }>(`${org}/security`);
    assert.equal(clone_enabled, false);
    assert.deepEqual(download_domains, ["git.example.org", "github.com"]);
    await api.call("PUT", `${org}/security`, { body: { sso_required: null, two_factor_required: false, clone_enabled: true, connect_as_enabled: true, download_domains: [], addresses: [] } });
  });

  scenario(world, "shows and hides by its plan; a lower one deletes nothing [S-AUD-01] [S-AUD-02]", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/settings/plan`);
    await page.getByRole("button", { name: "Change to Free" }).click();
    await page.getByText("Nothing is deleted.").waitFor();
    assert.deepEqual(await axe(page), [], "dialog");
    await page.getByRole("dialog").getByRole("button", { name: "Change to Free" }).click();
    await page.getByRole("link", { name: "Audit log" }).waitFor({ state: "detached" });
    assert.equal(await page.getByRole("link", { name: "API keys" }).count(), 0);
    await page.goto(`${base}/audit`);
    await page.getByText("Not in your plan").waitFor();
    const refused = async (): Promise<string> => (await api.send<{ code: string }>("GET", `${org}/audit`)).body.code;
    assert.equal(await refused(), "plan_required");
    await api.call("PUT", `${org}/plan`, { body: { plan: "starter" } });
    assert.equal(await refused(), "plan_required");
    await page.goto(`${base}/audit`);
    await page.getByText("Not in your plan").waitFor();
    await page.getByRole("link", { name: "API keys" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Audit log" }).count(), 0);
    await page.getByRole("link", { name: "See what each plan has" }).click();
    await page.getByRole("button", { name: "Change to Agency" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Change to Agency" }).click();
    await page.getByRole("link", { name: "Audit log" }).click();
    await page.getByText("plan.change").first().waitFor();
  });

  scenario(world, "is one of several: made, renamed under its own address, switched to, and deleted by typing its name", async () => {
    const page = await web.signedIn();
    await page.getByRole("button", { name: /change the organization/ }).click();
    await page.getByRole("menuitem", { name: "New organization" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Harbour");
    await page.getByRole("button", { name: "Create organization" }).click();
    await page.waitForURL(/\/o\/harbour$/);
    await page.getByText("Four steps to a running Odoo").waitFor();
    await page.goto("/o/harbour/settings");
    await page.getByRole("textbox", { name: "Address" }).fill("old-harbour");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(/\/o\/old-harbour\/settings$/);
    await page.getByRole("button", { name: /change the organization/ }).click();
    assert.deepEqual(await axe(page), [], "menu");
    await page.getByRole("menuitem", { name: "Harbour, shown now" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Delete Harbour" }).click();
    const act = page.getByRole("dialog").getByRole("button", { name: "Delete organization" });
    assert.ok(await act.isDisabled());
    await page.getByLabel("Type Harbour to confirm").fill("Harbour");
    await act.click();
    await page.waitForURL(new RegExp(`${base}$`));
  });

  scenario(world, "lets an agency in: with a reason and a banner, in both logs, and out at once when it is taken back", async () => {
    const client = await api.post<{ id: string; slug: string }>("/api/v1/orgs", { name: "Client" });
    const there = `/api/v1/orgs/${client.id}`;
    await api.call("PUT", `${there}/plan`, { body: { plan: "pro" } });
    const project = await api.post<{ id: string }>(`${there}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
    const mo = await joined(api, org, "Mo", "developer");
    const agency = base.split("/").at(-1)!;

    const owner = await web.signedIn();
    await owner.goto(`/o/${client.slug}/connect`);
    await owner.getByRole("link", { name: "Let an agency in" }).first().click();
    await owner.getByLabel("The agency's organization").fill(agency);
    await owner.getByRole("textbox", { name: "Note" }).fill("Support contract");
    await owner.getByRole("button", { name: "Grant access" }).click();
    await owner.getByText("Support contract").waitFor();

    const page = await web.signedIn("light", mo);
    await page.goto(`${base}/connect`);
    await page.getByRole("button", { name: "Work in Client" }).click();
    assert.deepEqual(await axe(page), [], "why");
    await page.getByRole("textbox", { name: "Why?" }).fill("Ticket 4211");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByText("You act in Client for").waitFor();
    await page.goto(`/o/${client.id}/projects/${project.id}/edit`);
    await page.getByLabel("Name").first().fill("Shop of 2027");
    await page.getByRole("button", { name: "Save" }).click();
    await page.waitForURL(new RegExp(`/projects/${project.id}$`));
    for (const path of ["", "/members", "/settings"]) {
      await shown(page, `/o/${client.id}${path}`);
      assert.deepEqual(await axe(page), [], path);
    }
    assert.equal(await page.getByRole("link", { name: "Members" }).count(), 0, "members are not theirs to see");
    await page.goto(`${base}/connect`);
    await page.getByText("Your session in Client is open").waitFor();
    await page.getByRole("button", { name: "Go there" }).click();
    await page.getByText("You act in Client for").waitFor();

    // The client sees who it was, and all of it by the session.
    await owner.goto(`/o/${client.slug}/connect/sessions`);
    await owner.getByText("Ticket 4211").waitFor();
    await owner.getByRole("link", { name: "what they did" }).click();
    await owner.getByText("project.edit").waitFor();
    await owner.getByRole("row").filter({ hasText: "project.edit" }).getByText(mo.email).waitFor();
    assert.equal(await owner.getByText("project.create").count(), 0, "other acts are left out");

    await owner.goto(`/o/${client.slug}/connect/agencies`);
    await owner.getByRole("button", { name: /^Take back the access of/ }).click();
    await owner.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
    await page.waitForURL(new RegExp(`${base}$`));
    await page.getByText("You act in Client for").waitFor({ state: "detached" });
    await owner.goto(`/o/${client.slug}/connect/sessions`);
    await owner.getByText("the grant was taken back").waitFor();
    await api.call("DELETE", `${org}/members/${mo.id}`);
  });

  scenario(world, "lets support look for a while, and ends it", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/settings/support`);
    await page.getByText("Never granted").waitFor();
    await page.getByRole("textbox", { name: "Why?" }).fill("Deployments fail since Monday");
    await page.getByRole("button", { name: "Grant access" }).click();
    await page.getByText("Support access is open").waitFor();
    assert.deepEqual(await axe(page), []);
    await page.getByRole("button", { name: "End it now" }).click();
    await page.getByText("Let support look").waitFor();
    await page.getByRole("row").filter({ hasText: "Deployments fail" }).getByText("Ended").waitFor();
  });

  scenario(world, "is left by whoever wants to", async () => {
    const ria = await joined(api, org, "Ria", "viewer");
    const page = await web.signedIn("light", ria);
    await page.goto(`${base}/settings`);
    await page.getByRole("button", { name: /^Leave / }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
    await page.getByText("No organization yet").waitFor();
    assert.deepEqual(await axe(page), []);
    const { orgs } = await signedIn(api, ria);
    assert.deepEqual(orgs, []);
    // From the account, too, there is a way back and a way out.
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("heading", { name: "Account", exact: true }).waitFor();
    assert.deepEqual(await axe(page), []);
    await page.getByRole("link", { name: "No organization yet" }).click();
    await page.getByRole("link", { name: "Your account" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/signin/);
    await page.goto("/account");
    await page.waitForURL(/\/signin\?next=/);
  });

  scenario(world, "has no serious finding of axe and no overflow on its pages in both themes and on a phone", async () => {
    const { data } = await api.get<List<{ id: string; email: string }>>(`${org}/members`);
    const member = data.find((one) => one.email !== admin.email) ?? data[0]!;
    const page = await web.signedIn();
    const paths = [
      "/members", `/members/${member.id}`, "/members/invite", "/roles", "/api-keys", "/api-keys/new", "/registration-tokens", "/connect", "/connect/agencies", "/connect/agencies/new",
      "/connect/sessions", "/settings", "/settings/security", "/settings/plan", "/settings/support", "/organizations/new", "/audit",
    ];
    for (const path of paths) {
      await shown(page, `${base}${path}`);
      await looksGood(page, path);
    }
  });
});

async function signedIn(api: Api, who: Person): Promise<Session> {
  return api.stranger().call<Session>("POST", "/api/v1/session", { body: { email: who.email, password: who.password } });
}
