// What a controller is for, each thing once: pages, the API, deploying, permissions, the audit log, a terminal, webhooks and the way to an
// environment's domain.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { Api, type Problem } from "./lib/api.ts";
import { Web } from "./lib/browser.ts";
import { putDomain } from "./lib/domains.ts";
import { folder } from "./lib/paths.ts";
import { join as joined } from "./lib/people.ts";
import { Receiver } from "./lib/receiver.ts";
import { Visitor } from "./lib/site.ts";
import { askFor, Shell } from "./lib/terminal.ts";
import type { List, Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const domain = "smoke.tunnel.test";

describe("a controller", () => {
  let receiver: Receiver, web: Web | undefined;
  const world = worldOfSuite(async () => {
    receiver = await Receiver.start(folder(join(world.dir, "receiver")));
    return `${(await world.egress({ allow: [receiver.place] })).settings(receiver.ca)}plan_of_new_organizations: agency\n`;
  });
  world.patienceMs = 600_000; // a real Odoo is deployed
  let on: Enrolled, api: Api, org: string;

  before(async () => {
    on = await world.server("smoke");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
  });
  after(async () => {
    await web?.close();
    receiver?.stop();
  });

  scenario(world, "provides the eight things that it is for [S-GEN-05]", async () => {
    // Webhooks and the API: everything below is asked with a key, and told to a receiver.
    const hook = await api.post<{ secret: string }>(`${org}/webhooks`, { url: receiver.url, events: ["deployment.succeeded"] });
    const { key } = await api.post<{ key: string }>(`${org}/api-keys`, { name: "smoke", kind: "read_write", permissions: ["org.view", "servers.view", "environments.view", "deployments.create", "operations.view"] });
    const keyed = (method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
      const robot = api.stranger();
      return robot.send(method, path, { body, headers: { Authorization: `Bearer ${key}` } }).finally(() => robot.close());
    };
    assert.deepEqual(((await keyed("GET", `${org}/servers`)).body as List<Server>).data.map((one) => one.id), [on.server.id]);

    // Deploying, and the way to the environment's domain.
    const shop = await world.environment(await world.project("smoke"), on.server, "smoke", { exposure: "tunnel", domains: [domain] });
    const asked = await keyed("POST", `${org}/environments/${shop.id}/deploy`);
    assert.equal(asked.status, 202, JSON.stringify(asked.body));
    await world.succeeded(asked.body as Operation, 900_000);
    await putDomain(await world.controller(), org, domain, "verified");
    const visitor = new Visitor(await world.controller(), domain);
    await poll("the domain leads to Odoo", 60_000, async () => ((await visitor.ask("/web/health")).status === 200 ? true : undefined), 300);
    const [told] = await poll("the webhook came", 60_000, async () => (receiver.came.length ? receiver.came : undefined), 50);
    assert.ok(receiver.verifies(hook.secret, told!));
    assert.equal((JSON.parse(told!.body) as { type: string }).type, "deployment.succeeded");

    // Permissions.
    const viewer = await joined(api, org, "viewer@example.org", "viewer");
    assert.equal((await viewer.api.send("GET", `${org}/environments/${shop.id}`)).status, 200);
    const refused = await viewer.api.send<Problem>("POST", `${org}/environments/${shop.id}/deploy`);
    assert.deepEqual([refused.status, refused.body.code], [403, "permission_denied"]);
    viewer.api.close();

    // A terminal, and the audit log that has all of it.
    await on.host.sh("useradd --create-home --shell /bin/bash deploy; printf 'terminal:\\n  - allow: [deploy]\\n' >>/etc/fairlead/policy.yaml; systemctl restart fairlead-link");
    await world.until("the server says whom it allows", 60_000, async () => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      return now.status === "online" && now.terminal_users.includes("deploy") ? true : undefined;
    });
    const shell = await Shell.open(api, await askFor(api, org, on.server.id, "deploy"));
    await shell.shows(/[$#] $/);
    shell.type("exit\r");
    await shell.end();
    await poll("the audit log has it", 30_000, async () => {
      const { data } = await api.get<List<{ action: string }>>(`${org}/audit?limit=200`);
      const seen = new Set(data.map((one) => one.action));
      return ["webhook.create", "api_key.create", "environment.deploy", "invitation.create", "terminal.open", "terminal.close"].every((one) => seen.has(one)) || undefined;
    }, 200);

    // The pages.
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    await page.getByRole("link", { name: /^Environments/ }).click();
    await page.getByRole("link", { name: "smoke", exact: true }).click();
    await page.getByRole("heading", { name: "smoke", exact: true }).waitFor();
    await page.getByText("Running", { exact: true }).first().waitFor();
    assert.deepEqual(web.complaints, []);
  });
});
