// Signing in and the account as a person sees them, in a browser with authenticators of its own.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { CDPSession, Page } from "playwright-core";
import { axe, debuggerOf, looksGood, signIn, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { letterToken } from "./lib/people.ts";
import { run } from "./lib/process.ts";
import { scenario, type World, worldOfSuite } from "./lib/world.ts";

interface Somebody {
  email: string;
  name: string;
  password: string;
}

/** What an authenticator app shows; `ahead` steps of half a minute from now, since no code counts twice. */
async function codeOf(secret: string, ahead = 0): Promise<string> {
  const now = new Date(Date.now() + ahead * 30_000).toISOString().replace("T", " ").slice(0, 19);
  return (await run("oathtool", ["--totp=sha1", "--base32", `--now=${now} UTC`, secret])).stdout.trim();
}

/** A device with passkeys, which says yes by itself. */
class Authenticator {
  private constructor(private readonly cdp: CDPSession, private readonly id: string) {}

  static async of(page: Page, transport: "internal" | "usb" = "internal"): Promise<Authenticator> {
    const cdp = await debuggerOf(page);
    await cdp.send("WebAuthn.enable", { enableUI: false });
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport, hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: false },
    });
    return new Authenticator(cdp, authenticatorId);
  }

  /** Off at other times: it would answer whatever the page asks. */
  async willing<T>(act: () => Promise<T>): Promise<T> {
    await this.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.id, enabled: true });
    try {
      return await act();
    } finally {
      await this.cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.id, enabled: false });
    }
  }

  async count(): Promise<number> {
    return (await this.cdp.send("WebAuthn.getCredentials", { authenticatorId: this.id })).credentials.length;
  }
}

async function fillIn(page: Page, who: { email: string; password: string }): Promise<void> {
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signOut(page: Page, who: Somebody): Promise<void> {
  await page.getByRole("button", { name: who.name, exact: true }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(/\/signin/);
}

async function security(page: Page): Promise<void> {
  await page.waitForURL(/\/o\//);
  await page.goto(`${new URL(page.url()).pathname.split("/").slice(0, 3).join("/")}/account/security`);
  await page.getByText("Authenticator app").waitFor();
}

const dialog = (page: Page) => page.getByRole("dialog");

describe("an account in the console", () => {
  const world: World = worldOfSuite(async () => {
    const secret = join(world.dir, "github.secret");
    writeFileSync(secret, "nobody asks GitHub here", { mode: 0o400 });
    return `registration: open\nsign_in_with:\n  - provider: github\n    client_id: tests\n    client_secret_file: ${secret}\n`;
  });
  let web: Web;

  /** What the operator finds where no mail is sent: the newest link for somebody. */
  async function linkFor(email: string): Promise<string> {
    const page = await web.signedIn();
    await page.getByRole("button", { name: "Ada", exact: true }).click();
    await page.getByRole("menuitem", { name: "Mail that waits" }).click();
    const row = page.getByRole("row").filter({ hasText: email }).first();
    const link = await row.locator("[title^='https://']").getAttribute("title");
    assert.deepEqual(await axe(page), []);
    await page.context().close();
    return link!.replace(/^https:\/\/[^/]+/, "");
  }

  /** An account whose address is confirmed, made without the browser. */
  async function person(name: string): Promise<Somebody> {
    const who = { email: `${name.toLowerCase()}@fairlead.test`, name, password: `twelve umbrellas of ${name} 4` };
    const api = await world.api();
    const stranger = api.stranger();
    await stranger.call("POST", "/api/v1/register", { body: who });
    await stranger.call("POST", "/api/v1/email/verify", { body: { token: await letterToken(api, who.email, "") } });
    stranger.close();
    return who;
  }

  before(async () => {
    await world.api();
    web = await Web.open(await world.controller());
  });
  afterEach(() => web.closeWindows());
  after(() => web?.close());

  scenario(world, "is made, confirmed by the link that the operator hands over, and signs in", async () => {
    const bob = { email: "bob@fairlead.test", name: "Bob Baker", password: "twelve green umbrellas 4" };
    const page = await web.window();
    await page.goto("/signin");
    await page.getByRole("link", { name: "Create an account" }).click();
    await page.getByLabel("Your name").fill(bob.name);
    await page.getByLabel("E-mail").fill(bob.email);
    await page.getByLabel("Password", { exact: true }).fill(bob.password);
    await page.getByLabel("Password again").fill("something else");
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("Not the same as above").waitFor();
    await page.getByLabel("Password again").fill(bob.password);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("Ask your administrator").waitFor();

    await page.getByRole("link", { name: "Back to signing in" }).click();
    await fillIn(page, bob);
    await page.getByText("Ask your administrator").waitFor(); // not confirmed yet

    await page.goto(await linkFor(bob.email));
    const mine = page.getByRole("button", { name: "It is mine" });
    await mine.waitFor();
    assert.equal(new URL(page.url()).hash, "", "the token stays out of the address and of the history");
    await mine.click();
    await page.getByText("Your address is confirmed").waitFor();
    await page.getByRole("link", { name: "Sign in" }).click();
    await fillIn(page, bob);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "has its password chosen anew by a link, which works once", async () => {
    const fay = await person("Fay");
    const page = await web.window();
    await page.goto("/signin");
    await page.getByRole("link", { name: "Forgotten password?" }).click();
    await page.getByLabel("E-mail").fill(fay.email);
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("Ask your administrator").waitFor();
    const link = await linkFor(fay.email);
    fay.password = "thirteen red umbrellas 5";
    for (const works of [true, false]) {
      await page.goto("about:blank"); // another part of the same address alone would be no new page
      await page.goto(link);
      await page.getByLabel("New password", { exact: true }).fill(fay.password);
      await page.getByLabel("New password again").fill(fay.password);
      await page.getByRole("button", { name: "Set the password" }).click();
      await page.getByText(works ? "Your password is changed" : "This link does not work").waitFor();
    }
    await page.goto("/signin");
    await fillIn(page, fay);
    await page.waitForURL(/\/o\//);
  });

  scenario(world, "gets an authenticator app from the picture or the key, and signs in with its code or a recovery code", async () => {
    const bertha = await person("Bertha");
    const page = await web.window();
    await page.goto("/signin");
    await fillIn(page, bertha);
    await security(page);
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByRole("img", { name: /^QR picture/ }).waitFor();
    assert.deepEqual(await axe(page), [], "picture and key");
    const secret = (await page.locator(".fl-secret").textContent())!.replaceAll(/\s/g, "");
    assert.match(secret, /^[A-Z2-7]{32}$/);
    const code = page.getByLabel("Code that the app shows now");
    await code.fill("000 000");
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.waitForFunction(() => document.querySelector("[role=dialog] [aria-invalid=true]"));
    await code.fill(await codeOf(secret));
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByText("they are not shown again").waitFor();
    assert.deepEqual(await axe(page), [], "recovery codes");
    const codes = await page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
    assert.equal(new Set(codes).size, 10);
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const file = readFileSync(await (await coming).path(), "utf8");
    for (const one of codes) assert.ok(file.includes(one), "each code is in the file");
    assert.ok(file.includes(bertha.email));
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByText("10 codes left").waitFor();

    await signOut(page, bertha);
    await fillIn(page, bertha);
    await page.getByLabel("Code from your authenticator app").waitFor();
    assert.deepEqual(await axe(page), [], "second step");
    await page.keyboard.type("123 123"); // the field has the focus
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("[aria-invalid=true]"));
    await page.getByLabel("Code from your authenticator app").fill(await codeOf(secret, 1));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL(/\/o\//);

    await signOut(page, bertha);
    await fillIn(page, bertha);
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(codes[0]!.toUpperCase());
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await security(page);
    await page.getByText("9 codes left").waitFor();
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "gets a passkey that signs in alone, after the password, and proves it once more; without it the password is enough again", async () => {
    const cleo = await person("Cleo");
    const page = await web.window();
    const device = await Authenticator.of(page);
    await page.goto("/signin");
    await fillIn(page, cleo);
    await security(page);
    await page.getByText("No passkey yet").waitFor();
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Laptop");
    await device.willing(async () => {
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByText("Never used").waitFor();
    });
    assert.equal(await device.count(), 1);
    await page.getByRole("button", { name: "Make ten" }).waitFor(); // it tells that there is no way back in yet
    await page.getByRole("button", { name: "Rename Laptop" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Cleo's laptop");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Cleo's laptop").waitFor();
    assert.deepEqual(await axe(page), []);

    // Among what the browser offers for the e-mail field: the authenticator says yes to that question too.
    await page.context().clearCookies();
    await device.willing(async () => {
      await page.goto("/signin");
      await page.waitForURL(/\/o\//);
    });
    // By the button, where the browser offers nothing by itself.
    await page.addInitScript(() => (PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false)));
    await page.context().clearCookies();
    await page.goto("/signin");
    await device.willing(async () => {
      await page.getByRole("button", { name: "Sign in with a passkey" }).click();
      await page.waitForURL(/\/o\//);
    });
    // After the password.
    await page.context().clearCookies();
    await page.goto("/signin");
    await fillIn(page, cleo);
    await page.getByText("One more step").waitFor();
    await device.willing(async () => {
      await page.getByRole("button", { name: "Use a passkey" }).click();
      await page.waitForURL(/\/o\//);
    });
    // Once more in the session, to make the recovery codes; by the dialog, which repeats the request.
    await security(page);
    await forgetProofs();
    await page.getByRole("button", { name: "Make ten" }).click();
    await page.getByText("Prove that it is you").waitFor();
    assert.deepEqual(await axe(page), [], "dialog");
    await device.willing(async () => {
      await dialog(page).getByRole("button", { name: "Use a passkey" }).click();
      await page.getByText("they are not shown again").waitFor();
    });
    await page.getByRole("button", { name: "I have kept them" }).click();

    await page.getByRole("button", { name: "Remove Cleo's laptop" }).click();
    await page.getByText("your last second factor").waitFor();
    const remove = dialog(page).getByRole("button", { name: "Remove" });
    assert.ok(await remove.isDisabled(), "until the name is typed");
    await dialog(page).getByRole("textbox").fill("Cleo's laptop");
    await remove.click();
    await page.getByText("No passkey yet").waitFor();
    assert.deepEqual(web.complaints, []);
  });

  /** As if a quarter of an hour had passed since everybody signed in. */
  async function forgetProofs(): Promise<void> {
    const controller = await world.controller();
    await controller.stop();
    await run("sqlite3", [join(controller.data, "fairlead.db"), "UPDATE session SET elevated_ms = 0"]);
    await controller.start();
  }

  scenario(world, "asks for the password before what could do harm, where there is nothing better, and goes on where it was", async () => {
    const page = await web.signedIn();
    await security(page);
    await forgetProofs();
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/account/totp") && request.method() === "POST") asked.push(request.headers()["idempotency-key"] ?? "");
    });
    // Turned away: nothing was done, and nothing is complained about.
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByText("Prove that it is you").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("Prove that it is you").waitFor({ state: "detached" });
    assert.equal(await page.getByRole("alert").count(), 0);

    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByText("Prove that it is you").waitFor();
    await dialog(page).getByLabel("Password", { exact: true }).fill("not the password");
    await page.keyboard.press("Enter");
    await dialog(page).getByText("The password is wrong").waitFor();
    await page.waitForFunction(() => document.querySelector("[role=dialog] input[type=password][aria-invalid=true]"));
    await dialog(page).getByLabel("Password", { exact: true }).fill(admin.password);
    await page.keyboard.press("Enter");
    await page.getByRole("img", { name: /^QR picture/ }).waitFor();
    assert.equal(asked.length, 3);
    assert.equal(asked[1], asked[2], "the same request, with its key");
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "changes name and address, lists sessions, and is deleted by typing the address", async () => {
    const eve = await person("Eve");
    const page = await web.window();
    await page.goto("/signin");
    await fillIn(page, eve);
    await page.getByRole("button", { name: "Eve", exact: true }).click();
    await page.getByRole("menuitem", { name: "Account and sessions" }).click();
    await page.getByLabel("Your name").fill("Eve Ersatz");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Eve Ersatz", exact: true }).waitFor();
    await page.getByLabel("New e-mail").fill("eva@fairlead.test");
    await page.getByRole("button", { name: "Change e-mail" }).click();
    await page.getByText("until it is opened this one stays").waitFor();
    await page.goto(await linkFor("eva@fairlead.test"));
    await page.getByRole("button", { name: "It is mine" }).click();
    await page.getByText("Your address is changed").waitFor();
    await page.goto("/account/sessions");
    await page.getByText("This one").waitFor();
    await page.getByRole("tab", { name: "Profile" }).click();
    await page.getByRole("button", { name: "Delete account…" }).click();
    const last = dialog(page).getByRole("button", { name: "Delete for good" });
    assert.ok(await last.isDisabled(), "until the address is typed");
    await dialog(page).getByRole("textbox").fill("eva@fairlead.test");
    await last.click();
    await page.getByText("You are the only owner of").waitFor(); // with what to do about it
    const done = await page.evaluate(async () => {
      const { orgs } = (await (await fetch("/api/v1/session")).json()) as { orgs: { id: string; name: string }[] };
      const { id, name } = orgs[0]!;
      return (await fetch(`/api/v1/orgs/${id}`, { method: "DELETE", headers: { "X-Confirm": encodeURIComponent(name) } })).status;
    });
    assert.equal(done, 204);
    await page.goto("/account");
    await page.getByRole("button", { name: "Delete account…" }).click();
    await dialog(page).getByRole("textbox").fill("eva@fairlead.test");
    await last.click();
    await page.waitForURL(/\/signin/);
    await fillIn(page, { ...eve, email: "eva@fairlead.test" });
    await page.getByRole("alert").waitFor();
  });

  scenario(world, "can be signed in to by a provider, and says what went wrong there in the controller's words alone", async () => {
    const page = await web.window();
    await page.goto("/signin?next=%2Faccount%2Fsecurity&problem=sso_cancelled");
    const button = page.getByRole("link", { name: "Sign in with GitHub" });
    assert.equal(await button.getAttribute("href"), "/api/v1/sso/github/start?return=%2Faccount%2Fsecurity");
    await page.getByText("The provider did not sign you in").waitFor();
    await page.goto("/signin?problem=call_this_number");
    await button.waitFor();
    assert.equal(await page.getByRole("alert").count(), 0);
    await signIn(page);
    await security(page);
    await page.getByRole("button", { name: "Connect GitHub" }).waitFor();
  });

  scenario(world, "has no serious finding of axe, no overflow and no breach of its content policy in both themes and on a phone", async () => {
    const gate = await web.window();
    for (const path of ["/signin?problem=sso_cancelled", "/forgot", "/register", "/reset-password#x", "/verify-email#x", "/verify-email"]) {
      await gate.goto(path);
      await gate.locator("h1").waitFor();
      await gate.waitForLoadState("networkidle");
      await looksGood(gate, path);
    }
    const page = await web.signedIn();
    const base = new URL(page.url()).pathname;
    for (const path of ["/account", "/account/security", "/account/sessions", "/mail"]) {
      await page.goto(`${base}${path}`);
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
      await looksGood(page, path);
    }
    assert.deepEqual(web.complaints, []);
  });
});
