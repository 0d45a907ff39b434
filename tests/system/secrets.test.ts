// What is secret stands nowhere in the clear: markers are planted by every door that takes a secret, then looked for in all that is kept.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { tunnelToken } from "./lib/cloudflared.ts";
import { fillOrg } from "./lib/fill.ts";
import { join as joinOrg, password, withKey } from "./lib/people.ts";
import { run } from "./lib/process.ts";
import { type PushDeploy, sendPush } from "./lib/pushes.ts";
import { steal } from "./lib/stolen.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the controller's disk", () => {
  const world = worldOfSuite();

  /** Every file below, as bytes. */
  function files(dir: string): [string, Buffer][] {
    return readdirSync(dir, { recursive: true }).map((name) => join(dir, String(name)))
      .filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path)]);
  }

  scenario(world, "holds no secret in the clear: not in the database, its log, the program's log or a copy [S-ENC-04] [S-ENC-05]", async () => {
    const controller = await world.controller();
    const api = await world.api();
    const org = await world.org();
    const ids = await fillOrg(api, org);
    const planted: Record<string, string> = {};
    const marker = (what: string): string => (planted[what] = `marker-${what}-3k9f7q2x8w5z`);

    await api.post(`${org}/git-credentials`, { name: "marked", host: "git.example.org", kind: "token", secret: marker("git-token") });
    await api.call("PUT", `${org}/environments/${ids.environment}/variables/MARKED`, { body: { value: marker("variable"), secret: true } });
    const secret = Buffer.from(marker("connector-secret")).toString("base64");
    planted["connector secret in base64"] = secret;
    planted["connector token"] = tunnelToken({ s: secret });
    await api.call("PUT", `${org}/environments/${ids.environment}/connector-token`, { body: { token: planted["connector token"] } });
    await api.call("PATCH", `${org}/storages/${ids.storage}`, { body: { secret_key: marker("storage-secret"), session_token: marker("storage-token") } });
    await api.send("POST", "/api/v1/session", { body: { email: "nobody@example.org", password: marker("wrong-password") } });
    planted.password = password;
    const bob = await joinOrg(api, org, "bob@example.org", "developer");
    planted["session cookie"] = bob.api.cookie.split("=").at(-1)!;
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
    const totp = await bob.api.post<{ secret: string }>("/api/v1/account/totp");
    planted["authenticator's key"] = totp.secret;
    // A bad request is logged; what was in it is not.
    await api.send("PUT", `${org}/environments/${ids.environment}/variables/BAD`, { body: { value: marker("refused-variable"), secret: "yes" } });

    const copy = join(controller.dir, "copy.db");
    await run(`${process.env.FAIRLEAD_BUILD ?? "build/release"}/controller/fairlead-controller`, ["backup", copy, "--config", controller.config]).catch(async () => undefined);
    const kept = files(controller.dir).filter(([path]) => !path.endsWith("master.key"));
    assert.ok(kept.some(([path]) => path.endsWith("fairlead.db")) && kept.some(([path]) => path.endsWith("fairlead.db-wal")), kept.map(([path]) => path).join("\n"));
    for (const [what, text] of Object.entries(planted)) {
      assert.ok(text.length >= 16, what);
      for (const [path, bytes] of kept) assert.ok(!bytes.includes(text), `${what} stands in ${path}`);
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

    // Nor can it get there by a core.
    assert.match(readFileSync(`/proc/${controller.pid}/limits`, "utf8"), /Max core file size\s+0\s+0\s/);
  });
});
