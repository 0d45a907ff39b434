// Certificates for names that the edge routes, from a real ACME authority that looks for each name at the controller's own port.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { connect, type PeerCertificate } from "node:tls";
import { Pebble } from "./lib/acme.ts";
import type { Api, ApiError } from "./lib/api.ts";
import { looksGood, Web } from "./lib/browser.ts";
import { type Controller, controllerName, freePort } from "./lib/controller.ts";
import { putDomain } from "./lib/domains.ts";
import { enrolAlone } from "./lib/fill.ts";
import { controllerAddress } from "./lib/host.ts";
import { run } from "./lib/process.ts";
import type { Environment, List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Certificate {
  id: string;
  name: string;
  state: "waiting" | "issued" | "failed";
  running: boolean;
  issuer: string | null;
  serial: string | null;
  not_after: string | null;
  next_attempt_at: string | null;
  error: { code: string; message: string } | null;
}

/** Of controllers that were killed before, and never started again. */
const others = new Set(readdirSync("/dev/shm"));

describe("certificates of names", () => {
  let pebble: Pebble;
  const world = worldOfSuite(async () => {
    const address = await controllerAddress();
    world.port = await freePort(address);
    pebble = await Pebble.make(join(world.dir, "acme"), { address, port: world.port });
    await pebble.start();
    world.launcher = pebble.launcher;
    const egress = await world.egress({ allow: [pebble.place] });
    return `${pebble.settings}${egress.settings()}rates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n`;
  });
  let api: Api, org: string, controller: Controller, server: string, project: string;

  before(async () => {
    controller = await world.controller();
    api = await world.api();
    org = await world.org();
    server = (await enrolAlone(api, org, "named")).server;
    project = (await api.post<{ id: string }>(`${org}/projects`, { name: "Named", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/odoo.git", branch: "19.0" } })).id;
    await putDomain(controller, org, "*.example.org");
  });
  after(() => pebble?.stop());

  const environment = (name: string, domains: string[]): Promise<Environment> =>
    api.post(`${org}/environments`, { project_id: project, server_id: server, name, type: "development", exposure: "tunnel", domains });
  const all = async (): Promise<Certificate[]> => (await api.get<List<Certificate>>(`${org}/certificates`)).data;
  const until = (name: string, what: string, is: (one: Certificate) => boolean, ms = 60_000): Promise<Certificate> =>
    world.until(`the certificate of ${name} is ${what}`, ms, async () => (await all()).find((one) => one.name === name && is(one)));
  const issued = (name: string): Promise<Certificate> => until(name, "issued", ({ state }) => state === "issued");
  const renew = (one: Certificate): Promise<Certificate> => api.post(`${org}/certificates/${one.id}/renew`);
  /** What somebody is shown who asks for this name. */
  const shown = (name: string): Promise<PeerCertificate> =>
    new Promise((done, failed) => {
      const socket = connect({ host: controller.address, port: controller.port, servername: name, rejectUnauthorized: false }, () => {
        done(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.on("error", failed);
    });
  const alternatives = async (name: string): Promise<string> => (await shown(name)).subjectaltname ?? "";
  /** The edge reads its table just after the commit that the API told of. */
  const presents = (name: string, whose = name): Promise<unknown> =>
    poll(`the edge presents the certificate of ${whose} for ${name}`, 60_000, async () => (await alternatives(name)).startsWith(`DNS:${whose}`) || undefined);

  scenario(world, "come without a step by a person, are shown by SNI, and are renewed [S-TLS-06] [S-NET-03]", async () => {
    const pid = controller.pid;
    const names = ["shop.example.org", "deep.shop.example.org"];
    await environment("shop", [...names, "unproved.example.net"]);
    for (const name of names) {
      const made = await issued(name);
      assert.match(made.issuer!, /^Pebble Intermediate/);
      await presents(name);
      assert.equal((await shown(name)).serialNumber.toLowerCase(), made.serial);
    }
    assert.equal(controller.pid, pid);
    assert.deepEqual((await all()).map(({ name }) => name).sort(), [...names].sort());
    // Everybody else is shown what they were before.
    for (const name of [controllerName, "unproved.example.net", "other.example.org"]) assert.match(await alternatives(name), new RegExp(controllerName));

    // An authority that was set up anew and does not know the account, whose certificates last a minute.
    await pebble.stop();
    await pebble.start({ lastsS: 60 });
    await assert.rejects(renew(await issued("shop.example.org")), (error: ApiError) => error.problem.code === "certificate_fresh");
    await environment("short", ["short.example.org"]);
    const second = await issued("short.example.org");
    const life = Date.parse(second.not_after!) - Date.now();
    const pause = Date.parse(second.next_attempt_at!) - Date.now();
    assert.ok(life < 61_000 && pause > 0 && pause < life * 0.75, `${life} ${pause}`);
    const third = await until("short.example.org", "renewed by itself", ({ serial, state }) => state === "issued" && serial !== second.serial, 120_000);
    await poll("the edge presents it", 60_000, async () => (await shown("short.example.org")).serialNumber.toLowerCase() === third.serial || undefined);
    const log = await api.get<List<{ action: string; target: { name: string } | null; result: string }>>(`${org}/audit?limit=100`);
    assert.ok(log.data.filter(({ action }) => action === "certificate.renew").length >= 1, JSON.stringify(log.data.slice(0, 5)));
    await pebble.stop();
    await pebble.start();
  });

  scenario(world, "that are refused say why, and are had once that was put right", async () => {
    await pebble.lead("away.example.org", "127.0.0.77"); // where nobody listens
    const away = await environment("away", ["away.example.org"]);
    const refused = await until("away.example.org", "refused", ({ state }) => state === "failed");
    // pebble calls it incorrectResponse where others say connection.
    assert.match(refused.error!.code, /^acme_(connection|challenge)$/, JSON.stringify(refused.error));
    assert.match(refused.error!.message, /port 443/);
    assert.ok(Date.parse(refused.next_attempt_at!) > Date.now() + 120_000);
    assert.match(await alternatives("away.example.org"), new RegExp(controllerName));
    await pebble.lead("away.example.org");
    await renew(refused);
    assert.equal((await issued("away.example.org")).error, null);
    await presents("away.example.org");

    // The name is taken away: nothing is left of it.
    await api.call("PATCH", `${org}/environments/${away.id}`, { body: { exposure: "port" } });
    await world.until("the certificate is gone", 60_000, async () => (await all()).every(({ name }) => name !== "away.example.org") || undefined);
    await presents("away.example.org", controllerName);
  });

  scenario(world, "wait for an authority that is down, and are had when it is back", async () => {
    await pebble.stop();
    await environment("later", ["later.example.org"]);
    const waits = await until("later.example.org", "in want of an authority", ({ error }) => error?.code === "acme_unreachable", 90_000);
    assert.match(waits.error!.message, /localhost/);
    await pebble.start();
    await renew(waits);
    await issued("later.example.org");
  });

  scenario(world, "are had although the controller is killed while it asks", async () => {
    await pebble.stop();
    await pebble.start({ thinksS: 15 });
    pebble.hold(); // how long it thinks is drawn, and may be no time at all
    try {
      await environment("killed", ["killed.example.org"]);
      await until("killed.example.org", "asked for", ({ running }) => running);
    } finally {
      pebble.goOn();
    }
    await controller.kill();
    await poll("the client ends with the controller", 10_000, async () =>
      (await run("pgrep", ["-f", `uacme.*${pebble.place}`], { check: false })).stdout === "" || undefined);
    await controller.start();
    await issued("killed.example.org");
    await presents("killed.example.org");
    // No key is left anywhere but in the database, sealed.
    assert.deepEqual(readdirSync("/dev/shm").filter((name) => /^fairlead-\d+-/.test(name) && !others.has(name)).flatMap((name) => readdirSync(join("/dev/shm", name))), []);
    assert.doesNotMatch((await run("grep", ["-rlaE", "BEGIN (EC )?PRIVATE KEY", controller.data], { check: false })).stdout, /./);
  });

  scenario(world, "stand in the console: which is valid, what keeps one from being issued, and a way to ask again", async () => {
    await pebble.lead("nowhere.example.org", "127.0.0.77");
    await environment("nowhere", ["nowhere.example.org"]);
    await until("nowhere.example.org", "refused", ({ state }) => state === "failed", 90_000);
    const web = await Web.open(controller);
    try {
      const page = await web.signedIn();
      await page.goto(`${new URL(page.url()).pathname}/settings/certificates`);
      await page.getByRole("table", { name: "Certificates" }).waitFor();
      await looksGood(page, "the certificates", "console-certificates");
      const row = (name: string) => page.getByRole("row").filter({ hasText: name });
      await row("killed.example.org").getByText("Valid", { exact: true }).waitFor();
      await row("nowhere.example.org").getByText(/port 443/).first().waitFor();
      pebble.hold(); // so that it is being asked for as long as somebody looks
      try {
        await page.getByRole("button", { name: "Ask now for a certificate for nowhere.example.org" }).click();
        await page.getByText("A certificate for nowhere.example.org is asked for.").first().waitFor();
        await row("nowhere.example.org").getByText("Being asked for", { exact: true }).waitFor();
      } finally {
        pebble.goOn();
      }
      assert.deepEqual(web.complaints, []);
    } finally {
      await web.close();
    }
  });
});
