// What is secret stands nowhere in the clear: markers are planted by every door that takes a secret, then looked for in all that is kept.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { tunnelToken } from "./lib/cloudflared.ts";
import { built } from "./lib/paths.ts";
import { join as joinOrg, letterToken, ownOrg, password, withKey } from "./lib/people.ts";
import { run } from "./lib/process.ts";
import { type PushDeploy, sendPush } from "./lib/pushes.ts";
import { steal } from "./lib/stolen.ts";
import { codeOf } from "./lib/totp.ts";
import { deafAcme, fillWhole } from "./lib/whole.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the controller's disk", () => {
  const world = worldOfSuite(`${deafAcme}\nplan_of_new_organizations: agency\n`);
  // As somebody starts it who wants cores, in a folder of its own.
  const cores = join(world.dir, "cores");
  world.launcher = ["sh", "-c", `mkdir -p ${cores}; cd ${cores}; exec prlimit --core=unlimited:unlimited "$@"`, "sh"];

  /** Every file below, as bytes. */
  function files(dir: string): [string, Buffer][] {
    return readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)))
      .filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path)]);
  }

  scenario(world, "holds no secret in the clear: not in the database, its log, the program's log or a copy [S-ENC-04] [S-ENC-05]", async () => {
    const controller = await world.controller();
    const api = await world.api();
    const org = await world.org();
    const planted: Record<string, string> = {};
    /** Secrets that are bytes, which may stand somewhere as such or in any spelling. */
    const bytesOf = (what: string, secret: Buffer): void => {
      for (const form of ["latin1", "hex", "base64", "base64url"] as const) planted[`${what} in ${form}`] = secret.toString(form).replace(/=+$/, "");
    };
    const marker = (what: string): string => (planted[what] = `marker-${what}-3k9f7q2x8w5z`);

    planted["used setup link"] = controller.setupLink.split("#").at(-1)!.split("/").at(-1)!;
    const bob = await joinOrg(api, org, "bob@example.org", "developer");
    planted["session cookie"] = bob.api.cookie.split("=").at(-1)!;
    const made = await run(built("controller/fairlead-controller"), ["user", "link", bob.email, "--config", controller.config]);
    planted["link of a command"] = /([A-Za-z0-9_-]{20,})\s*$/m.exec(made.stdout)![1]!;
    await api.post(`${org}/invitations`, { role: "viewer", email: "carl@example.org" });
    planted["mailed invitation"] = await letterToken(api, "carl@example.org");
    const agency = { api: bob.api, org: await ownOrg(bob.api, "Agency") };
    const { ids, agent } = await fillWhole(controller, api, org, "marked", agency);

    await api.post(`${org}/git-credentials`, { name: "marked", host: "git.example.org", kind: "token", secret: marker("git-token") });
    await api.call("PUT", `${org}/environments/${ids.environment}/variables/MARKED`, { body: { value: marker("variable"), secret: true } });
    const secret = Buffer.from(marker("connector-secret")).toString("base64");
    planted["connector secret in base64"] = secret;
    planted["connector token"] = tunnelToken({ s: secret });
    await api.call("PUT", `${org}/environments/${ids.environment}/connector-token`, { body: { token: planted["connector token"] } });
    await api.call("PATCH", `${org}/storages/${ids.storage}`, { body: { secret_key: marker("storage-secret"), session_token: marker("storage-token") } });
    await api.send("POST", "/api/v1/session", { body: { email: "nobody@example.org", password: marker("wrong-password") } });
    planted.password = password;
    const key = await withKey(api, org, "rw", ["org.view"]);
    planted["API key"] = key.key;
    assert.equal((await api.stranger().send("GET", org, { headers: { Authorization: `Bearer ${key.key}` } })).status, 200);
    const token = await api.post<{ token: string }>(`${org}/registration-tokens`, { name: "marked" });
    planted["registration token"] = token.token;
    const invitation = await api.post<{ token: string }>(`${org}/invitations`, { role: "viewer" });
    planted["invitation"] = invitation.token;
    const hook = await api.post<{ push_deploy: PushDeploy; secret: string }>(`${org}/environments/${ids.environment}/push-deploy/rotate`);
    planted["push hook's secret"] = hook.secret;
    const heard = await sendPush(api, { url: hook.push_deploy.url!, secret: hook.secret }, "gitlab", { url: "https://git.example.org/odoo.git", ref: "refs/tags/v1" });
    assert.equal(heard.status, 202, heard.text);
    const totp = await bob.api.post<{ secret: string; otpauth_uri: string }>("/api/v1/account/totp");
    planted["authenticator's key"] = totp.secret;
    bytesOf("authenticator's key", fromBase32(totp.secret));
    const { recovery_codes } = await bob.api.post<{ recovery_codes: string[] }>("/api/v1/account/totp/confirm", { code: await codeOf(totp.otpauth_uri) });
    for (const [at, code] of recovery_codes.entries()) planted[`recovery code ${at}`] = code;
    const webhook = await api.post<{ secret: string }>(`${org}/webhooks`, { url: "https://hooks.example.org/marked" });
    planted["webhook's secret"] = webhook.secret;
    bytesOf("webhook's secret", Buffer.from(webhook.secret.replace("whsec_", ""), "base64"));
    const visit = await agency.api.post<{ token: string }>(`${agency.org}/connect/grants/${ids.grant}/redeem`, { reason: "ticket 18" });
    planted["Connect-As token"] = visit.token;
    assert.equal((await agency.api.send("GET", org, { headers: { "X-Fairlead-Connect": visit.token } })).status, 200);
    const terminal = await api.post<{ ticket: string }>(`${org}/servers/${ids.server}/terminals`, { user: "deploy" });
    planted["terminal's ticket"] = terminal.ticket;
    await api.post(`${org}/environments/${ids.environment}/imports`, { url: `https://files.example.org/old.zip?signature=${marker("import-query")}` });
    agent.close();
    // A bad request is logged; what was in it is not.
    await api.send("PUT", `${org}/environments/${ids.environment}/variables/BAD`, { body: { value: marker("refused-variable"), secret: "yes" } });

    const copy = join(controller.dir, "copy.db");
    await controller.backup(copy);
    const kept = files(controller.dir).filter(([path]) => !path.endsWith("master.key"));
    for (const one of ["fairlead.db", "fairlead.db-wal", "copy.db", "controller.log"]) assert.ok(kept.some(([path]) => path.endsWith(one)), `no ${one} in ${kept.map(([path]) => path).join("\n")}`);
    for (const [what, text] of Object.entries(planted)) {
      assert.ok(text.length >= 9, what);
      const secret = Buffer.from(text, "latin1");
      for (const [path, bytes] of kept) assert.ok(!bytes.includes(secret), `${what} stands in ${path}`);
    }
    // The private half of a tunnel key is shown to nobody: only whoever has the master key too knows what to look for.
    const { tunnelKeys } = await steal(controller);
    assert.equal(tunnelKeys.length, 1);
    for (const form of [tunnelKeys[0]!.seed, tunnelKeys[0]!.seed.toString("base64url"), tunnelKeys[0]!.seed.toString("hex")]) {
      for (const [path, bytes] of kept) assert.ok(!bytes.includes(form), `a tunnel key stands in ${path}`);
    }
    assert.ok(kept.some(([, bytes]) => bytes.includes(tunnelKeys[0]!.public_key)));
    // The look itself works: what is no secret is found.
    assert.ok(kept.some(([path, bytes]) => path.includes("fairlead.db") && bytes.includes("bob@example.org")));

    // The copy is one.
    assert.ok(kept.some(([path, bytes]) => path.endsWith("copy.db") && bytes.includes("bob@example.org")));

    // Nor can it get there by a core: whoever starts it this way gets one of another program, and none of this one.
    const [program, ...words] = world.launcher;
    await run(program!, [...words, "sh", "-c", "kill -ABRT $$"]).catch(() => undefined);
    const left = (): string[] => readdirSync(cores);
    assert.equal(left().length, 1, "this system writes its cores elsewhere");
    rmSync(join(cores, left()[0]!)); // the next one may have the same name
    const { pid } = controller;
    process.kill(pid, "SIGABRT");
    await poll("the controller is gone", 60_000, async () => (existsSync(`/proc/${pid}`) ? undefined : true)); // a kill would cut a core off
    assert.deepEqual(left(), [], "the controller left a core");
  });

  function fromBase32(text: string): Buffer {
    const bits = [...text.replace(/=+$/, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
    return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
  }
});
