// A controller that was set back to an older copy of its database meets a server that holds an environment it has never heard
// of: it names it, keeps its name and port taken, and a person takes it over into a project on the server's page.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, describe } from "node:test";
import { ApiError } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import type { Host } from "./lib/host.ts";
import { demo } from "./lib/odoo.ts";
import type { Environment, List, Server } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Found {
  id: string;
  slug: string;
  port: number;
  name: string | null;
  type: string | null;
  project: { id: string; name: string; known: boolean } | null;
  releases: number;
  adoptable: boolean;
}

describe("an environment that a restored controller does not know", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let web: Web | undefined;
  let host: Host | undefined;
  after(() => web?.close());

  scenario(world, "is named with its project, and becomes an environment again that can be deployed", async () => {
    const on = await world.server("holds");
    host = on.host;
    const controller = await world.controller();
    const project = await world.project("found");
    const copy = join(world.dir, "before");
    await controller.backup(copy);

    const environment = await world.environment(project, on.server, "shop", { type: "production" });
    await world.succeeded(await world.deploy(environment));
    await (await world.git()).commit("found", "fix");
    await world.succeeded(await world.deploy(environment, { update: "none" }));
    const before = await demo(on.host, environment);
    const process = (await on.host.sh(`systemctl show -P MainPID fairlead-odoo@${environment.slug}`)).trim();

    await controller.stop();
    await controller.restore(copy);
    await controller.start();
    web = await Web.open(controller);
    const page = await web.signedIn();
    const serverPage = `${new URL(page.url()).pathname}/servers/${on.server.id}`;
    await page.goto(serverPage);
    const api = await world.api();
    const org = await world.org();
    await api.post("/api/v1/session", { email: "ada@fairlead.test", password: "correct horse battery staple 7" });
    const path = `${org}/servers/${on.server.id}/found-environments`;
    const found = await world.until("the server is heard", 90_000, async () => (await api.get<List<Found>>(path)).data[0]);
    assert.deepEqual(
      { ...found, state: undefined },
      { id: environment.id, slug: "shop", port: environment.port, name: "shop", type: "production", odoo_version: "19.0", exposure: "port", releases: 2,
        project: { id: project.id, name: "found", known: true }, adoptable: true, state: undefined });
    await assert.rejects(api.get(`${org}/environments/${environment.id}`), (error: ApiError) => error.status === 404);
    // Its name and port are not given to another.
    await assert.rejects(world.environment(project, on.server, "shop", { slug: "shop" }), (error: ApiError) => error.problem.code === "slug_in_use");

    // The server's page was open before the server was heard, and shows it by itself, with its project chosen.
    const section = page.getByRole("table", { name: "Environments found on this server" });
    await section.getByRole("row", { name: /shop.*Production.*Running.*found/ }).waitFor({ timeout: 90_000 });
    await page.getByRole("button", { name: "Adopt shop" }).waitFor();
    await looksGood(page, "what was found");
    const other = await web.signedIn("phone");
    await other.goto(serverPage);
    for (const window of [other, page]) {
      await window.getByRole("button", { name: "Adopt shop" }).press("Enter");
      await window.getByRole("dialog").getByText(/Nothing changes there/).waitFor();
      assert.match(await window.getByRole("textbox", { name: "Project" }).inputValue(), /^found · Odoo 19\.0$/);
      assert.deepEqual(await axe(window), []);
    }
    await page.getByRole("dialog").getByRole("button", { name: "Adopt", exact: true }).press("Enter");
    await page.getByText("shop is managed from here again.").waitFor();
    await section.waitFor({ state: "detached" });
    // In another window it is too late, and the controller's reason is read there.
    await other.getByRole("table", { name: "Environments found on this server" }).waitFor({ state: "detached" });
    await other.getByRole("dialog").getByRole("button", { name: "Adopt", exact: true }).click();
    await other.getByRole("alert").getByText("This server holds no such environment, or it is known here already.").waitFor();

    await page.getByRole("link", { name: "Open shop" }).press("Enter");
    await page.waitForURL(new RegExp(`/environments/${found.id}$`));
    await page.locator(".fl-lead").getByText("release #2").waitFor();
    assert.deepEqual(web.complaints, []);
    const adopted = await api.get<Environment>(`${org}/environments/${found.id}`);
    assert.equal(adopted.id, environment.id);
    assert.equal(adopted.status, "running");
    assert.equal(adopted.current_release?.number, 2);
    assert.deepEqual(adopted.pending_changes, []);
    assert.deepEqual((await world.releases(adopted)).map((one) => [one.number, one.state]), [[2, "live"], [1, "kept"]]);
    assert.deepEqual((await api.get<List<Found>>(path)).data, []);
    await assert.rejects(api.post(`${path}/${found.id}/adopt`, { project_id: project.id }), (error: ApiError) => error.status === 404);
    // Nothing was done on the server for it.
    assert.equal((await on.host.sh(`systemctl show -P MainPID fairlead-odoo@${environment.slug}`)).trim(), process);
    assert.deepEqual(await demo(on.host, adopted), before);
    await (await world.git()).commit("found", "v1");
    const next = await world.succeeded(await world.deploy(adopted, { update: "none" }));
    assert.equal(next.state, "succeeded");
    assert.equal((await world.look(adopted)).current_release?.number, 3);
    assert.equal((await demo(on.host, adopted)).code, "v1");
  });

  scenario(world, "on a machine that was enrolled anew after it was revoked is forgotten there first, and then adopted", async () => {
    const api = await world.api();
    const org = await world.org();
    const { data: [before] } = await api.get<List<Server>>(`${org}/servers`);
    const { data: [environment] } = await api.get<List<Environment>>(`${org}/environments`);
    assert.ok(before && environment && host);
    await api.post(`${org}/servers/${before.id}/revoke`, { reason: "test" }, { "X-Confirm": before.name });
    await world.paste(host, await world.enrolCommand());
    // Under another name: the revoked server keeps its own.
    const online = await world.until("it is online anew", 60_000, async () =>
      (await api.get<List<Server>>(`${org}/servers`)).data.find((one) => one.id !== before.id && one.status === "online"));

    const page = await web!.signedIn();
    const base = new URL(page.url()).pathname;
    await page.goto(`${base}/servers/${online.id}`);
    const row = page.getByRole("table", { name: "Environments found on this server" }).getByRole("row", { name: /shop/ });
    await row.getByText(/Delete that one, which only forgets it/).waitFor({ timeout: 90_000 });
    assert.equal(await row.getByRole("button").count(), 0);
    await row.getByRole("link", { name: "shop" }).click();
    await page.getByRole("button", { name: "More acts" }).click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByText(/stays on the machine as it is/).waitFor();
    await page.getByRole("dialog").getByLabel(/Type/).fill("shop");
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("No environment yet").or(page.getByText("is gone")).first().waitFor();
    await page.goto(`${base}/servers/${online.id}`);
    await page.getByRole("button", { name: "Adopt shop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Adopt", exact: true }).click();
    await page.getByRole("link", { name: "Open shop" }).waitFor();
    const now = await world.look(environment);
    assert.deepEqual([now.server_id, now.status, now.current_release?.number], [online.id, "running", environment.current_release?.number]);
    assert.deepEqual(web!.complaints, []);
  });
});
