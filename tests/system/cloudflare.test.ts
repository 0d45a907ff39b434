// Cloudflare for SaaS before the edge, against a stand-in that was made from its documentation.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { Api } from "./lib/api.ts";
import { looksGood, Web } from "./lib/browser.ts";
import { CloudflareFront, CloudflareStandIn } from "./lib/cloudflare.ts";
import type { Controller } from "./lib/controller.ts";
import { putDomain } from "./lib/domains.ts";
import { folder } from "./lib/paths.ts";
import { type Authority, makeAuthority } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import { Visitor } from "./lib/site.ts";
import type { Environment, List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Hostname {
  id: string;
  name: string;
  served_by: string;
  state: "waiting" | "issued" | "failed";
  hostname_status: string | null;
  certificate_status: string | null;
  cname_target: string;
  next_look_at: string | null;
  error: { code: string; message: string } | null;
}

const shop = "shop.example.org";

describe("names behind Cloudflare", () => {
  let cloudflare: CloudflareStandIn, authority: Authority, pulls: Authority, tokenFile: string;
  const world = worldOfSuite(async () => {
    const dir = folder(join(world.dir, "cloudflare"));
    authority = await makeAuthority(join(dir, "authority"));
    pulls = await makeAuthority(join(dir, "pulls"), "Origin pulls of the tests");
    cloudflare = await CloudflareStandIn.start(authority, "127.0.0.1");
    const ca = join(dir, "ca.pem"), pullCa = join(dir, "pull-ca.pem");
    tokenFile = join(dir, "token");
    writeFileSync(ca, authority.certificate);
    writeFileSync(pullCa, pulls.certificate);
    writeFileSync(tokenFile, `${cloudflare.token}\n`, { mode: 0o400 });
    const egress = await world.egress({ allow: [cloudflare.place] });
    return `${egress.settings(ca)}edge:\n  cloudflare:\n    zone_id: ${cloudflare.zone}\n    token_file: ${tokenFile}\n    origin: edge.example.net\n    origin_ca_file: ${pullCa}\n    api: ${cloudflare.base}\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n`;
  });
  let api: Api, org: string, controller: Controller, on: Enrolled, project: { id: string }, live: Environment;

  before(async () => {
    controller = await world.controller();
    api = await world.api();
    org = await world.org();
    await putDomain(controller, org, "*.example.org");
    on = await world.server("behind");
    project = await world.project("behind");
    live = await world.environment(project, on.server, "behind", { exposure: "tunnel", domains: [shop] });
    await world.succeeded(await world.deploy(live), 900_000);
  });
  afterEach(() => {
    cloudflare.fault = undefined; // of a test that failed half way
  });
  after(() => cloudflare?.stop());

  const environment = (name: string, domains: string[]): Promise<Environment> =>
    api.post(`${org}/environments`, { project_id: project.id, server_id: on.server.id, name, type: "development", exposure: "tunnel", domains });
  const all = async (): Promise<Hostname[]> => (await api.get<List<Hostname>>(`${org}/custom-hostnames`)).data;
  const until = (name: string, what: string, is: (one: Hostname) => boolean, ms = 60_000): Promise<Hostname> =>
    world.until(`${name} is ${what}`, ms, async () => (await all()).find((one) => one.name === name && is(one)));
  const restart = async (): Promise<void> => {
    await controller.stop();
    await controller.start();
  };
  /** No event of the controller's tells what the stand-in has. */
  const left = (name: string): Promise<unknown> => poll(`${name} left the zone`, 60_000, async () => !cloudflare.of(name) || undefined);
  /** Its time has come. */
  const due = (): Promise<unknown> =>
    run("sqlite3", ["-cmd", ".timeout 10000", join(controller.data, "fairlead.db"), "UPDATE custom_hostname SET next_ms = 0; UPDATE custom_hostname_leaving SET next_ms = 0"]);

  scenario(world, "are made there and followed until they are active; this controller asks for no certificate of theirs [S-TLS-05] [S-NET-01]", async () => {
    const waits = await until(shop, "waiting for its record", ({ error }) => error?.code === "cloudflare_pending");
    assert.equal(waits.state, "waiting");
    assert.equal(waits.served_by, "Cloudflare");
    assert.equal(waits.cname_target, "edge.example.net");
    assert.match(waits.error!.message, /CNAME record of this name to edge\.example\.net\. Cloudflare said: custom hostname does not CNAME to this zone\./);
    cloudflare.activate(shop);
    await due();
    const issued = await until(shop, "active", ({ state }) => state === "issued");
    assert.equal(issued.error, null);
    assert.ok(Date.parse(issued.next_look_at!) > Date.now() + 3600_000);
    assert.deepEqual((await api.get<List<unknown>>(`${org}/certificates`)).data, []);
  });

  scenario(world, "serve whoever comes through Cloudflare, with the visitor's address, and nobody who goes around it [S-TLS-05] [S-NET-01]", async () => {
    const pull = await pulls.issue("origin-pull", ["DNS:origin-pull.cloudflare.net"]);
    const stranger = await authority.issue("stranger", ["DNS:origin-pull.cloudflare.net"]);
    const front = await CloudflareFront.start(authority, shop, controller, pull);
    const bare = await CloudflareFront.start(authority, shop, controller);
    const false_ = await CloudflareFront.start(authority, shop, controller, stranger);
    try {
      const seen = await front.visit(authority, shop, "/fl_demo/who", "127.0.0.9");
      assert.equal(seen.status, 200, seen.text);
      assert.match(seen.text, /127\.0\.0\.9/);
      // Cloudflare writes its own field over a visitor's.
      const lied = await front.visit(authority, shop, "/fl_demo/who", "127.0.0.10", { "CF-Connecting-IP": "6.6.6.6", "X-Forwarded-For": "6.6.6.6" });
      assert.match(lied.text, /127\.0\.0\.10/);
      assert.doesNotMatch(lied.text, /6\.6\.6\.6/);
      const around = await bare.visit(authority, shop, "/fl_demo/who", "127.0.0.9");
      assert.equal(around.status, 403, around.text);
      assert.match(around.text, /through the network that stands before it/);
      assert.equal((await new Visitor(controller, shop).ask("/fl_demo/who", { headers: { "CF-Connecting-IP": "6.6.6.6" } })).status, 403);
      assert.equal((await false_.visit(authority, shop, "/fl_demo/who", "127.0.0.9")).status, 525, "a certificate of somebody else");
      // The console is asked as before.
      assert.equal((await new Visitor(controller, "controller.fairlead.test").ask("/readyz")).status, 200);
    } finally {
      for (const one of [front, bare, false_]) await one.stop();
    }
  });

  scenario(world, "of somebody else are left alone, and had once they are free", async () => {
    const theirs = cloudflare.put("theirs.example.org", new Date(Date.now() - 3600_000));
    cloudflare.taken.add("other-zone.example.org");
    const made = await environment("theirs", ["theirs.example.org", "other-zone.example.org"]);
    for (const name of ["theirs.example.org", "other-zone.example.org"]) await until(name, "taken", ({ error }) => error?.code === "cloudflare_taken");
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
    await world.until("the names are gone", 60_000, async () => (await all()).length === 1 || undefined);
    assert.equal(cloudflare.hostnames.get(theirs.id), theirs);
    cloudflare.hostnames.delete(theirs.id);
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "tunnel" } });
    await until("theirs.example.org", "made", ({ hostname_status }) => hostname_status === "pending");
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
    await left("theirs.example.org");
  });

  scenario(world, "whose validation failed say so, and it is begun anew", async () => {
    const made = await environment("late", ["late.example.org"]);
    await until("late.example.org", "made", ({ hostname_status }) => hostname_status === "pending");
    cloudflare.of("late.example.org")!.ssl = { method: "http", type: "dv", status: "validation_timed_out", validation_errors: [{ message: "The CA could not reach the name." }] };
    await due();
    const failed = await until("late.example.org", "failed", ({ state }) => state === "failed");
    assert.equal(failed.error!.code, "cloudflare_validation");
    assert.match(failed.error!.message, /The CA could not reach the name\./);
    await due();
    await until("late.example.org", "tried again", ({ certificate_status }) => certificate_status === "pending_validation");
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
    await left("late.example.org");
  });

  scenario(world, "wait while Cloudflare takes no more requests, is out of order, or does not take the token, and the token is nowhere", async () => {
    const pausedBy = async (code: string, says: RegExp): Promise<void> => {
      await due();
      const held = await until(shop, `held up by ${code}`, ({ error }) => error?.code === code);
      assert.equal(held.state, "issued", "what is there stays");
      assert.match(held.error!.message, says);
    };
    const asked = (): number => cloudflare.asked.length;
    cloudflare.fault = { kind: "limited", retryAfterS: 3 };
    await pausedBy("cloudflare_rate_limited", /takes no more requests/);
    cloudflare.fault = { kind: "broken" };
    await pausedBy("cloudflare_unreachable", /status 502/);
    cloudflare.fault = { kind: "refused" };
    await restart();
    await pausedBy("cloudflare_token", /token_file.*Authentication error \(10000\)/);
    const before = asked();
    const made = await environment("held", ["held.example.org"]);
    assert.equal((await until("held.example.org", "held up too", ({ error }) => error?.code === "cloudflare_token")).state, "waiting");
    assert.ok(asked() <= before + 1, "nobody goes on asking");
    cloudflare.fault = undefined;
    await restart();
    await until("held.example.org", "made", ({ hostname_status }) => hostname_status === "pending");
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
    await left("held.example.org");
    assert.ok(!controller.log.includes(cloudflare.token));
    assert.doesNotMatch((await run("grep", ["-rlaF", cloudflare.token, controller.data], { check: false })).stdout, /./);
  });

  scenario(world, "are made once, although the answer was lost and the controller was killed", async () => {
    cloudflare.fault = { kind: "cut", method: "POST" };
    const made = await environment("cut", ["cut.example.org"]);
    await poll("it was asked for", 60_000, async () => cloudflare.of("cut.example.org"));
    await controller.kill();
    cloudflare.fault = undefined;
    const { id } = cloudflare.of("cut.example.org")!;
    await controller.start();
    await until("cut.example.org", "found again", ({ hostname_status }) => hostname_status === "pending");
    assert.equal(cloudflare.of("cut.example.org")!.id, id);
    // And taken out once, in the same way.
    cloudflare.fault = { kind: "cut", method: "DELETE" };
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
    await left("cut.example.org");
    await controller.kill();
    cloudflare.fault = undefined;
    await controller.start();
    await poll("nothing is left to do", 60_000, async () =>
      (await run("sqlite3", ["-cmd", ".timeout 10000", join(controller.data, "fairlead.db"), "SELECT count(*) FROM custom_hostname_leaving"])).stdout.trim() === "0" || undefined);
  });

  scenario(world, "stand in the console with their state and the record to set", async () => {
    const made = await environment("shown", ["shown.example.org"]);
    await until("shown.example.org", "waiting for its record", ({ error }) => error?.code === "cloudflare_pending");
    const web = await Web.open(controller);
    try {
      const page = await web.signedIn();
      const base = new URL(page.url()).pathname;
      await page.goto(`${base}/settings/certificates`);
      const row = (name: string) => page.getByRole("row").filter({ hasText: name });
      await row(shop).getByText("Active", { exact: true }).waitFor();
      await row("shown.example.org").getByText("Waits for your DNS", { exact: true }).waitFor();
      await looksGood(page, "the certificates", "console-cloudflare");
      await page.goto(`${base}/settings/domains`);
      await page.getByRole("table", { name: "DNS records to set" }).waitFor();
      await row("shown.example.org").getByText("edge.example.net").waitFor();
      await looksGood(page, "the domains", "console-cloudflare-domains");
      assert.deepEqual(web.complaints, []);
    } finally {
      await web.close();
    }
    await api.call("PATCH", `${org}/environments/${made.id}`, { body: { exposure: "port" } });
  });

  scenario(world, "leave with their environment, also where the controller was away", async () => {
    await api.call("PATCH", `${org}/environments/${live.id}`, { body: { exposure: "port" } });
    await restart();
    await poll("nothing is left in the zone", 60_000, async () => cloudflare.hostnames.size === 0 || undefined);
    assert.deepEqual(await all(), []);
  });
});
