// The session's cookie in a real browser: no script has it, and no other site's page can send it.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import type { Page } from "playwright-core";
import { debuggerOf, Web } from "./lib/browser.ts";
import { admin } from "./lib/controller.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the session's cookie", () => {
  const world = worldOfSuite();
  let web: Web, page: Page;
  /** Requests to the controller as they left the browser, with the cookies that went along. */
  const sent: { method: string; path: string; cookie: string }[] = [];

  before(async () => {
    await world.api(); // its administrator has a password
    web = await Web.open(await world.controller());
    page = await web.window();
    const network = await debuggerOf(page);
    await network.send("Network.enable");
    const requests = new Map<string, { method: string; path: string }>();
    const headers = new Map<string, string>();
    const join = (id: string): void => {
      const request = requests.get(id), cookie = headers.get(id);
      if (request && cookie !== undefined) sent.push({ ...request, cookie });
    };
    network.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (!request.url.startsWith(web.origin)) return;
      requests.set(requestId, { method: request.method, path: new URL(request.url).pathname });
      join(requestId);
    });
    network.on("Network.requestWillBeSentExtraInfo", (more) => {
      headers.set(more.requestId, Object.entries(more.headers).find(([name]) => name.toLowerCase() === "cookie")?.[1] ?? "");
      join(more.requestId);
    });
    await page.route("https://evil.example/**", (route) => route.fulfill({ contentType: "text/html", body: `<form method=post enctype=text/plain><input name='{"name":"Forged","a":"' value='"}'></form>` }));
    await page.goto("/readyz");
    const status = await page.evaluate(async (body) => (await fetch("/api/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body })).status,
      JSON.stringify({ email: admin.email, password: admin.password }));
    assert.equal(status, 200);
  });
  after(() => web?.close());

  const orgs = async (): Promise<number> => (await (await world.api()).get<{ orgs: unknown[] }>("/api/v1/session")).orgs.length;

  scenario(world, "is not there for scripts, and goes with each request of its own pages [S-SESS-02]", async () => {
    const [seen, status] = await page.evaluate(async () => [document.cookie, (await fetch("/api/v1/session")).status] as const);
    assert.deepEqual([seen, status], ["", 200]);
    const kept = (await page.context().cookies()).find((one) => one.name === "__Host-fairlead")!;
    assert.deepEqual([kept.httpOnly, kept.secure, kept.path], [true, true, "/"]);
    assert.ok(sent.at(-1)!.cookie.includes(kept.value));
  });

  scenario(world, "stays behind when another site's page posts a form, and nothing is changed [S-SESS-03]", async () => {
    const had = await orgs();
    await page.goto("https://evil.example/");
    const before = sent.length;
    await Promise.all([page.waitForResponse(`${web.origin}/api/v1/orgs`), page.waitForURL(`${web.origin}/**`), page.evaluate((url) => {
      const form = document.forms[0]!;
      form.action = url;
      form.submit();
    }, `${web.origin}/api/v1/orgs`)]);
    const forged = sent.slice(before).filter((one) => one.method === "POST" && one.path === "/api/v1/orgs");
    assert.deepEqual(forged.map((one) => one.cookie), [""], JSON.stringify(sent.slice(before)));
    assert.equal(await orgs(), had);
    // The session is still there, for its own pages.
    await page.goto("/readyz");
    assert.equal(await page.evaluate(async () => (await fetch("/api/v1/session")).status), 200);
  });
});
