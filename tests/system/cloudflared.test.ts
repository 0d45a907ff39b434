// Environments behind servers that let nothing in, reached through Cloudflare by its own connector: stand-ins of the connector and of
// Cloudflare's end of it (lib/cloudflared.ts), the agent and a real Odoo.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { TunnelEdge } from "./lib/cloudflared.ts";
import { controllerAddress } from "./lib/host.ts";
import { root } from "./lib/paths.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const name = "shop.cloudflared.test";

describe("an environment that is reached by cloudflared (stand-in)", () => {
  const world = worldOfSuite();
  let on: Enrolled;
  let environment: Environment;
  let edge: TunnelEdge;
  let token: string;
  let unit: string;

  before(async () => {
    edge = await TunnelEdge.start(await controllerAddress());
    token = edge.newToken();
    on = await world.server("connector", { limit: 2 * 3600 });
    environment = await world.environment(await world.project("connector"), on.server, "connector", { exposure: "cloudflared", domains: [name] });
    unit = `fairlead-cloudflared@${environment.slug}.service`;
    edge.service.port = environment.port;
    // Nothing comes in from now on but answers to what the server itself began.
    await on.host.sh(`nft add table inet shut
      nft 'add chain inet shut in { type filter hook input priority 0; policy drop; }'
      nft add rule inet shut in iif lo accept
      nft add rule inet shut in ct state established,related accept`);
  });
  after(() => edge?.stop());

  const setToken = async (value: string): Promise<{ tunnel_id: string }> =>
    (await world.api()).call<{ tunnel_id: string }>("PUT", `${await world.org()}/environments/${environment.id}/connector-token`, { body: { token: value } });
  const edit = async (body: unknown): Promise<unknown> => (await world.api()).call("PATCH", `${await world.org()}/environments/${environment.id}`, { body });
  const deploy = async (body?: unknown): Promise<Operation> => world.finished(await world.deploy(environment, body), 900_000);
  const deployed = async (body?: unknown): Promise<Operation> => world.succeeded(await world.deploy(environment, body), 900_000);
  // A migration stops Odoo meanwhile.
  const unmigrated = { update: "none" };
  const active = async (of = unit): Promise<string> => (await on.host.exec(["systemctl", "is-active", of], { check: false })).stdout.trim();
  const connector = async (): Promise<string> => (await world.look(environment)).connector.state;
  const served = (): Promise<true> => poll("it answers", 30_000, async () => ((await edge.visit(name, "/web/health")).status === 200 ? true : undefined));

  /** What a visitor gets who goes on asking meanwhile. */
  async function asking<T>(work: () => Promise<T>): Promise<{ done: T; codes: Record<number, number> }> {
    const codes: Record<number, number> = {};
    let over = false;
    const visits = (async () => {
      while (!over) {
        const { status } = await edge.visit(name, "/web/health").catch(() => ({ status: 0 }));
        codes[status] = (codes[status] ?? 0) + 1;
        await new Promise((next) => setTimeout(next, 100));
      }
    })();
    try {
      return { done: await work(), codes };
    } finally {
      over = true;
      await visits;
    }
  }

  scenario(world, "is not begun without a token, without the policy's word or without the program", async () => {
    const api = await world.api();
    const refused = await api.send("POST", `${await world.org()}/environments/${environment.id}/deploy`);
    assert.equal(refused.status, 409);
    assert.match(refused.text, /no_connector_token/);
    assert.equal((await setToken(token)).tunnel_id, edge.tunnel);
    assert.doesNotMatch(JSON.stringify(await world.look(environment)), new RegExp(token.slice(0, 40)));

    const forbidden = await deploy();
    assert.equal(forbidden.error?.code, "policy_refused", JSON.stringify(forbidden));
    assert.match(forbidden.error?.message ?? "", /reached by "cloudflared"/);
    await on.host.sh("sed -i 's/allow: .port, tunnel, direct./allow: [port, tunnel, direct, cloudflared]/' /etc/fairlead/policy.yaml; grep -q 'direct, cloudflared' /etc/fairlead/policy.yaml");

    const looked = await world.succeeded(await world.act(environment, "preflight"));
    const check = looked.result?.checks?.find((one) => one.id === "cloudflared");
    assert.equal(check?.result, "failed", JSON.stringify(looked.result));
    assert.match(check.remedy ?? "", /Cloudflare's own package repository/);
    assert.equal((await deploy()).error?.code, "preflight_failed");
    await edge.install(on.host);
  });

  scenario(world, "people come through Cloudflare to an Odoo on a server that lets nothing in [S-TUN-01]", async () => {
    const told = await deployed();
    assert.equal(told.steps.find((one) => one.name === "domains")?.state, "done");
    assert.equal(await connector(), "connected");
    assert.equal((await world.look(environment)).url, `https://${name}`);
    const seen = await edge.visit(name, "/fl_demo/who");
    assert.deepEqual(JSON.parse(seen.text), { code: "who", address: "203.0.113.7", scheme: "https", host: name });
    assert.equal((await edge.visit(name, "/web/login")).status, 200);
    assert.equal((await on.host.sh("systemctl is-enabled " + unit)).trim(), "enabled");
    const listening = (await on.host.sh("ss -Htlnp")).split("\n").filter((line) => /cloudflared|python|odoo/.test(line));
    assert.ok(listening.some((line) => line.includes("cloudflared")), "the connector's own port");
    for (const line of listening) assert.match(line, / 127\.0\.0\.\d+:\d+ /, line);
  });

  scenario(world, "its token is for its own process, and stands in no command line, environment or log", async () => {
    const pid = (await on.host.sh(`systemctl show -P MainPID ${unit}`)).trim();
    const { s: secret } = JSON.parse(Buffer.from(token, "base64").toString()) as { s: string };
    const shown = await on.host.sh(`ps axeww; tr '\\0' '\\n' </proc/${pid}/cmdline; tr '\\0' '\\n' </proc/${pid}/environ; systemctl show ${unit}; systemctl cat ${unit}; journalctl --no-pager`);
    for (const text of [token, secret]) assert.ok(!shown.includes(text));
    assert.equal((await on.host.sh(`stat -L -c '%a %U' /var/lib/fairlead/environments/${environment.slug}/connector-token`)).trim(), "600 root");
    const kept = (await on.host.sh(`grep -rlF '${token}' /var/lib/fairlead /run/credentials /etc /tmp 2>/dev/null || true`)).trim().split("\n");
    assert.ok(kept.length >= 1);
    for (const file of kept) assert.match(file, /^\/var\/lib\/fairlead\/environments\/[a-z-]+\/releases\/\d+\/connector-token$|^\/var\/lib\/fairlead\/environments\/[a-z-]+\/connector-token$|^\/run\/credentials\/fairlead-cloudflared@/, file);
    assert.notEqual((await on.host.exec(["runuser", "-u", "nobody", "--", "cat", `/run/credentials/${unit}/token`], { check: false })).code, 0);
    assert.notEqual((await on.host.sh(`ps -o user= -p ${pid}`)).trim(), "root");
  });

  scenario(world, "answers every request while a release takes the place of another [X-DEP-03]", async () => {
    await (await world.git()).commit("connector", "fix");
    const { codes } = await asking(() => deployed(unmigrated));
    assert.deepEqual(Object.keys(codes), ["200"], JSON.stringify(codes));
    assert.ok(codes[200]! > 20, JSON.stringify(codes));
  });

  scenario(world, "a token that Cloudflare does not take fails the deployment, and cuts nobody off", async () => {
    await setToken(edge.tokenOf("bm90IHRoZSBzZWNyZXQ="));
    assert.deepEqual((await world.look(environment)).pending_changes.map((one) => one.field), ["connector_token"]);
    const { done, codes } = await asking(() => deploy(unmigrated));
    assert.equal(done.error?.code, "cloudflared_not_connected", JSON.stringify(done.error));
    assert.match(await world.logOf(done), /Unauthorized: Invalid tunnel secret/);
    assert.deepEqual(Object.keys(codes), ["200"], JSON.stringify(codes));
    assert.equal(await active(), "active");
    assert.equal(await on.host.sh("systemctl list-units --all --plain --no-legend 'fairlead-cloudflared-trial@*'"), "");
  });

  scenario(world, "another token takes the place of the first without a gap, and older code is reached by it", async () => {
    const before = (await world.look(environment)).current_release!;
    const next = edge.newToken();
    await setToken(next);
    const { codes } = await asking(() => deployed(unmigrated));
    assert.deepEqual(Object.keys(codes), ["200"], JSON.stringify(codes));
    edge.keepOnly(next);
    token = next;
    await served();
    await world.succeeded(await world.act(environment, "rollback", { release_id: before.id, database: "keep" }), 600_000);
    assert.equal((await world.look(environment)).current_release?.number, before.number);
    await served();
    assert.equal(await connector(), "connected");
  });

  scenario(world, "a connection that is lost is told, and so is that it is back", async () => {
    const back = await edge.fail();
    const told = (word: string): Promise<true> => world.until(`the connector is ${word}`, 120_000, async () => ((await connector()) === word ? true : undefined));
    try {
      await told("disconnected");
      assert.equal((await world.look(environment)).status, "running");
    } finally {
      await back();
    }
    await told("connected");
    await served();
  });

  scenario(world, "a cloudflared from before 2025.4.0 gets its token too", async () => {
    await edge.install(on.host, false);
    await on.host.sh(`systemctl restart ${unit}`);
    await served();
    assert.ok(!(await on.host.sh("ps axww")).includes(token));
    await edge.install(on.host);
    await on.host.sh(`systemctl restart ${unit}`);
    await served();
  });

  scenario(world, "goes with its exposure, comes back by a rollback, and nothing is left of it in the end", async () => {
    const left = (): Promise<string> => on.host.sh(`
      systemctl list-units --all --plain --no-legend 'fairlead-cloudflared*'
      ls -d /etc/systemd/system/multi-user.target.wants/fairlead-cloudflared* /etc/systemd/system/fairlead-cloudflared*.d \\
        /var/lib/fairlead/environments/${environment.slug}/connector-* 2>/dev/null || true`);
    const connected = (await world.look(environment)).current_release!;
    await edit({ exposure: "port" });
    await deployed();
    assert.equal(await left(), "");
    assert.equal((await edge.visit(name, "/web/health")).status, 530);
    assert.equal(await connector(), "none");
    await world.succeeded(await world.act(environment, "rollback", { release_id: connected.id, database: "keep" }), 600_000);
    await served();
    assert.equal(await connector(), "connected");
    const gone = await (await world.api()).call<Operation>("DELETE", `${await world.org()}/environments/${environment.id}?drop_data=true`, { headers: { "X-Confirm": encodeURIComponent(environment.name) } });
    await world.succeeded(gone);
    assert.equal(await left(), "");
    await on.host.copy(`${root}/packaging/agent/remove`, "/srv/remove");
    await on.host.sh("bash /srv/remove");
    assert.equal(await on.host.sh("ls -d /etc/systemd/system/fairlead-cloudflared* 2>/dev/null || true"), "");
    assert.equal((await on.host.sh("command -v cloudflared")).trim(), "/usr/bin/cloudflared", "the program is root's own");
  });
});
