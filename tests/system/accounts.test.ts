// Accounts over a real mail server: registration, forgotten passwords, authenticator apps; and by hand where there is no mail.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { controllerName } from "./lib/controller.ts";
import { MailServer, tokenOf } from "./lib/mail.ts";
import { codeOf } from "./lib/totp.ts";
import type { List, Session } from "./lib/types.ts";
import { scenario, type World, worldOfSuite } from "./lib/world.ts";

const bob = { email: "bob@fairlead.test", name: "Bob", password: "twelve green umbrellas 4" };

function send(api: Api, path: string, body?: unknown): Promise<Answer<Problem & Session & Record<string, string>>> {
  return api.send("POST", `/api/v1/${path}`, { body });
}

/** The same, as somebody who waits when told to: guesses make their address wait, whoever it is. */
async function sendPatiently(api: Api, path: string, body: unknown): ReturnType<typeof send> {
  for (;;) {
    const answer = await send(api, path, body);
    if (answer.status !== 429) return answer;
    await new Promise((again) => setTimeout(again, Number(answer.headers["retry-after"]) * 1000));
  }
}

describe("accounts, with a mail server", () => {
  let mail: MailServer;
  const world: World = worldOfSuite(async () => {
    mail = await MailServer.start(join(world.dir, "mail"));
    return `registration: open\n${mail.config}`;
  });
  before(() => world.controller());
  after(() => mail.stop());

  const test = (title: string, body: () => Promise<void>) => scenario(world, title, body, 120_000);

  test("whoever registers proves the address by a mailed link before signing in", async () => {
    const api = (await world.api()).stranger();
    const made = await send(api, "register", bob);
    assert.equal(made.status, 202);
    assert.equal((await send(api, "session", { email: bob.email, password: bob.password })).body.code, "email_unverified");

    const letter = await mail.next(bob.email);
    assert.equal(letter.from, "noreply@fairlead.test");
    assert.match(letter.headers, /^From: Fairlead tests <noreply@fairlead\.test>\r$/m);
    assert.match(letter.headers, /^Auto-Submitted: auto-generated\r$/m);
    assert.match(letter.text, new RegExp(`https://${controllerName}:\\d+/verify-email#flp_`));
    const token = tokenOf(letter.text, "verify-email");
    assert.equal((await send(api, "email/verify", { token })).status, 200);
    assert.equal((await send(api, "email/verify", { token })).body.code, "link_invalid");
    const session = await send(api, "session", { email: bob.email, password: bob.password });
    assert.equal(session.status, 200);
    assert.equal(session.body.orgs[0]!.plan, "free");
    api.close();

    // Known now: the same answer, another mail.
    const again = (await world.api()).stranger();
    const known = await send(again, "register", { ...bob, password: "another long password" });
    assert.deepEqual([known.status, known.text], [made.status, made.text]);
    assert.match((await mail.next(bob.email)).headers, /^Subject: You have an account already\r$/m);
    again.close();
  });

  test("on the free plan an authenticator app is set up from its QR picture, and the next sign-in wants its code [S-AUTH-01] [S-AUTH-02]", async () => {
    const api = (await world.api()).stranger();
    const credentials = { email: bob.email, password: bob.password };
    assert.equal((await send(api, "session", credentials)).body.orgs[0]!.plan, "free");
    const begun = await send(api, "account/totp");
    assert.equal(begun.status, 200);
    const uri = begun.body["otpauth_uri"]!;
    assert.match(uri, /^otpauth:\/\/totp\/.+\?secret=[A-Z2-7]{32}&issuer=.+&algorithm=SHA1&digits=6&period=30$/);
    const first = await codeOf(uri);
    const confirmed = await send(api, "account/totp/confirm", { code: first });
    assert.equal(confirmed.status, 200, confirmed.text);

    const other = api.stranger();
    const asked = await send(other, "session", credentials);
    assert.equal(asked.status, 401);
    assert.equal(asked.body.code, "second_factor_required");
    assert.equal(other.cookie, "");
    const { challenge } = asked.body as unknown as { challenge: string };
    const wrong = String((Number(first) + 1) % 1_000_000).padStart(6, "0");
    const give = (code: string) => sendPatiently(other, "session/second-factor", { challenge, code });
    assert.equal((await give(wrong)).body.code, "second_factor_wrong", "a wrong code");
    assert.equal((await give(first)).body.code, "second_factor_wrong", "the code of the confirmation, used already");
    // The app's clock may be a step ahead: so no test has to wait for the next half minute.
    const next = await codeOf(uri, 30);
    const old = await codeOf(uri, -300);
    const answer = await give(next);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.second_factor, true);

    const third = api.stranger();
    const again = (await send(third, "session", credentials)).body as unknown as { challenge: string };
    for (const [what, code] of [["used", next], ["expired", old]] as const) {
      const refused = await sendPatiently(third, "session/second-factor", { challenge: again.challenge, code });
      assert.equal(refused.body.code, "second_factor_wrong", `${what}: ${refused.text}`);
    }
    const [recovery] = (confirmed.body as unknown as { recovery_codes: string[] }).recovery_codes;
    const recovered = await sendPatiently(third, "session/second-factor", { challenge: again.challenge, recovery_code: recovery });
    assert.equal(recovered.status, 200, recovered.text);
    for (const one of [api, other, third]) one.close();
  });

  test("a forgotten password is chosen anew by a mailed link, and every session ends", async () => {
    const api = (await world.api()).stranger();
    const ann = { email: "ann@fairlead.test", name: "Ann", password: "twelve blue umbrellas 4" };
    await send(api, "register", ann);
    await send(api, "email/verify", { token: tokenOf((await mail.next(ann.email)).text, "verify-email") });
    assert.equal((await send(api, "session", { email: ann.email, password: ann.password })).status, 200);
    const other = api.stranger();
    assert.equal((await send(other, "password/forgot", { email: ann.email })).status, 202);
    const token = tokenOf((await mail.next(ann.email)).text, "reset-password");
    const password = "thirteen red umbrellas 5";
    assert.equal((await send(other, "password/reset", { token, password })).status, 204);
    assert.match((await mail.next(ann.email)).headers, /^Subject: Your password was changed\r$/m);
    assert.equal((await api.send("GET", "/api/v1/session")).status, 401);
    assert.equal((await send(other, "session", { email: ann.email, password: ann.password })).status, 401);
    assert.equal((await send(other, "session", { email: ann.email, password })).status, 200);
    for (const one of [api, other]) one.close();
  });

  test("neither links nor keys lie in the data folder in the clear", async () => {
    const api = (await world.api()).stranger();
    await send(api, "password/forgot", { email: bob.email });
    const letter = await mail.next(bob.email);
    const controller = await world.controller();
    const token = tokenOf(letter.text, "reset-password");
    for (const name of readdirSync(controller.data)) {
      const bytes = readFileSync(join(controller.data, name), "latin1");
      assert.ok(!bytes.includes(token), `${name} holds the token of a link`);
    }
    assert.ok(!controller.log.includes(token), "the log holds the token of a link");
    api.close();
  });
});

describe("accounts, without a mail server", () => {
  const world = worldOfSuite();

  scenario(world, "whoever looks after the installation hands the links over, and the log says that one waits", async () => {
    const api = await world.api();
    const other = api.stranger();
    assert.equal((await send(other, "register", bob)).body.code, "registration_closed");
    assert.equal((await send(other, "password/forgot", { email: "ada@fairlead.test" })).status, 202);
    const { data } = await api.get<List<{ kind: string; email: string; link: string }>>("/api/v1/installation/links");
    assert.equal(data.length, 1);
    assert.equal(data[0]!.email, "ada@fairlead.test");
    const token = tokenOf(data[0]!.link, "reset-password");
    assert.match((await world.controller()).log, /a link waits to be handed over/);
    assert.equal((await send(other, "password/reset", { token, password: "thirteen red umbrellas 5" })).status, 204);
    other.close();
  }, 60_000);
});
