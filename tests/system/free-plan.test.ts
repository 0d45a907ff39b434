// What a prospect reaches on the free plan, with a real server; and that the agent's own link is all that leads to it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { connect } from "node:tls";
import type { Api, Problem } from "./lib/api.ts";
import { Names } from "./lib/names.ts";
import { build, root } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { askFor, Shell } from "./lib/terminal.ts";
import { codeOf } from "./lib/totp.ts";
import type { List, Operation, Server } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const nameserver = "127.53.9.1";
/** Where machines are bought and looked after by programs. */
const providers = [
  "api.hetzner.cloud", "robot-ws.your-server.de", "api.digitalocean.com", "ec2.amazonaws.com", "ec2.", "compute.googleapis.com", "management.azure.com",
  "api.linode.com", "api.vultr.com", "api.scaleway.com", "api.ovh.com", "api.upcloud.com", "api.contabo.com", "169.254.169.254",
];

describe("the free plan", () => {
  const names = new Names();
  const world = worldOfSuite(async () => {
    await names.start(nameserver);
    return (await world.egress({ nameserver })).settings();
  });
  let on: Enrolled, api: Api, org: string;

  before(async () => {
    on = await world.server("tried");
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "free" } });
    await on.host.sh(`
      systemctl -q enable --now ssh
      useradd --create-home --shell /bin/bash deploy
      ssh-keygen -q -t ed25519 -N '' -f /root/pair
      printf 'terminal:\\n  - allow: [deploy]\\nssh_keys:\\n  - allow: [deploy]\\n' >>/etc/fairlead/policy.yaml
      systemctl restart fairlead-link`);
    await world.until("the controller knows whom the server allows", 60_000, async () => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      const { server } = await api.get<{ server: { users: string[] } }>(`${org}/servers/${on.server.id}/ssh-keys`);
      return now.status === "online" && now.terminal_users.includes("deploy") && server.users.includes("deploy") ? true : undefined;
    });
  });
  after(() => names.stop());

  scenario(world, "lets a prospect try what guards an account and a server: second factor, sessions, SSH keys, terminal, TLS and proofs of domains [S-FREE-01]", async () => {
    // A second factor.
    const { otpauth_uri } = await api.post<{ otpauth_uri: string }>("/api/v1/account/totp");
    await api.call("POST", "/api/v1/account/totp/confirm", { body: { code: await codeOf(otpauth_uri) } });
    assert.equal((await api.get<{ second_factor: boolean }>("/api/v1/session")).second_factor, true);
    // Sessions, one of which is ended from another.
    const sessions = await api.get<List<{ id: string; current: boolean }>>("/api/v1/sessions");
    assert.ok(sessions.data.some((one) => one.current));
    // An SSH key of theirs, with which they get in.
    const body = { user: "deploy", label: "laptop", public_key: await on.host.sh("cat /root/pair.pub") };
    const { operation } = await api.call<{ operation: Operation }>("POST", `${org}/servers/${on.server.id}/ssh-keys`, { body });
    await world.succeeded(operation);
    const who = await on.host.sh("ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i /root/pair deploy@127.0.0.1 id -un");
    assert.equal(who, "deploy\n");
    // A terminal.
    const shell = await Shell.open(api, await askFor(api, org, on.server.id, "deploy"));
    await shell.shows(/[$#] $/);
    shell.type("id -un; exit\r");
    await shell.shows(/deploy\r\n/);
    await shell.end();
    // TLS, with a certificate for the very name that was asked for.
    const { address, port, name, ca } = api.endpoint;
    const socket = connect({ host: address, port, servername: name, ca });
    await once(socket, "secureConnect");
    assert.deepEqual([socket.getProtocol(), socket.authorized], ["TLSv1.3", true]);
    socket.destroy();
    // A domain's proof is looked for.
    const domain = await api.post<{ id: string; challenge: { record: { name: string; value: string } } }>(`${org}/domains`, { name: "shop.example.org" });
    names.records.set(`TXT ${domain.challenge.record.name}`, [domain.challenge.record.value]);
    await api.post(`${org}/domains/${domain.id}/check`);
    await world.until("the domain is proved", 60_000, async () => ((await api.get<{ state: string }>(`${org}/domains/${domain.id}`)).state === "verified" ? true : undefined));
    // What is not of this plan says which plan has it.
    const log = await api.send<Problem & { required_plan?: string }>("GET", `${org}/audit`);
    assert.deepEqual([log.status, log.body.code, log.body.required_plan], [403, "plan_required", "pro"]);
  });

  scenario(world, "and every other reach a server by its agent alone: no provider's interface, no way in that its owner has not opened [S-CTRL-01]", async () => {
    // What was done above came over the one connection that the agent opened.
    const controller = await world.controller();
    const lines = (await run("ss", ["-Htnp", "state", "established", "dst", on.host.ip])).stdout.split("\n").filter((line) => line.includes(`pid=${controller.pid},`));
    assert.ok(lines.length >= 1, "the link");
    for (const line of lines) assert.match(line, new RegExp(`:${controller.port}\\s+\\[?[^\\s]*${on.host.ip.replaceAll(".", "\\.")}\\]?:\\d+`), "it is the server that connected");
    // No account at a provider can be given to it, and no program of it knows where they are.
    for (const program of ["controller/fairlead-controller", "agent/fairlead-agent", "controller/egress/fairlead-egress"]) {
      const bytes = readFileSync(join(build, program));
      assert.deepEqual(providers.filter((one) => bytes.includes(one)), [], program);
    }
    assert.doesNotMatch(readFileSync(join(root, "proto/openapi.yaml"), "utf8"), /cloud_token|provider_token|cloud_account/);
    // Taken away by its owner, the agent takes all of it along.
    await on.host.sh("systemctl stop fairlead-link");
    await world.until("it is offline", 90_000, async () => ((await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "offline" ? true : undefined));
    const refused = await api.send<Problem>("POST", `${org}/servers/${on.server.id}/terminals`, { body: { user: "deploy" } });
    assert.deepEqual([refused.status, refused.body.code], [409, "server_offline"], refused.text);
  });
});
