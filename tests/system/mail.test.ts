// Mail by a real egress: TLS and password from end to end, to the one server that root names.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Api } from "./lib/api.ts";
import type { Egress } from "./lib/egress.ts";
import { controllerAddress } from "./lib/host.ts";
import { MailServer } from "./lib/mail.ts";
import type { List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("mail by the egress", () => {
  let mail: MailServer, egress: Egress, api: Api, org: string;
  const world = worldOfSuite(async () => {
    const address = await controllerAddress(); // an address that is neither this machine's loopback nor on the internet
    mail = await MailServer.start(join(world.dir, "mail"), { address, host: address });
    egress = await world.egress();
    return mail.config + egress.settings();
  });
  before(async () => {
    api = await world.api();
    org = await world.org();
  });
  after(() => mail?.stop());

  const invite = (email: string): Promise<unknown> => api.post(`${org}/invitations`, { email, role: "viewer" });
  const logs = (pattern: RegExp): Promise<unknown> => poll(`the egress logs ${pattern}`, 10_000, async () => pattern.test(egress.log) || undefined);
  /** Why a mail has not gone out. */
  const told = (email: string, since = 0): Promise<string> => poll(`the mail to ${email} is tried`, 60_000, async () => {
    const { data } = await api.get<List<{ email: string; attempts: number; last_error: string }>>("/api/v1/installation/links");
    return data.find((one) => one.email === email && one.attempts > since)?.last_error;
  }, 100);

  scenario(world, "goes nowhere before root has named the server, and both the log and the letter say what to write", async () => {
    const place = `${await controllerAddress()}:${mail.port}`;
    assert.match((await world.controller()).log, new RegExp(`No mail goes out.*smtp: .*${place}`));
    await invite("early@example.org");
    assert.match(await told("early@example.org"), new RegExp(`fairlead-egress lets no mail through to there: write smtp: "${place}"`));
    await logs(new RegExp(`refused.*${place}`));
    assert.deepEqual(mail.mails, []);
  });

  scenario(world, "reaches the server that root has named, which hears TLS and the password", async () => {
    await egress.stop();
    appendFileSync(egress.rules, `smtp: "${await controllerAddress()}:${mail.port}"\n`);
    await egress.start();
    await invite("bob@example.org");
    const letter = await mail.next("bob@example.org");
    assert.match(letter.text, /https:\/\/controller\.fairlead\.test:\d+\/\S+#fl/);
    assert.match((await mail.next("early@example.org", 60_000)).text, /https:/);
    await logs(new RegExp(`connection.*to=${await controllerAddress()}:${mail.port}`));
  });

  scenario(world, "waits while the egress is away, and has no other way", async () => {
    await egress.stop();
    await invite("carol@example.org");
    assert.match(await told("carol@example.org"), /fairlead-egress does not answer at .*egress\.sock\. Start it/);
    assert.deepEqual(mail.mails, []);
    await egress.start();
    await invite("dave@example.org"); // which wakes whoever carries them
    await mail.next("dave@example.org");
    await mail.next("carol@example.org", 60_000);
  });
});
