// Passkeys in a real browser on a real controller: Chromium's virtual authenticators, platform and roaming.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { CDPSession, Page } from "playwright-core";
import type { Problem } from "./lib/api.ts";
import { Web } from "./lib/browser.ts";
import { admin, controllerName } from "./lib/controller.ts";
import { run } from "./lib/process.ts";
import type { List, Session } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Passkey {
  id: string;
  name: string;
  transports: string[];
  user_verified: boolean;
  last_second_factor: boolean;
  last_used_at: string | null;
}

type SignedIn = Session & { id: string; method: string; second_factor: boolean };

/** PublicKeyCredential's toJSON(). */
type Credential = Record<string, unknown> & { response: Record<string, unknown> };
type Options = Record<string, unknown> & { challenge: string };

/** As WebAuthn.getCredentials of the DevTools protocol gives it. */
interface Kept {
  credentialId: string;
  privateKey: string;
  signCount: number;
  userHandle?: string;
}

/** What a phisher or a thief would write; what is left out is as it should be. */
interface Lie {
  challenge: string;
  origin?: string;
  rpId?: string;
  count?: number;
  flags?: number;
}

interface Answer<T> {
  status: number;
  body: T;
}

/** What the page itself sends; its cookie comes and goes with it. */
async function call<T>(page: Page, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
  return page.evaluate(async (it) => {
    const response = await fetch(it.path, {
      method: it.method,
      headers: it.body === undefined ? it.headers : { ...it.headers, "Content-Type": "application/json" },
      body: it.body === undefined ? undefined : JSON.stringify(it.body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
  }, { method, path, body, headers }) as Promise<Answer<T>>;
}

async function done<T>(page: Page, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const answer = await call<T>(page, method, path, body, headers);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function refused(page: Page, path: string, body: unknown, status: number, code: string): Promise<void> {
  const answer = await call<Problem>(page, "POST", path, body);
  assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
}

/** The controller's options go to the browser as they are, and its answer to the controller. */
function create(page: Page, options: Options): Promise<Credential> {
  return page.evaluate(async (json) => {
    const publicKey = (PublicKeyCredential as any).parseCreationOptionsFromJSON(json);
    // The page's own offer of passkeys may still be on its way out; the browser takes one request at a time.
    for (let left = 300; ; left--) {
      try {
        return ((await navigator.credentials.create({ publicKey })) as any).toJSON();
      } catch (error) {
        if (left === 0 || (error as Error).name !== "OperationError") throw error;
        await new Promise((again) => setTimeout(again, 100));
      }
    }
  }, options) as Promise<Credential>;
}

function get(page: Page, options: Options): Promise<Credential> {
  return page.evaluate(async (json) => {
    const publicKey = (PublicKeyCredential as any).parseRequestOptionsFromJSON(json);
    for (let left = 300; ; left--) {
      try {
        return ((await navigator.credentials.get({ publicKey })) as any).toJSON();
      } catch (error) {
        if (left === 0 || (error as Error).name !== "OperationError") throw error;
        await new Promise((again) => setTimeout(again, 100));
      }
    }
  }, options) as Promise<Credential>;
}

const passkeys = "/api/v1/account/passkeys";
const byPassword = { email: admin.email, password: admin.password };

describe("passkeys", () => {
  const world = worldOfSuite();
  let web: Web;

  before(async () => {
    web = await Web.open(await world.controller());
  });
  afterEach(() => web.closeWindows());
  after(() => web?.close());

  /** A window whose browser has such an authenticator. */
  async function windowWith(transport: "internal" | "usb", verifies = true): Promise<{ page: Page; devtools: CDPSession; authenticator: string }> {
    const page = await web.window();
    await page.goto("/signin");
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        // One that asks for no PIN remembers nothing either.
        protocol: "ctap2", transport, hasResidentKey: verifies, hasUserVerification: verifies, isUserVerified: verifies,
        automaticPresenceSimulation: true,
      },
    });
    return { page, devtools, authenticator: authenticatorId };
  }

  async function kept(devtools: CDPSession, authenticatorId: string): Promise<Kept> {
    const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId });
    assert.equal(credentials.length, 1);
    return credentials[0]!;
  }

  /** In the session that the window has. */
  async function register(page: Page, name: string): Promise<Passkey> {
    const options = await done<Options>(page, "POST", `${passkeys}/options`);
    return done<Passkey>(page, "POST", passkeys, { name, credential: await create(page, options) });
  }

  async function signInByPasskey(page: Page): Promise<SignedIn> {
    const options = await done<Options>(page, "POST", "/api/v1/session/passkey/options");
    return done<SignedIn>(page, "POST", "/api/v1/session/passkey", { credential: await get(page, options) });
  }

  const signOut = (page: Page): Promise<unknown> => done(page, "DELETE", "/api/v1/session");

  /** After the password, where the account has a passkey. */
  async function secondFactor(page: Page): Promise<SignedIn> {
    const half = await call<Problem & { challenge: string; methods: string[] }>(page, "POST", "/api/v1/session", byPassword);
    assert.deepEqual([half.status, half.body.code], [401, "second_factor_required"]);
    assert.equal((await call(page, "GET", "/api/v1/session")).status, 401, "half a sign-in is none");
    const challenge = half.body.challenge;
    const options = await done<Options>(page, "POST", "/api/v1/session/second-factor/passkey/options", { challenge });
    return done<SignedIn>(page, "POST", "/api/v1/session/second-factor/passkey", { challenge, credential: await get(page, options) });
  }

  /** Registers, signs in alone and after the password, steps up, removes; leaves the account without passkeys. */
  async function whole(transport: "internal" | "usb"): Promise<void> {
    const { page } = await windowWith(transport);
    await done(page, "POST", "/api/v1/session", byPassword);
    const made = await register(page, `By ${transport}`);
    assert.deepEqual(made.transports, [transport]);
    assert.ok(made.user_verified && made.last_second_factor);
    await signOut(page);

    const session = await signInByPasskey(page);
    assert.equal(session.user.email, admin.email);
    assert.deepEqual([session.method, session.second_factor], ["passkey", true]);
    assert.equal((await done<SignedIn>(page, "GET", "/api/v1/session")).id, session.id);
    await signOut(page);

    const second = await secondFactor(page);
    assert.deepEqual([second.method, second.second_factor], ["password", true]);
    const again = await done<Options>(page, "POST", "/api/v1/session/elevate/passkey/options");
    await done(page, "POST", "/api/v1/session/elevate/passkey", { credential: await get(page, again) });

    const { data } = await done<List<Passkey>>(page, "GET", passkeys);
    assert.deepEqual(data.map((one) => one.name), [`By ${transport}`]);
    assert.ok(data[0]!.last_used_at);
    const own = `${passkeys}/${made.id}`;
    assert.equal((await done<Passkey>(page, "PATCH", own, { name: "Renamed" })).name, "Renamed");
    assert.equal((await call(page, "DELETE", own)).status, 428, "the last second factor does not go by mistake");
    await done(page, "DELETE", own, undefined, { "X-Confirm": "Renamed" });
    await signOut(page);

    // What was removed does not sign in, and the password alone does again.
    const options = await done<Options>(page, "POST", "/api/v1/session/passkey/options");
    await refused(page, "/api/v1/session/passkey", { credential: await get(page, options) }, 401, "passkey_unknown");
    await done(page, "POST", "/api/v1/session", byPassword);
    assert.deepEqual(web.complaints, []);
  }

  scenario(world, "of the device itself sign in alone and after the password, and are managed [S-AUTH-03] [S-AUTH-05]", () => whole("internal"));

  scenario(world, "of a key on USB sign in alone and after the password, and are managed [S-AUTH-03] [S-AUTH-06]", () => whole("usb"));

  scenario(world, "of a key that checks nobody are a second factor and no more", async () => {
    const { page } = await windowWith("usb", false);
    await done(page, "POST", "/api/v1/session", byPassword);
    const made = await register(page, "Touch alone");
    assert.equal(made.user_verified, false);
    await signOut(page);
    await secondFactor(page);
    await done(page, "DELETE", `${passkeys}/${made.id}`, undefined, { "X-Confirm": "Touch alone" });
  });

  scenario(world, "made for another site, replayed, too old or counting backwards are refused [S-AUTH-04]", async () => {
    const { page, devtools, authenticator } = await windowWith("internal");
    await done(page, "POST", "/api/v1/session", byPassword);
    await register(page, "Stolen");
    await signOut(page);
    const path = "/api/v1/session/passkey";
    const challenge = async (): Promise<string> => (await done<Options>(page, "POST", `${path}/options`)).challenge;

    /** The authenticator's own key under what a phisher's browser or a thief would write. */
    const forged = async (lie: Lie): Promise<{ credential: unknown }> => {
      const { credentialId, privateKey, signCount, userHandle } = await kept(devtools, authenticator);
      const text = (base64: string): string => Buffer.from(base64, "base64").toString("base64url");
      const told = Buffer.from(JSON.stringify({
        type: "webauthn.get", challenge: lie.challenge, origin: lie.origin ?? web.origin, crossOrigin: false,
      }));
      const count = Buffer.alloc(4);
      count.writeUInt32BE(lie.count ?? signCount + 10);
      const sha256 = (data: Buffer | string): Buffer => createHash("sha256").update(data).digest();
      const data = Buffer.concat([sha256(lie.rpId ?? controllerName), Buffer.from([lie.flags ?? 5]), count]);
      const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
      return {
        credential: {
          id: text(credentialId), rawId: text(credentialId), type: "public-key", clientExtensionResults: {},
          response: {
            clientDataJSON: told.toString("base64url"), authenticatorData: data.toString("base64url"),
            signature: sign("sha256", Buffer.concat([data, sha256(told)]), key).toString("base64url"),
            userHandle: userHandle ? text(userHandle) : undefined,
          },
        },
      };
    };

    /** Each failure makes the address wait, which is the subject of other tests. */
    const controller = await world.controller();
    const forgive = (): Promise<unknown> =>
      run("sqlite3", ["-cmd", ".timeout 5000", join(controller.data, "fairlead.db"), "DELETE FROM proof_wait"]);

    const wrongs: { why: string; code: string; lie: Omit<Lie, "challenge"> }[] = [
      { why: "another origin", code: "passkey_refused", lie: { origin: `https://${controllerName}.evil.example` } },
      { why: "another port of this host", code: "passkey_refused", lie: { origin: `https://${controllerName}:1` } },
      { why: "another RP id", code: "passkey_refused", lie: { rpId: "evil.example" } },
      { why: "nobody verified", code: "passkey_refused", lie: { flags: 1 } },
      { why: "nobody present", code: "passkey_refused", lie: { flags: 4 } },
      { why: "a counter that went back", code: "passkey_cloned", lie: { count: 0 } },
    ];
    for (const { why, code, lie } of wrongs) {
      const answer = await call<Problem>(page, "POST", path, await forged({ challenge: await challenge(), ...lie }));
      assert.deepEqual([answer.status, answer.body.code], [401, code], `${why}: ${JSON.stringify(answer.body)}`);
      await forgive();
    }
    await refused(page, path, await forged({ challenge: Buffer.from("of my own").toString("base64url") }), 404, "challenge_invalid");
    await forgive();

    // Without a lie the forger's answer is that of the authenticator: it was the lies that were refused. It counts once.
    const right = await forged({ challenge: await challenge(), count: 1000 });
    await done(page, "POST", path, right);
    await signOut(page);
    await refused(page, path, right, 404, "challenge_invalid");
    await refused(page, path, await forged({ challenge: await challenge(), count: 1000 }), 401, "passkey_cloned");
    const old = await forged({ challenge: await challenge(), count: 2000 });
    await forgive();
    await controller.stop();
    await controller.start();
    await refused(page, path, old, 404, "challenge_invalid");

    const org = await world.org();
    const api = await world.api();
    const { data } = await api.get<List<{ action: string; result: string }>>(`${org}/audit?limit=200`);
    const said = new Set(data.map((entry) => `${entry.action} ${entry.result}`));
    for (const entry of ["passkey.register ok", "session.sign_in ok", "session.sign_in refused", "passkey.cloned refused"]) {
      assert.ok(said.has(entry), `${entry} is not among ${[...said].join(", ")}`);
    }
  });
});
