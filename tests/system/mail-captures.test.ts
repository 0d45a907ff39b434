// Mail captures: what a real Odoo would send stays on its server, by itself for each environment, is shown by the API and in Chromium without
// anything in it running or being fetched, and goes when it is told to.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { Odoo } from "./lib/backups.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { atSink, digestOf, listMail, loginOf, Trap } from "./lib/captures.ts";
import { join as joined, ownOrg } from "./lib/people.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Settings {
  available: boolean;
  capture: boolean;
  captured: boolean;
  keep_days: number;
  keep_messages: number;
  keep_bytes: number;
}

const MiB = 1024 * 1024;

describe("mail captures", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  world.patienceMs = 900_000; // real Odoos are deployed
  const marks: string[] = [];
  const mark = (what: string): string => {
    const text = `MAILMARK-${what}-${randomBytes(8).toString("hex")}`;
    marks.push(text);
    return text;
  };
  let on: Enrolled, api: Api, org: string, shop: Environment, stage: Environment, web: Web, outside: Trap;

  const mailOf = (environment: Environment): string => `${org}/environments/${environment.id}/mail`;
  const odooOf = (environment: Environment): Odoo => new Odoo(on.host, environment, `fl-${environment.slug}`);
  /** Odoo sends a mail as its users do; the state that it ends with. */
  const send = async (environment: Environment, subject: string, more: Record<string, unknown> = {}): Promise<string> => {
    const odoo = odooOf(environment);
    const [id] = await odoo.call("mail.mail", "create", [[{
      subject, body_html: `<p>Dear customer, ${subject}</p>`, email_from: "shop@shop.example", email_to: "you@customer.example", auto_delete: false, ...more,
    }]]) as number[];
    await odoo.call("mail.mail", "send", [[id]]);
    const [sent] = await odoo.call("mail.mail", "read", [[id], ["state", "failure_reason"]]) as { state: string; failure_reason: string }[];
    return sent!.failure_reason ? `${sent!.state}: ${sent!.failure_reason}` : sent!.state;
  };
  const found = (environment: Environment, text: string): Promise<string[]> =>
    listMail(api, `${mailOf(environment)}?search=${encodeURIComponent(text)}`).then(({ mails }) => mails.map((one) => one.subject));
  const count = async (environment: Environment): Promise<number> => (await listMail(api, `${mailOf(environment)}?limit=1`)).end.messages ?? -1;
  const set = async (environment: Environment, more: Partial<Settings>): Promise<void> => {
    const { available: _a, captured: _c, ...now } = await api.get<Settings>(`${mailOf(environment)}-settings`);
    const { operation } = await api.call<{ operation: Operation | null }>("PUT", `${mailOf(environment)}-settings`, { body: { ...now, ...more } });
    if (operation) await world.succeeded(operation, 60_000);
  };
  const remove = async (path: string): Promise<void> => void (await world.succeeded(await api.call<Operation>("DELETE", path), 60_000));
  const complaints = (): string[] => web.complaints.filter((one) => one.startsWith("request to") || one.startsWith("error on"));

  before(async () => {
    on = await world.server("mail-captures");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    const project = await world.project("shop", "v1", [{ name: "mail", url: await (await world.git()).addOdoo(), branch: "19.0-mail" }]);
    const modules = ["base", "web", "mail", "fl_demo"];
    shop = await world.environment(project, on.server, "shop", { type: "development", modules });
    stage = await world.environment(project, on.server, "stage", { type: "staging", modules });
    await world.succeeded(await world.deploy(shop), 900_000);
    await world.succeeded(await world.deploy(stage), 900_000);
    outside = await Trap.at(on.host.gateway);
    // The trap is one: the server reaches it.
    await on.host.sh(`exec 3<>/dev/tcp/${on.host.gateway}/${outside.port}; head -c 3 <&3`);
    assert.equal(outside.connections, 1);
  });
  after(() => Promise.all([web?.close(), outside?.close()]));

  scenario(world, "hold what Odoo sends on development and on staging [S-MAIL-01] [S-MAIL-02]", async () => {
    for (const environment of [shop, stage]) {
      const subject = mark(environment.name);
      assert.equal(await send(environment, subject), "sent");
      assert.deepEqual(await found(environment, subject), [subject]);
      const settings = await api.get<Settings>(`${mailOf(environment)}-settings`);
      assert.deepEqual([settings.available, settings.capture, settings.captured], [true, true, true]);
      const { mails } = await listMail(api, `${mailOf(environment)}?search=${subject}`);
      assert.match(mails[0]!.from, /shop@shop\.example/);
      assert.deepEqual(mails[0]!.recipients, ["you@customer.example"]);
      const raw = await api.send("GET", `${mailOf(environment)}/${mails[0]!.id}`);
      assert.match(raw.text, new RegExp(`Dear customer, ${subject}`));
      assert.equal(raw.headers["content-type"], "application/octet-stream");
      assert.match(String(raw.headers["content-disposition"]), /^attachment; filename="[\w.-]+\.eml"$/);
    }
  });

  scenario(world, "let no message out where the database names a mail server of its own, whichever way it is spoken to [S-MAIL-01]", async () => {
    const before = outside.connections;
    for (const [smtp_encryption, more] of [["none", {}], ["starttls", { smtp_user: "someone", smtp_pass: "secret of theirs" }], ["ssl", {}]] as const) {
      const odoo = odooOf(shop);
      const [server] = await odoo.call("ir.mail_server", "create", [[{ name: "out", smtp_host: on.host.gateway, smtp_port: outside.port, smtp_encryption, sequence: 1, ...more }]]) as number[];
      const subject = mark(`server-${smtp_encryption}`);
      assert.equal(await send(shop, subject, { mail_server_id: server }), "sent", smtp_encryption);
      assert.deepEqual(await found(shop, subject), [subject], smtp_encryption);
      await odoo.call("ir.mail_server", "unlink", [[server]]);
    }
    assert.equal(outside.connections, before, "nobody came");
    assert.doesNotMatch(await on.host.sh("journalctl --no-pager -o cat -u 'fairlead-mail*'"), /secret of theirs/);
  });

  scenario(world, "are each environment's own: a login of one never shows in another [S-ISO-09] [S-MAIL-04]", async () => {
    const [ofShop, ofStage] = [await loginOf(on.host, shop), await loginOf(on.host, stage)];
    assert.notEqual(ofShop.password, ofStage.password);
    const subject = mark("mine");
    // Whatever sender, recipient or header it has.
    await atSink(on.host, ofShop, `send("From: odoo@${stage.slug}\\nTo: ${stage.slug}@x\\nX-Environment: ${stage.id}\\nSubject: ${subject}\\n\\nx")`);
    assert.deepEqual(await found(shop, subject), [subject]);
    assert.deepEqual(await found(stage, subject), []);
    await assert.rejects(atSink(on.host, { user: ofStage.user, password: ofShop.password }, "send('Subject: x\\n\\nx')"), /535/);
    await assert.rejects(atSink(on.host, { user: "../accounts/shop", password: ofShop.password }, "send('Subject: x\\n\\nx')"), /535/);
    const anonymous = await on.host.sh(`printf 'EHLO x\\r\\nMAIL FROM:<a@b>\\r\\nQUIT\\r\\n' | timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/18025; cat >&3; cat <&3'`);
    assert.match(anonymous, /^530 /m);
    // A message that is shop's by its name is not there under stage.
    const { mails } = await listMail(api, `${mailOf(shop)}?search=${subject}`);
    assert.equal((await api.send("GET", `${mailOf(stage)}/${mails[0]!.id}`)).status, 404);
    // Odoo itself sees none of what was captured, not even its own.
    const seen = await on.host.sh(`systemctl show -P MainPID fairlead-odoo@${shop.slug} | xargs -I{} nsenter -t {} -m runuser -u fl-${shop.slug} -- ls /var/lib/fairlead/mail 2>&1 || true`);
    assert.match(seen, /No such file|cannot access|Permission denied/);
  });

  scenario(world, "are nobody's outside of the organization, and theirs alone who may [S-MAIL-04] [S-MAIL-05]", async () => {
    const subject = mark("roles");
    await send(shop, subject);
    const { mails } = await listMail(api, `${mailOf(shop)}?search=${subject}`);
    const one = `${mailOf(shop)}/${mails[0]!.id}`;
    const viewer = await joined(api, org, "viewer@example.org", "viewer");
    for (const path of [mailOf(shop), one]) {
      const refused = await viewer.api.send<Problem>("GET", path);
      assert.deepEqual([refused.status, refused.body.permission], [403, "mail.view"]);
    }
    assert.equal((await viewer.api.send("DELETE", one)).status, 403);
    const developer = await joined(api, org, "developer@example.org", "developer");
    assert.deepEqual((await listMail(developer.api, `${mailOf(shop)}?search=${subject}`)).mails.map((mail) => mail.id), [mails[0]!.id]);
    // Another organization, by its own path and by ours.
    const other = await ownOrg(viewer.api, "Elsewhere");
    await api.call("DELETE", `${org}/members/${viewer.user}`);
    for (const base of [other, org])
      for (const path of [`${base}/environments/${shop.id}/mail`, `${base}/environments/${shop.id}/mail/${mails[0]!.id}`])
        assert.ok([403, 404].includes((await viewer.api.send("GET", path)).status), path);
    // Without anybody there is nothing: no link opens it.
    assert.equal((await api.stranger().send("GET", one)).status, 401);
    viewer.api.close();
    developer.api.close();
  });

  scenario(world, "are refused on production, by the controller and by the agent [S-MAIL-03]", async () => {
    const live = await world.environment(await world.project("live"), on.server, "live", { type: "production" });
    const settings = await api.get<Settings>(`${mailOf(live)}-settings`);
    assert.deepEqual([settings.available, settings.capture, settings.captured], [false, false, false]);
    const body = { capture: true, keep_days: 14, keep_messages: 100, keep_bytes: 64 * MiB };
    for (const [method, path] of [["PUT", `${mailOf(live)}-settings`], ["GET", mailOf(live)], ["DELETE", mailOf(live)]] as const) {
      const refused = await api.send<Problem>(method, path, method === "PUT" ? { body } : {});
      assert.deepEqual([refused.status, refused.body.code], [409, "mail_on_production"], `${method} ${path}`);
    }
    await world.succeeded(await world.deploy(live), 900_000);
    assert.doesNotMatch(await on.host.sh(`cat /var/lib/fairlead/environments/${live.slug}/current/odoo.conf`), /smtp_/);
    assert.doesNotMatch(await on.host.sh(`cat /var/lib/fairlead/environments/${live.slug}/current/service.conf`), /PYTHONPATH=/);
    assert.equal((await on.host.sh(`ls /var/lib/fairlead/mail/accounts`)).includes("live"), false);
    // Its mail does go out.
    const before = outside.connections;
    await atSinkAs(live);
    assert.ok(outside.connections > before);
  });

  /** Has the Python of an environment's release dial a mail server. */
  const atSinkAs = (environment: Environment): Promise<string> =>
    on.host.sh(`
      conf=/var/lib/fairlead/environments/${environment.slug}/current/service.conf
      path=$(sed -n 's/^Environment=PYTHONPATH=//p' "$conf")
      PYTHONPATH="$path" python3 -c 'import smtplib
try: smtplib.SMTP("${on.host.gateway}", ${outside.port}, timeout=10).quit()
except smtplib.SMTPException: pass'`);

  scenario(world, "show hostile HTML without running or fetching anything [S-SSRF-03]", async () => {
    const internal = `http://${on.host.gateway}:${outside.port}`;
    const html = [
      `<html><head><script>top.hacked = 1</script><style>@import url("${internal}/import.css"); body { background: url(${internal}/style.png) }</style>`,
      `<link rel="stylesheet" href="${internal}/link.css"><meta http-equiv="refresh" content="0; url=${internal}/refresh"><base href="${internal}/"></head>`,
      `<body onload="top.hacked = 2" background="${internal}/back.png">`,
      `<h1 style="color: rgb(1, 2, 3); background: url(${internal}/attr.png)">HELLO FROM A MAIL</h1>`,
      `<img src="${internal}/img.png" onerror="top.hacked = 3"><img src="http://127.0.0.1:18069/x.png"><img src="http://169.254.169.254/latest/meta-data/"><img srcset="${internal}/set.png 1x">`,
      `<picture><source srcset="${internal}/source.png"><img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9InRvcC5oYWNrZWQ9NCIvPg=="></picture>`,
      `<svg onload="top.hacked = 5"><image href="${internal}/svg.png"/><script>top.hacked = 6</script><foreignObject><iframe src="${internal}/f"></iframe></foreignObject></svg>`,
      `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=top.hacked=7&gt;"></table></math>`,
      `<iframe src="${internal}/iframe"></iframe><object data="${internal}/object"></object><embed src="${internal}/embed"><video src="${internal}/video" poster="${internal}/poster.png"></video><audio src="${internal}/audio"></audio>`,
      `<form action="${internal}/form"><input name="x"><button>Go</button></form><a href="javascript:top.hacked=8">run</a><a href="https://shop.example/my/orders/42">my order</a>`,
      `<div style="position:fixed;inset:0;background-image:image-set('${internal}/set2.png' 1x)">over all</div><img src="cid:logo"></body></html>`,
    ].join("\n");
    const subject = mark("hostile");
    const before = outside.connections;
    await on.host.write("/tmp/hostile.html", html);
    await atSink(on.host, await loginOf(on.host, shop), `
html = open("/tmp/hostile.html").read()
send("""From: =?utf-8?q?Caf=C3=A9?= <shop@shop.example>
To: you@customer.example
Subject: ${subject}
MIME-Version: 1.0
Content-Type: multipart/related; boundary="b"

--b
Content-Type: text/html; charset=utf-8

""" + html + """
--b
Content-Type: image/png
Content-ID: <logo>
Content-Transfer-Encoding: base64
Content-Disposition: inline; filename="../../logo.png"

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
--b
Content-Type: text/html; name="page.html"
Content-Disposition: attachment; filename="page.html"

<script>top.hacked = 9</script>
--b--
""")`);
    web ??= await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    await page.goto(`${web.origin}${own}/environments/${shop.id}/mail`);
    await page.getByLabel("Search").fill(subject);
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("button", { name: subject }).click();
    await page.frameLocator('iframe[title="The message"]').getByText("HELLO FROM A MAIL").waitFor();
    const inside = await page.evaluate(`(() => {
      const frame = document.querySelector('iframe[title="The message"]');
      const body = frame.contentDocument.body;
      return {
        sandbox: frame.getAttribute("sandbox"),
        elements: [...new Set([...body.querySelectorAll("*")].map((one) => one.localName))],
        attributes: [...new Set([...body.querySelectorAll("*")].flatMap((one) => one.getAttributeNames()))],
        sources: [...body.querySelectorAll("[src]")].map((one) => one.getAttribute("src").slice(0, 22)),
        colour: getComputedStyle(body.querySelector("h1")).color,
        hacked: window.hacked ?? null,
      };
    })()`) as { sandbox: string; elements: string[]; attributes: string[]; sources: string[]; colour: string; hacked: unknown };
    assert.equal(inside.hacked, null);
    assert.equal(inside.sandbox, "allow-same-origin", "no scripts, no forms, no windows, no way out");
    for (const gone of ["script", "style", "svg", "math", "iframe", "object", "embed", "video", "audio", "form", "input", "button", "link", "meta", "base", "source"])
      assert.ok(!inside.elements.includes(gone), `${gone} is gone`);
    assert.deepEqual(inside.attributes.filter((name) => name.startsWith("on") || ["href", "srcset", "background", "data-style"].includes(name)), []);
    assert.deepEqual(inside.sources, ["data:image/png;base64,"], "the picture that the message brings, and no other");
    assert.equal(inside.colour, "rgb(1, 2, 3)", "and it looks as it was meant to, where that fetches nothing");
    await page.getByText(/pictures from elsewhere are left out/).waitFor();
    // Links lead somewhere when somebody presses them, and only to pages.
    await page.getByText(/link in the message/).click();
    assert.equal(await page.getByRole("link", { name: "https://shop.example/my/orders/42" }).getAttribute("rel"), "noreferrer noopener");
    // Attachments are bytes.
    await page.getByRole("tab", { name: /Attachments/ }).click();
    const row = page.getByRole("row", { name: /page\.html/ });
    const [download] = await Promise.all([page.waitForEvent("download"), row.getByRole("button", { name: "Download" }).click()]);
    assert.equal(download.suggestedFilename(), "page.html");
    for (const tab of ["Headers", "Raw"]) {
      await page.getByRole("tab", { name: tab }).click();
      assert.deepEqual(await axe(page), [], tab);
    }
    assert.equal(await page.evaluate("window.hacked ?? null"), null);
    assert.deepEqual(complaints(), [], "no request left the console");
    assert.equal(outside.connections, before, "and none left the server or the controller");
    await web.closeWindows();
  });

  scenario(world, "take what is broken as it comes, and show it", async () => {
    const subject = mark("broken");
    const broken = [
      "no header at all",
      `Subject: ${subject}-1\\nContent-Type: multipart/mixed; boundary=x\\n\\n--x\\n--x\\nContent-Type: multipart/mixed; boundary=x\\n`,
      `Subject: ${subject}-2\\nContent-Type: text/html; charset=nonsense\\nContent-Transfer-Encoding: base64\\n\\n!!!!`,
      `Subject: =?utf-8?b?${Buffer.from(`${subject}-3 ä`).toString("base64")}?=\\nContent-Type: ;;;\\n\\n\\x01\\x02`,
      `Subject: ${subject}-4 ${"x".repeat(5000)}\\n${"Y".repeat(20_000)}: z\\n\\nx`,
    ];
    await atSink(on.host, await loginOf(on.host, shop), `
for text in [${broken.map((one) => `"${one}"`).join(", ")}]:
    send(text)
send(b"Subject: ${subject}-5\\r\\n\\r\\n" + bytes(range(1, 256)) * 100 + b"\\x00\\x00end")
deep = "".join("--b%d\\nContent-Type: multipart/mixed; boundary=b%d\\n\\n" % (i, i + 1) for i in range(3000))
send("Subject: ${subject}-6\\nMIME-Version: 1.0\\nContent-Type: multipart/mixed; boundary=b0\\n\\n" + deep)`);
    const names = await found(shop, subject);
    assert.equal(names.length, 6);
    assert.ok(names.includes(`${subject}-3 ä`));
    const { mails } = await listMail(api, `${mailOf(shop)}?search=${subject}`);
    web ??= await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    for (const mail of mails) {
      await page.goto(`${web.origin}${own}/environments/${shop.id}/mail`);
      await page.getByLabel("Search").fill(mail.subject.slice(0, 100));
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByRole("button", { name: mail.subject.slice(0, 100) }).first().click();
      await page.getByRole("tab", { name: "Raw" }).click();
      await page.locator("pre").first().waitFor();
    }
    assert.deepEqual(complaints(), []);
    await web.closeWindows();
  });

  scenario(world, "take an attachment of 25 MB through to whoever opens it, byte for byte, and nothing larger than 50 MiB", async () => {
    const subject = mark("large");
    const login = await loginOf(on.host, shop);
    const sent = (await atSink(on.host, login, `
import base64
part = base64.encodebytes(os.urandom(25_000_000)).decode()
data = send("Subject: ${subject}\\nMIME-Version: 1.0\\nContent-Type: multipart/mixed; boundary=b\\n\\n--b\\nContent-Type: application/zip\\nContent-Disposition: attachment; filename=big.zip\\nContent-Transfer-Encoding: base64\\n\\n" + part + "--b--\\n")
print(hashlib.sha256(data).hexdigest(), len(data))`, 300_000)).trim().split(" ");
    const { mails } = await listMail(api, `${mailOf(shop)}?search=${subject}`);
    const got = await digestOf(api, `${mailOf(shop)}/${mails[0]!.id}`);
    assert.deepEqual([got.sha256, String(got.bytes)], sent);
    await assert.rejects(atSink(on.host, login, `send("Subject: ${mark("too-large")}\\n\\n" + "x" * 76 + "\\n" * 30_000_000)`, 300_000), /552/);
    const memory = Number(await on.host.sh("grep -h VmHWM /proc/$(systemctl show -P MainPID fairlead-mail)/status | tr -dc 0-9"));
    assert.ok(memory < 32 * 1024, `the sink took ${memory} KiB`);
    web ??= await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    await page.goto(`${web.origin}${own}/environments/${shop.id}/mail`);
    await page.getByRole("button", { name: subject }).click();
    await page.getByRole("tab", { name: "Attachments (1)" }).click({ timeout: 120_000 });
    await page.getByRole("row", { name: /big\.zip.*23\.8 MiB|big\.zip.*25/ }).waitFor();
    await web.closeWindows();
  });

  scenario(world, "hold ten thousand messages, listed page by page and searched, and no more than they may", async () => {
    const subject = mark("many");
    await atSink(on.host, await loginOf(on.host, stage), `
for i in range(10_100):
    send("From: a@x\\nSubject: ${subject} %05d\\n\\nx" % i)`, 600_000);
    const total = await count(stage);
    assert.ok(total <= 10_000 && total > 9_700, String(total));
    const seen: string[] = [];
    for (let next = ""; ; ) {
      const { mails, end } = await listMail(api, `${mailOf(stage)}?limit=200${next && `&before=${next}`}`);
      seen.push(...mails.map((one) => one.id));
      if (end.end === "done") break;
      next = end.next!;
    }
    assert.equal(seen.length, total);
    assert.equal(new Set(seen).size, total);
    assert.deepEqual(seen, [...seen].sort().reverse());
    assert.deepEqual(await found(stage, `${subject} 10099`), [`${subject} 10099`]);
    assert.deepEqual(await found(stage, `${subject} 00000`), [], "the oldest went");
    assert.deepEqual(await found(stage, mark("nowhere")), []);
    await set(stage, { keep_messages: 50 });
    assert.equal(await count(stage), 50);
    await set(stage, { keep_messages: 10_000 });
  });

  scenario(world, "go by themselves when they reach the age that the customer set [S-MAIL-06]", async () => {
    const [old, young] = [mark("old"), mark("young")];
    await send(stage, old);
    await send(stage, young);
    await set(stage, { keep_days: 30 });
    const { mails } = await listMail(api, `${mailOf(stage)}?search=${old}`);
    const box = `/var/lib/fairlead/mail/messages/${stage.slug}`;
    /** As if it had come so many days ago: a message's name has its time. */
    const age = (id: string, days: number): Promise<string> => on.host.sh(`mv ${box}/${id}.eml ${box}/$(( ${id.slice(0, 13)} - ${days} * 86400000 ))-${id.slice(14)}.eml`);
    await age(mails[0]!.id, 29);
    await on.host.sh("systemctl restart fairlead-mail.service");
    assert.deepEqual(await found(stage, old), [old], "29 of 30 days");
    // Less is asked for: it counts at once.
    await set(stage, { keep_days: 28 });
    assert.deepEqual(await found(stage, old), []);
    assert.deepEqual(await found(stage, young), [young]);
    // And with nobody asking, by the timer's service.
    const [now] = (await listMail(api, `${mailOf(stage)}?search=${young}`)).mails;
    await age(now!.id, 29);
    assert.equal((await on.host.sh("systemctl is-active fairlead-mail.timer")).trim(), "active");
    await on.host.sh("systemctl restart fairlead-mail.service");
    await world.until("the timer's service has looked", 30_000, async () => ((await found(stage, young)).length === 0 ? true : undefined));
  });

  scenario(world, "are deleted one by one and all at once, with their room [S-MAIL-07]", async () => {
    const [one, other] = [mark("one"), mark("other")];
    await send(shop, one);
    await send(shop, other);
    const { mails } = await listMail(api, `${mailOf(shop)}?search=${one}`);
    await remove(`${mailOf(shop)}/${mails[0]!.id}`);
    assert.deepEqual(await found(shop, one), []);
    assert.deepEqual(await found(shop, other), [other]);
    assert.equal((await api.send("GET", `${mailOf(shop)}/${mails[0]!.id}`)).status, 404);
    const used = async (): Promise<number> => Number((await on.host.sh(`du -sk /var/lib/fairlead/mail/messages/${shop.slug}`)).split("\t")[0]);
    assert.ok((await used()) > 20_000);
    const before = await count(stage);
    await remove(mailOf(shop));
    assert.equal(await count(shop), 0);
    assert.ok((await used()) < 2000, `${await used()} KiB`);
    assert.equal(await count(stage), before, "and nobody else's");
    assert.equal(await send(shop, mark("after")), "sent");
    assert.equal(await count(shop), 1);
  });

  scenario(world, "are kept and read on the server by a user who may do nothing else", async () => {
    await send(shop, mark("process"));
    const status = await on.host.sh("pid=$(systemctl show -P MainPID fairlead-mail); grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status; ls -l /proc/$pid/ns/net /proc/1/ns/net | sed 's/.*-> //'");
    assert.doesNotMatch(status, /^Uid:\s+0\s/m);
    assert.match(status, /^CapEff:\s+0+$/m);
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    const spaces = status.split("\n").filter((line) => line.startsWith("net:"));
    assert.notEqual(spaces[0], spaces[1], "it has no network to send anything by");
    assert.match(await on.host.sh("ss -ltnH 'sport = :18025'"), /^LISTEN .* 127\.0\.0\.1:18025 /);
    const modes = await on.host.sh(`stat -c '%U:%G %a %n' /var/lib/fairlead/mail/accounts/*.json /var/lib/fairlead/mail/messages/* /var/lib/fairlead/environments/${shop.slug}/mail-password /var/lib/fairlead/environments/${shop.slug}/current/python/sitecustomize.py`);
    assert.match(modes, /^root:fairlead-mail 640 .*accounts\/shop\.json$/m);
    assert.match(modes, /^fairlead-mail:fairlead-mail 700 .*messages\/shop$/m);
    assert.match(modes, /^root:root 600 .*mail-password$/m);
    assert.match(modes, new RegExp(`^root:fl-${shop.slug} 640 .*sitecustomize\\.py$`, "m"));
  });

  scenario(world, "are forbidden by the server's own policy where it says so", async () => {
    await on.host.sh("cp /etc/fairlead/policy.yaml /root/policy.yaml; sed -i '/^mail:/,$d' /etc/fairlead/policy.yaml; printf 'mail:\\n  - deny: [\"shop\"]\\n  - allow: [\"*\"]\\n' >>/etc/fairlead/policy.yaml");
    const refused = await api.send<Problem>("GET", mailOf(shop));
    assert.deepEqual([refused.status, refused.body.code], [409, "policy_refused"], refused.text);
    assert.match(refused.body.detail, /policy\.yaml line \d+/);
    assert.ok((await listMail(api, mailOf(stage))).end);
    await on.host.sh("cp /root/policy.yaml /etc/fairlead/policy.yaml");
    assert.ok((await api.get<List<unknown>>(`${org}/audit?action=mail.refuse&limit=10`)).data.length > 0);
  });

  scenario(world, "are looked at, opened and deleted with an entry in the audit log each", async () => {
    const entries = async (action: string): Promise<{ target: { id: string }; after: Record<string, unknown> | null }[]> =>
      (await api.get<List<{ target: { id: string }; after: Record<string, unknown> | null }>>(`${org}/audit?action=${action}&limit=200`)).data;
    const { mails } = await listMail(api, mailOf(shop));
    const before = (await entries("mail.open")).length;
    await api.send("GET", `${mailOf(shop)}/${mails[0]!.id}`);
    const opened = await entries("mail.open");
    assert.equal(opened.length, before + 1);
    assert.deepEqual([opened[0]!.target.id, opened[0]!.after?.message], [shop.id, mails[0]!.id]);
    for (const action of ["mail.view", "mail.delete", "mail.configure"]) assert.ok((await entries(action)).length > 0, action);
    assert.ok(!JSON.stringify(await entries("mail.view")).includes("MAILMARK"), "not what was searched for");
  });

  scenario(world, "stand in the console: empty, listed, searched, set, in both themes and on a phone", async () => {
    web ??= await Web.open(await world.controller());
    const page = await web.signedIn();
    const own = new URL(page.url()).pathname;
    await remove(mailOf(shop));
    await page.goto(`${web.origin}${own}/environments/${shop.id}/mail`);
    await page.getByText("No mail yet").waitFor();
    await looksGood(page, "no captured mail");
    const subject = mark("console");
    await send(shop, subject);
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByRole("button", { name: subject }).waitFor();
    await looksGood(page, "captured mail", "console-mail");
    await page.getByRole("button", { name: subject }).click();
    await page.frameLocator('iframe[title="The message"]').getByText("Dear customer").waitFor();
    await looksGood(page, "a captured message", "console-mail-message");
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("No mail yet").waitFor();
    await page.getByRole("button", { name: "Settings…" }).click();
    await page.getByLabel("Days that a message stays").fill("5");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText(/They stay for 5 days/).waitFor();
    assert.equal((await api.get<Settings>(`${mailOf(shop)}-settings`)).keep_days, 5);
    assert.deepEqual(complaints(), []);
  });

  scenario(world, "end with a deployment that sends, and come back with one that captures", async () => {
    await set(stage, { capture: false });
    assert.match(JSON.stringify((await world.look(stage)).pending_changes), /captured → sent/);
    await world.succeeded(await world.deploy(stage), 900_000);
    assert.equal((await api.get<Settings>(`${mailOf(stage)}-settings`)).captured, false);
    const before = outside.connections;
    await atSinkAs(stage);
    assert.ok(outside.connections > before, "it reaches the mail server that it means");
    // Back to the release that captures, with the password that it knows.
    const captured = (await world.releases(stage)).find((one) => one.state === "kept")!;
    await world.succeeded(await api.post<Operation>(`${org}/environments/${stage.id}/rollback`, { release_id: captured.id, database: "keep" }), 300_000);
    const subject = mark("back");
    assert.equal(await send(stage, subject), "sent");
    assert.deepEqual(await found(stage, subject), [subject]);
  });

  scenario(world, "go with their environment, and leave nothing at the controller", async () => {
    await world.succeeded(await api.call<Operation>("DELETE", `${org}/environments/${stage.id}?drop_data=true`, { headers: { "X-Confirm": "stage" } }), 300_000);
    assert.doesNotMatch(await on.host.sh("find /var/lib/fairlead/mail"), /stage/);
    const { dir } = await world.controller();
    const files = readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name))).filter((path) => statSync(path).isFile());
    const kept = files.flatMap((path) => {
      const bytes = readFileSync(path);
      return marks.filter((text) => bytes.includes(text)).map((text) => `${text}: ${path}`);
    });
    assert.ok(files.length > 3 && marks.length > 10);
    assert.deepEqual(kept, []);
  });
});
