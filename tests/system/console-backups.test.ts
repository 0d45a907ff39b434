// Backups in the console, against the real controller; the server behind it is played, so that it finds what a test wants it to find.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import type { Page } from "playwright-core";
import type { Api } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { FalseAgent } from "./lib/false-agent.ts";
import type { Order } from "./lib/peers.ts";
import { join as joined, password } from "./lib/people.ts";
import { run } from "./lib/process.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
const secret = "marker/of-the-secret+key40charsxxxxxxxxx";
const serverKey = "age1qx0ez5kpvj8s2u6d9rwn3hy7tgc4alfm0pze8vqk5xj2su96rd3nwhqy7t";
const MiB = 1024 ** 2;

interface Environment {
  id: string;
  name: string;
  slug: string;
  type: string;
  port: number;
}

const passed = (id: string, title: string, value: string) => ({ id, title, result: "passed", value, need: "", remedy: "" });

async function shown(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
}

describe("backups in the console", () => {
  const world = worldOfSuite();
  let web: Web;
  let api: Api;
  let org: string;
  let base: string;
  let agent: FalseAgent;
  let live: Environment;
  let stage: Environment;
  let storage: string;
  let backup: string;
  const releases = new Map<string, unknown[]>();

  /** What the server says that it has arranged. */
  function told(policies: Record<string, { storage_id: string; next_backup_ms: number; next_drill_ms: number }>): void {
    agent.inventory(
      [live, stage].map(({ id, slug, port }) => ({
        id, slug, state: "running", detail: "", port, releases: releases.get(id), ...(policies[id] ? { backup: { recipient: serverKey, ...policies[id] } } : {}),
      })),
    );
  }

  async function deployed(project: string, name: string, type: string): Promise<Environment> {
    const one = await api.post<Environment>(`${org}/environments`, { project_id: project, server_id: agent.server, name, type });
    await api.post(`${org}/environments/${one.id}/deploy`, {});
    const order = await agent.next("environment.deploy");
    const { release } = order.args as { release: { id: string; number: number } };
    const made = { ...release, operation: order.id, created_at_ms: Date.now(), commits: [], python_packages: [], manifest_sha256: "0".repeat(64), has_database_snapshot: false, live: true };
    releases.set(one.id, [made]);
    agent.finish(order, { release: made });
    await world.until(`${name} is deployed`, 30_000, async (client) => ((await client.get<{ current_release: unknown }>(`${org}/environments/${one.id}`)).current_release ? true : undefined));
    return one;
  }

  /** The server's answer to a backup that was asked for. */
  function made(order: Order, more: Record<string, unknown> = {}): string {
    const args = order.args as { backup_id: string; kind: string; settings: { storage: { id: string }; recipients: string[] } };
    const now = Date.now();
    agent.finish(order, {
      backup: {
        id: args.backup_id, kind: args.kind, started_at_ms: now - 60_000, finished_at_ms: now, storage_id: args.settings.storage.id, odoo_version: "19.0", release: 1, postgresql_version: "15.8", database_bytes: 1480 * MiB,
        dump_bytes: 212 * MiB, files: 61_200, file_bytes: 9400 * MiB, packed_bytes: 8900 * MiB, sent_bytes: 231 * MiB, missing_files: 0, recipients: [serverKey, ...args.settings.recipients], ...more,
      },
    });
    return args.backup_id;
  }

  /** The backup's page once it knows the environments, which say where a backup can go. */
  async function atBackup(page: Page): Promise<void> {
    await shown(page, `${base}/backups/${backup}`);
    await page.getByRole("link", { name: "Harbour production" }).first().waitFor();
  }

  before(async () => {
    api = await world.api();
    org = await world.org();
    const controller = await world.controller();
    web = await Web.open(controller);
    const page = await web.signedIn();
    base = new URL(page.url()).pathname;
    await web.closeWindows();
    agent = await FalseAgent.enrol(controller, api, org, "odoo-1", 14);
    const project = await api.post<{ id: string }>(`${org}/projects`, { name: "Harbour", odoo_version: "19.0", odoo_source: source });
    live = await deployed(project.id, "Harbour production", "production");
    stage = await deployed(project.id, "Harbour staging", "staging");
  });
  afterEach(async () => {
    await web.closeWindows();
    assert.deepEqual(web.complaints, []);
  });
  after(async () => {
    agent?.close();
    await web?.close();
  });

  scenario(world, "have a storage that is added and tested live from a server; its secret is never shown again", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/settings/storage`);
    await page.getByText("No storage yet").waitFor();
    await page.getByRole("button", { name: "Add a storage" }).click();
    const form = page.getByRole("dialog");
    await form.getByRole("radio", { name: "Cloudflare R2" }).check();
    await form.getByLabel("Account ID").waitFor();
    await form.getByRole("radio", { name: "MinIO" }).check();
    await form.getByRole("textbox", { name: "Name" }).fill("Main bucket");
    await form.getByLabel("Endpoint").fill("http://minio.example.org");
    await form.getByRole("textbox", { name: "Bucket" }).fill("odoo-backups");
    await form.getByLabel("Access key").fill("AKMARKER");
    await form.getByLabel("Secret key").fill(secret);
    assert.deepEqual(await axe(page), [], "the form");
    await form.getByRole("button", { name: "Save and test" }).click();
    await page.waitForFunction(() => document.querySelector("[role=dialog] input[aria-invalid=true]"));
    await form.getByLabel("Endpoint").fill("https://minio.example.org:9000");
    await form.getByRole("button", { name: "Save and test" }).click();

    const order = await agent.next("storage.test");
    const asked = (order.args as { storage: { id: string; bucket: string } }).storage;
    storage = asked.id;
    assert.equal(asked.bucket, "odoo-backups");
    assert.equal((order as unknown as { secrets: Record<string, string> }).secrets[`storage:${storage}`], secret);
    const dialog = page.getByRole("dialog", { name: "Test Main bucket" });
    agent.step(order, { index: 0, count: 2, name: "write", title: "Write an object", state: "running" });
    await dialog.locator("li[aria-current=step]").getByText("Write an object").waitFor({ state: "attached" });
    agent.step(order, { index: 0, count: 2, name: "write", title: "Write an object", state: "done" });
    agent.step(order, { index: 1, count: 2, name: "read", title: "Read it back", state: "running" });
    await dialog.locator("li[aria-current=step]").getByText("Read it back").waitFor({ state: "attached" });
    agent.finish(
      order,
      { preflight: { checks: [passed("write", "Write an object", "24 bytes"), { id: "read", title: "Read it back", result: "failed", value: "403 AccessDenied", need: "s3:GetObject", remedy: "Give the key the right to read." }] } },
      { code: "storage_denied", message: "Read it back: 403 AccessDenied", step: "read" },
    );
    const report = page.getByRole("region", { name: "Report of the test" });
    await report.getByText("Give the key the right to read.").waitFor();
    assert.deepEqual(await axe(page), [], "the report");
    await dialog.getByRole("button", { name: "Test again" }).click();
    const again = await agent.next("storage.test");
    agent.finish(again, { preflight: { checks: [passed("write", "Write an object", "24 bytes"), passed("read", "Read it back", "what was written")] } });
    await report.getByText("All 2 checks passed").waitFor();
    await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
    await page.getByRole("table", { name: "Storages" }).getByText("Working").waitFor();
    await page.getByText("from odoo-1").waitFor();

    await page.getByRole("button", { name: "Acts on Main bucket" }).click();
    await page.getByRole("menuitem", { name: "Change…" }).click();
    await form.getByLabel("Secret key").waitFor();
    assert.equal(await form.getByLabel("Secret key").inputValue(), "");
    assert.equal((await page.content()).includes(secret), false);
    assert.equal(JSON.stringify(await api.get(`${org}/storages/${storage}`)).includes(secret), false);
  });

  scenario(world, "have recovery keys: the public half is taken, a secret one never leaves the browser", async () => {
    const made = (await run("age-keygen", [])).stdout;
    const recipient = /age1\w+/.exec(made)![0];
    const secretHalf = /AGE-SECRET-KEY-\w+/.exec(made)![0];
    const page = await web.signedIn();
    const sent: string[] = [];
    page.on("request", (request) => sent.push(request.postData() ?? ""));
    await page.goto(`${base}/settings/recovery-keys`);
    await page.getByText("There is no recovery key").waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("Safe in the office");
    const field = page.getByRole("textbox", { name: "Recipient" });
    await field.fill(made);
    await page.getByText("That is the secret half of a key").waitFor();
    assert.equal(await field.inputValue(), "");
    assert.ok(await page.getByRole("button", { name: "Add it" }).isDisabled());
    await field.fill(recipient.slice(0, -1) + (recipient.endsWith("q") ? "p" : "q"));
    await page.getByText("its checksum does not fit").waitFor();
    assert.deepEqual(await axe(page), []);
    await field.fill(`# public key: ${recipient}`);
    await page.getByRole("button", { name: "Add it" }).click();
    await page.getByRole("table", { name: "Recovery keys" }).getByText("Safe in the office").waitFor();
    await page.getByText("There is no recovery key").waitFor({ state: "detached" });
    assert.equal((await api.get<{ recovery_recipients: { recipient: string }[] }>(`${org}/backup-settings`)).recovery_recipients[0]!.recipient, recipient);
    assert.equal(sent.some((body) => body.includes(secretHalf) || /AGE-SECRET-KEY/i.test(body)), false, "nothing secret was sent");
    await page.getByRole("button", { name: "Remove the recovery key Safe in the office" }).click();
    await page.getByRole("dialog").getByText("It is the last one").waitFor();
    await page.keyboard.press("Escape");
  });

  scenario(world, "are made by a policy of each environment, which says when the next ones come and what would stay", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/environments/${live.id}/backups`);
    await page.getByText("It is not backed up").waitFor();
    await page.getByRole("link", { name: "Set the backup policy" }).last().click();
    await page.getByRole("textbox", { name: "Storage" }).waitFor();
    assert.equal(await page.getByRole("textbox", { name: "Storage" }).inputValue(), "Main bucket", "the only one is proposed");
    await page.getByRole("textbox", { name: "Time zone" }).fill("Europe/Ber");
    await page.getByRole("option", { name: "Europe/Berlin" }).click();
    await page.getByLabel("At", { exact: true }).first().fill("03:15");
    assert.equal(await page.locator(".fl-next").first().getByRole("listitem").count(), 5);
    await page.locator(".fl-next").first().getByText(/0?3:15/).first().waitFor();
    await page.getByRole("textbox", { name: "Drills" }).click();
    await page.getByRole("option", { name: "Another rhythm (cron)" }).click();
    await page.getByRole("textbox", { name: "Cron" }).fill("0 25 * * *");
    await page.getByText("“25” as hour: it goes from 0 to 23").waitFor();
    assert.ok(await page.getByRole("button", { name: "Save" }).isDisabled());
    await page.getByRole("textbox", { name: "Cron" }).fill("0 5 * * 1,4");
    await page.getByLabel("Daily").fill("10");
    assert.deepEqual(await axe(page), [], "the policy");
    await page.getByRole("button", { name: "Save" }).click();
    const order = await agent.next("backup.configure");
    const { settings } = order.args as { settings: { schedule: string; drill_schedule: string; time_zone: string; retention: { daily: number } } };
    assert.deepEqual([settings.schedule, settings.drill_schedule, settings.time_zone, settings.retention.daily], ["15 3 * * *", "0 5 * * 1,4", "Europe/Berlin", 10]);
    await page.getByText("The server does not go by this policy yet").waitFor();
    agent.finish(order);
    told({ [live.id]: { storage_id: storage, next_backup_ms: Date.now() + 7_200_000, next_drill_ms: Date.now() + 86_400_000 } });
    await page.getByText("The server does not go by this policy yet").waitFor({ state: "detached" });
    await page.getByRole("tab", { name: "Backups", exact: true }).click();
    await page.getByText(/^in 1 h$/).waitFor();

    // The other environment has a policy of its own.
    await api.call("PUT", `${org}/environments/${stage.id}/backup-policy`, { body: { storage_id: storage, schedule: "0 22 * * 5", drill_schedule: "", time_zone: "UTC", retention: { last: 2 } } });
    agent.finish(await agent.next("backup.configure"));
    await page.goto(`${base}/environments/${stage.id}/backup-policy`);
    await page.getByLabel("The last").waitFor();
    assert.equal(await page.getByLabel("The last").inputValue(), "2");
    assert.equal(await page.getByLabel("Daily").inputValue(), "0");
    assert.equal(await page.getByRole("textbox", { name: "Drills" }).inputValue(), "Never by itself");
  });

  scenario(world, "show how a backup goes on, that it failed and why, and that a good one is not proven yet", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/environments/${live.id}/backups`);
    await page.getByRole("button", { name: "Back up now" }).click();
    const order = await agent.next("backup.create");
    agent.step(order, { index: 0, count: 1, name: "database", title: "Send the database", state: "running", percent: 40, detail: "410 MiB of 1.4 GiB" });
    await page.locator(".fl-steps-now").getByText("410 MiB of 1.4 GiB").waitFor();
    await page.getByRole("table", { name: "Backups" }).getByText("Running").waitFor();
    agent.finish(order, {}, { code: "storage_full", message: "The bucket refused the upload: its quota is used up.", step: "database" });
    await page.getByRole("table", { name: "Backups" }).getByText("Failed").waitFor();
    await page.getByRole("table", { name: "Backups" }).getByText("its quota is used up").waitFor();
    await page.getByText("No backup yet", { exact: true }).first().waitFor();

    await page.getByRole("button", { name: "Back up now" }).click();
    backup = made(await agent.next("backup.create"));
    await page.getByRole("table", { name: "Backups" }).getByText("61,200").waitFor();
    await page.getByText("Not proven").waitFor();
    await page.getByRole("table", { name: "Backups" }).getByText("Good").waitFor();
    // The preview knows it now.
    await page.getByRole("tab", { name: "Backup policy" }).click();
    await page.getByRole("table", { name: "What would stay" }).getByText(/newest good one/).waitFor();
  });

  scenario(world, "are proven by a drill: one that fails says what it found, one that passes says how long it took", async () => {
    const page = await web.signedIn();
    await page.goto(`${base}/backups/${backup}`);
    await page.getByText("Not tried out yet").waitFor();
    await page.getByText("age -d -i fairlead-recovery.txt database.dump.zst.age").waitFor();
    await page.getByRole("button", { name: "Run a drill" }).click();
    const failing = await agent.next("backup.drill");
    agent.finish(
      failing,
      { drill: { backup_id: backup, at_ms: Date.now(), restore_ms: 0, checks: [passed("objects", "Objects in the bucket", "14"), { id: "registry", title: "Odoo loads it", result: "failed", value: "module x is missing", need: "", remedy: "Deploy the release that it was made with." }] } },
      { code: "drill_failed", message: "Odoo loads it: module x is missing", step: "load" },
    );
    await page.getByText("Deploy the release that it was made with.").first().waitFor();
    await page.goto(`${base}/environments/${live.id}/backups`);
    await page.getByText("The last drill could not bring its backup back").waitFor();
    await page.getByRole("button", { name: "Run a drill" }).click();
    const good = await agent.next("backup.drill");
    agent.finish(good, { drill: { backup_id: backup, at_ms: Date.now(), restore_ms: 192_400, checks: [passed("objects", "Objects in the bucket", "14"), passed("registry", "Odoo loads it", "in 6 s")] } });
    await page.getByText("the last drill took 3 min 12 s").waitFor();
    await page.getByText("Proven", { exact: true }).waitFor();
    await page.goto(`${base}/backups/${backup}`);
    await page.getByText("It was back in 3 min 12 s").waitFor();
    assert.deepEqual(await axe(page), []);

    // The organization's list: the worst comes first, and the overview says how many.
    await page.goto(`${base}/backups`);
    const rows = page.getByRole("table", { name: "Environments and their backups" }).getByRole("row");
    await rows.nth(1).getByText("Harbour staging").waitFor();
    await rows.nth(1).getByText("No backup yet").waitFor();
    await rows.nth(2).getByText("Proven", { exact: true }).waitFor();
    await page.goto(base);
    await page.getByText("has no backup that is known to come back").waitFor();
  });

  scenario(world, "are restored with the keyboard alone: production by its name, what was there is backed up first", async () => {
    const page = await web.signedIn();
    await atBackup(page);
    await page.getByRole("button", { name: "Restore", exact: true }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What will happen").waitFor();
    await dialog.getByText("at most about 3 min 12 s").waitFor();
    assert.ok(await dialog.getByLabel("Back up Harbour production first").isChecked());
    assert.equal(await dialog.getByLabel("Neutralise").isChecked(), false);
    const button = dialog.getByRole("button", { name: "Restore into Harbour production" });
    assert.ok(await button.isDisabled());
    assert.deepEqual(await axe(page), [], "the wizard");
    await dialog.getByRole("radio", { name: "All of it" }).focus();
    await page.keyboard.press("ArrowRight");
    await dialog.getByRole("radio", { name: "The database", exact: true, checked: true }).waitFor();
    for (let n = 0; n < 6 && !(await dialog.getByLabel(/^Type/).evaluate((field) => field === document.activeElement)); n++) await page.keyboard.press("Tab");
    await page.keyboard.type("Harbour production");
    await page.keyboard.press("Enter");
    const order = await agent.next("backup.restore");
    const args = order.args as { environment_id: string; parts: string; neutralise: boolean; safety: unknown; backup: { id: string } };
    assert.deepEqual([args.environment_id, args.parts, args.neutralise, args.backup.id], [live.id, "database", false, backup]);
    assert.ok(args.safety, "a backup comes first");
    await page.waitForURL(`**/environments/${live.id}/backups`);
    await page.getByRole("heading", { name: /Restore into/ }).waitFor();
    agent.finish(order);
    await page.getByRole("heading", { name: /Restore into/ }).waitFor({ state: "detached" });
  });

  scenario(world, "are copied into another environment, neutralised unless somebody says otherwise", async () => {
    const page = await web.signedIn();
    await atBackup(page);
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: "Another one" }).check();
    assert.ok(await dialog.getByLabel("Neutralise").isChecked());
    assert.equal(await dialog.getByLabel(/^Type/).count(), 0);
    await dialog.getByLabel("Neutralise").uncheck();
    await dialog.getByText("The copy will act on the real world").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Restore into Harbour staging" }).isDisabled(), "a live copy of production wants the name");
    await dialog.getByLabel("Neutralise").check();
    await dialog.getByLabel("Documents").check();
    await dialog.getByLabel("People and companies").check();
    await dialog.getByText("Masked in the copy, before anybody can see it: people and companies, documents.").waitFor();
    await looksGood(page, "the restore wizard", "console-restore");
    await dialog.getByRole("button", { name: "Restore into Harbour staging" }).click();
    const restored = await agent.next("backup.restore");
    const { environment_id, neutralise, mask } = restored.args as { environment_id: string; neutralise: boolean; mask: string[] };
    assert.deepEqual([environment_id, neutralise, mask], [stage.id, true, ["contacts", "documents"]]);
    agent.finish(restored);

    await page.goto(`${base}/environments/${live.id}`);
    await page.getByRole("button", { name: "More acts" }).click();
    await page.getByRole("menuitem", { name: "Clone…" }).click();
    await dialog.getByText("What will happen").waitFor();
    await looksGood(page, "the clone wizard", "console-clone");
    await dialog.getByLabel("Messages and mails").check();
    await dialog.getByRole("button", { name: "Clone into Harbour staging" }).click();
    const order = await agent.next("environment.clone");
    const args = order.args as { environment_id: string; source_environment_id: string; neutralise: boolean; mask: string[]; safety: unknown };
    assert.deepEqual([args.environment_id, args.source_environment_id, args.neutralise, args.mask], [stage.id, live.id, true, ["messages"]]);
    assert.ok(args.safety);
    await page.waitForURL(`**/environments/${stage.id}`);
    agent.finish(order);
    await page.getByText("Succeeded", { exact: true }).first().waitFor();
  });

  scenario(world, "go into a new environment by several operations, of which each shows what comes before and after it", async () => {
    const page = await web.signedIn();
    await atBackup(page);
    await page.getByRole("button", { name: "Restore", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: "A new one" }).check();
    assert.equal(await dialog.getByRole("radio", { name: "The database", exact: true }).count(), 0, "all of it, as there is nothing yet");
    const button = dialog.getByRole("button", { name: /^Restore/ });
    assert.ok(await button.isDisabled());
    await dialog.getByLabel("Name of the new environment").fill("Harbour trial");
    await dialog.getByText("Harbour trial is made as Harbour production is").waitFor();
    assert.ok(await dialog.getByLabel("Neutralise").isChecked());
    assert.deepEqual(await axe(page), [], "the wizard");
    await button.click();
    const deploy = await agent.next("environment.deploy");
    await page.waitForURL(`**/operations/${deploy.id}`);
    const chain = page.getByRole("list", { name: "Its operations" });
    await chain.getByText("Restore into Harbour trial").waitFor();
    await chain.getByText("Comes later").waitFor();
    assert.deepEqual(await axe(page), [], "the chain");
    const { release } = deploy.args as { release: { id: string; number: number } };
    agent.finish(deploy, { release: { ...release, operation: deploy.id, created_at_ms: Date.now(), commits: [], python_packages: [], manifest_sha256: "0".repeat(64), has_database_snapshot: false, live: true } });
    const order = await agent.next("backup.restore");
    const args = order.args as { slug: string; neutralise: boolean; safety: unknown };
    assert.deepEqual([args.slug, args.neutralise, args.safety ?? null], ["harbour-trial", true, null]);
    await chain.getByRole("link", { name: "Restore into Harbour trial" }).click();
    await page.waitForURL(`**/operations/${order.id}`);
    agent.finish(order);
    await page.getByText("Done", { exact: true }).waitFor();
    const [trial] = (await api.get<{ data: { id: string; name: string }[] }>(`${org}/environments?limit=200`)).data.filter((one) => one.name === "Harbour trial");
    await api.call("DELETE", `${org}/environments/${trial!.id}?skip_backup=true`, { headers: { "X-Confirm": "Harbour trial" } });
    agent.finish(await agent.next("environment.delete"));
    await world.until("the trial is gone", 30_000, async () => ((await api.get<{ data: { name: string }[] }>(`${org}/environments?limit=200`)).data.some((one) => one.name === "Harbour trial") ? undefined : true));
  });

  scenario(world, "are copied nowhere where the organization switched it off: no control is left, for an owner and for a developer [S-CLONE-03]", async () => {
    const person = await joined(api, org, "dora@example.org", "developer");
    const dora = { email: person.email, password };
    const settings = await api.get<Record<string, unknown>>(`${org}/security`);
    const copies = async (page: Page): Promise<string[]> => {
      const found: string[] = [];
      for (const one of [live, stage]) {
        await shown(page, `${base}/environments/${one.id}`);
        await page.getByRole("button", { name: "More acts" }).click();
        await page.getByRole("menuitem").first().waitFor();
        if (await page.getByRole("menuitem", { name: /clone/i }).count()) found.push(`menu of ${one.name}`);
        await page.keyboard.press("Escape");
        for (const tab of ["", "/backups", "/backup-policy", "/operations", "/settings"]) {
          await shown(page, `${base}/environments/${one.id}${tab}`);
          if (await page.getByRole("button", { name: /clone|copy an environment/i }).count()) found.push(`${one.name}${tab}`);
        }
      }
      await atBackup(page);
      if (await page.getByRole("button", { name: "Restore", exact: true }).count()) {
        await page.getByRole("button", { name: "Restore", exact: true }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByText("Which part of it?").waitFor();
        if ((await dialog.getByRole("radio", { name: "Another one" }).count()) || (await dialog.getByRole("textbox", { name: "Environment" }).count())) found.push("restore");
        await page.keyboard.press("Escape");
      }
      return found;
    };
    const theirs = await web.signedIn("light", dora);
    assert.deepEqual(await copies(theirs), ["menu of Harbour production", "menu of Harbour staging", "restore"], "what a developer has while it is on");
    await api.call("PUT", `${org}/security`, { body: { ...settings, clone_enabled: false } });
    assert.deepEqual(await copies(theirs), []);
    assert.deepEqual(await copies(await web.signedIn()), []);
    const refused = await api.send<{ code: string }>("POST", `${org}/environments/${live.id}/clone`, { body: { target_environment_id: stage.id } });
    assert.deepEqual([refused.status, refused.body.code], [403, "clone_disabled"]);
    await api.call("PUT", `${org}/security`, { body: { ...settings, clone_enabled: true } });
  });

  scenario(world, "show a viewer what there is and no act; and a storage in use is not removed", async () => {
    const person = await joined(api, org, "vic@example.org", "viewer");
    const theirs = await web.signedIn("light", { email: person.email, password });
    await shown(theirs, `${base}/backups/${backup}`);
    await theirs.getByText("It was back in 3 min 12 s").waitFor();
    for (const name of ["Restore", "Run a drill", "Delete"]) assert.equal(await theirs.getByRole("button", { name, exact: true }).count(), 0, name);
    await shown(theirs, `${base}/environments/${live.id}/backup-policy`);
    await theirs.getByText("every day at 03:15").waitFor();
    assert.equal(await theirs.getByRole("button", { name: "Save" }).count(), 0);
    await shown(theirs, `${base}/environments/${live.id}/backups`);
    assert.equal(await theirs.getByRole("button", { name: "Back up now" }).count(), 0);

    const page = await web.signedIn();
    await page.goto(`${base}/settings/storage`);
    await page.getByRole("button", { name: "Acts on Main bucket" }).click();
    await page.getByRole("menuitem", { name: "Remove…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/^Type/).fill("Main bucket");
    await dialog.getByRole("button", { name: "Remove" }).click();
    await dialog.getByRole("alert").getByText("Harbour production").waitFor();
    await dialog.getByRole("alert").getByText("Harbour staging").waitFor();
  });

  scenario(world, "go from the bucket when somebody deletes one, and from every list by itself", async () => {
    const page = await web.signedIn();
    const other = await web.signedIn();
    await other.goto(`${base}/environments/${live.id}/backups`);
    await other.getByRole("table", { name: "Backups" }).getByText("Good").first().waitFor();
    await page.goto(`${base}/environments/${live.id}/backups`);
    await page.getByRole("button", { name: "Back up now" }).click();
    const gone = made(await agent.next("backup.create"), { recipients: [serverKey] });
    await page.goto(`${base}/backups/${gone}`);
    await page.getByText("There was no recovery key when this backup was made").waitFor();
    await page.getByText("age -d -i identity database.dump.zst.age").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByText("Nobody can bring it back").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    const order = await agent.next("backup.delete");
    agent.finish(order, { removed_backups: [gone] });
    await page.getByText("It is removed", { exact: true }).waitFor();
    await other.getByRole("table", { name: "Backups" }).getByText("Removed").waitFor();
  });

  scenario(world, "have no serious finding of axe, no overflow and no breach of the content policy in both themes and on a phone", async () => {
    const page = await web.signedIn();
    const pages = ["", "/backups", `/backups/${backup}`, `/environments/${live.id}/backups`, `/environments/${live.id}/backup-policy`, `/environments/${stage.id}/backups`, "/settings/storage", "/settings/recovery-keys"];
    for (const path of pages) {
      await shown(page, `${base}${path}`);
      await looksGood(page, path, `console-backups${path.replace(live.id, "live").replace(stage.id, "stage").replace(backup, "one").replaceAll("/", "-")}`);
    }
  });
});
