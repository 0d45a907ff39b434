// Who and what reaches where: an Odoo database through the controller, the volume that data lies on, and the network that the programs dial.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join as path } from "node:path";
import { after, before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { Controller } from "./lib/controller.ts";
import { fillOrg } from "./lib/fill.ts";
import { built, root } from "./lib/paths.ts";
import { join, ownOrg, withKey } from "./lib/people.ts";
import { ended, run } from "./lib/process.ts";
import { type Contract, listRoutes } from "./lib/schema.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

/**
 * Routes behind which a server does something to an Odoo database. All that they let a person do is to migrate it, start, stop or put
 * it back, or to sign in as who its server's root has named; no route reads a record out of one for the controller, or writes one.
 */
const reaching: Record<string, string> = {
  "POST /api/v1/orgs/{org}/environments/{environment}/deploy": "makes it, and migrates it with the code of the project",
  "POST /api/v1/orgs/{org}/environments/{environment}/rollback": "puts its snapshot back where that is asked for",
  "POST /api/v1/orgs/{org}/environments/{environment}/start": "starts what serves it",
  "POST /api/v1/orgs/{org}/environments/{environment}/stop": "stops what serves it",
  "POST /api/v1/orgs/{org}/environments/{environment}/restart": "both",
  "DELETE /api/v1/orgs/{org}/environments/{environment}": "drops it",
  "POST /api/v1/orgs/{org}/environments": "decides with which modules and code it will be made",
  "PATCH /api/v1/orgs/{org}/environments/{environment}": "the same, from the next deployment on",
  "PUT /api/v1/orgs/{org}/environments/{environment}/variables/{name}": "sets what its Odoo is started with",
  "DELETE /api/v1/orgs/{org}/environments/{environment}/variables/{name}": "the same",
  "POST /api/v1/orgs/{org}/projects": "decides what code runs on it",
  "PATCH /api/v1/orgs/{org}/projects/{project}": "the same",
  "POST /api/v1/orgs/{org}/servers/{server}/found-environments/{environment}/adopt": "makes one reachable by all of these",
  "PUT /api/v1/orgs/{org}/environments/{environment}/backup-policy": "decides which bucket copies of it go to",
  "POST /api/v1/orgs/{org}/environments/{environment}/backups": "sends an encrypted copy to the organization's bucket",
  "POST /api/v1/orgs/{org}/environments/{environment}/drill": "restores one beside it, looks, and takes it away",
  "POST /api/v1/orgs/{org}/environments/{environment}/clone": "puts a copy of it in place of another one",
  "POST /api/v1/orgs/{org}/backups/{backup}/restore": "puts a backup in its place",
  "POST /api/v1/orgs/{org}/backups/{backup}/drill": "restores it beside the environment",
  "POST /api/v1/orgs/{org}/environments/{environment}/imports": "looks at a database from elsewhere, beside it",
  "POST /api/v1/orgs/{org}/environments/{environment}/imports/{import}/run": "puts that in its place",
  "POST /api/v1/orgs/{org}/servers/{server}/terminals": "opens a shell on its server, as a user that the server's root has named",
  "POST /api/v1/orgs/{org}/servers/{server}/ssh-keys": "lets somebody log in to its server, as a user that the server's root has named",
  "POST /api/v1/orgs/{org}/servers/{server}/ssh-keys/{ssh_key}/rotate": "the same, by another key",
  "POST /api/v1/orgs/{org}/environments/{environment}/odoo/users": "lists whom one can sign in as, sealed for the page that asks",
  "POST /api/v1/orgs/{org}/environments/{environment}/odoo/login": "signs in as a user that the server's root has named, once",
  // The hook itself asks for no session: whoever has the secret that these hand out deploys, and push.test.ts shows that nobody else does.
  "POST /api/v1/orgs/{org}/environments/{environment}/push-deploy": "hands out what deploys it",
  "PATCH /api/v1/orgs/{org}/environments/{environment}/push-deploy": "decides which pushes do",
  "POST /api/v1/orgs/{org}/environments/{environment}/push-deploy/rotate": "hands it out anew",
};

/** Routes about the same things that do not. A new one has to be put into one of the two lists. */
const harmless = new Set([
  "DELETE /api/v1/orgs/{org}/projects/{project}", "POST /api/v1/orgs/{org}/environments/{environment}/preflight", "POST /api/v1/orgs/{org}/operations/{operation}/cancel",
  "POST /api/v1/orgs/{org}/environments/{environment}/backup-policy/preview", "DELETE /api/v1/orgs/{org}/backups/{backup}",
  "DELETE /api/v1/orgs/{org}/environments/{environment}/imports/{import}", "DELETE /api/v1/orgs/{org}/environments/{environment}/push-deploy",
  // Who comes by Cloudflare's tunnel is a visitor of Odoo, as through every other exposure.
  "PUT /api/v1/orgs/{org}/environments/{environment}/connector-token", "DELETE /api/v1/orgs/{org}/environments/{environment}/connector-token",
  // What was captured lies beside it.
  "PUT /api/v1/orgs/{org}/environments/{environment}/mail-settings", "DELETE /api/v1/orgs/{org}/environments/{environment}/mail",
  "DELETE /api/v1/orgs/{org}/environments/{environment}/mail/{message}",
]);

describe("what is reached", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n  key_writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  let owner: Api, org: string;
  before(async () => {
    owner = await world.api();
    org = await world.org();
  });

  scenario(world, "a database, by nobody but invited members whose role lets them change environments [S-PRIV-05]", async () => {
    const contract = await owner.get<Contract>("/api/v1/openapi.json");
    const routes = listRoutes(contract);
    const permissions = (await owner.get<{ data: { code: string; least_role: string }[] }>("/api/v1/permissions")).data;
    const of = (route: string) => routes.find((one) => `${one.method} ${one.path}` === route);
    const unsorted = routes.map((one) => `${one.method} ${one.path}`)
      .filter((one) => !one.startsWith("GET ") && /\/(environments|operations|projects|found-environments|backups)/.test(one) && !(one in reaching) && !harmless.has(one) && !/\/members\//.test(one));
    assert.deepEqual(unsorted, [], "does it reach a database?");

    const ids = await fillOrg(owner, org);
    const fill = (route: string): [string, string] => {
      const [method, plain] = route.split(" ") as [string, string];
      return [method, plain.replaceAll(/\{(\w+)\}/g, (_, name: string) => (name === "name" ? "NAME" : ids[name] ?? "missing"))];
    };
    const viewer = await join(owner, org, "viewer@example.org", "viewer");
    const roleless = await join(owner, org, "none@example.org", "none");
    const left = await join(owner, org, "left@example.org", "admin");
    await ownOrg(left.api, "Elsewhere"); // an owner, of something else
    await owner.call("DELETE", `${org}/members/${left.user}`);
    const developer = await join(owner, org, "dev@example.org", "developer");
    const elsewhere = await owner.post<{ id: string }>(`${org}/projects`, { name: "Another", odoo_version: "19.0", odoo_source: { url: "https://git.example.org/o.git", branch: "19.0" } });
    const limited = await join(owner, org, "limited@example.org", "developer", { projects: [elsewhere.id] });
    const reads = await withKey(owner, org, "ro", permissions.map((one) => one.code));
    const sends = await withKey(owner, org, "rw", permissions.filter((one) => one.least_role === "viewer").map((one) => one.code));
    const byKey = (key: string) => (method: string, to: string): Promise<Answer<Problem>> => owner.stranger().send<Problem>(method, to, { body: { no_such: true }, headers: { Authorization: `Bearer ${key}` } });
    const byPerson = (api: Api) => (method: string, to: string): Promise<Answer<Problem>> => api.send<Problem>(method, to, { body: { no_such: true } });
    const refused: [string, number[], (method: string, to: string) => Promise<Answer<Problem>>][] = [
      ["signed out", [401], byPerson(owner.stranger())],
      ["a member who left", [404], byPerson(left.api)],
      ["a viewer", [403], byPerson(viewer.api)],
      ["a member without a role", [403], byPerson(roleless.api)],
      ["a read-only key with everything", [403], byKey(reads.key)],
      ["a key with all that viewers may", [403], byKey(sends.key)],
    ];
    for (const route of Object.keys(reaching)) {
      const listed = of(route);
      assert.ok(listed, `${route} is not in the contract any more`);
      const permission = permissions.find((one) => one.code === listed.route["x-permission"]);
      assert.ok(permission && permission.least_role !== "viewer", `${route} needs ${listed.route["x-permission"]}`);
      const [method, to] = fill(route);
      for (const [who, statuses, ask] of refused) {
        const answer = await ask(method, to);
        assert.ok(statuses.includes(answer.status), `${who}: ${route}: ${answer.status} ${answer.text.slice(0, 200)}`);
      }
      if (to.includes(ids.environment!)) {
        const outside = await byPerson(limited.api)(method, to);
        assert.ok([403, 404].includes(outside.status) || outside.body.code === "validation_failed", `a developer of another project: ${route}: ${outside.text.slice(0, 200)}`);
      }
    }
    const wrong = await limited.api.send("POST", `${org}/environments/${ids.environment}/deploy`, { body: {} });
    assert.equal(wrong.status, 404, "a developer of another project");
    const right = await developer.api.send("POST", `${org}/environments/${ids.environment}/deploy`, { body: {} });
    assert.equal(right.status, 202, right.text);
  });

  scenario(world, "an unencrypted volume: the controller says so when it starts, and its documents say what to do [S-ENC-01]", async () => {
    const warnings = (log: string): string[] => log.split("\n").filter((line) => /volume/.test(line));
    // A disk of its own with a file system, as a plain cloud volume is; and one of which nobody can tell.
    const dir = path(world.dir, "volumes");
    mkdirSync(dir);
    const seen: [string, RegExp][] = [["disk", /on a volume that is not encrypted/], ["memory", /volume is encrypted cannot be told/]];
    for (const [kind, expected] of seen) {
      const mount = path(dir, kind);
      mkdirSync(mount);
      let device = "";
      if (kind === "disk") {
        await run("truncate", ["-s", "128M", path(dir, "disk.img")]);
        await run("mkfs.ext4", ["-q", path(dir, "disk.img")]);
        device = (await run("losetup", ["--show", "-f", path(dir, "disk.img")])).stdout.trim();
        await run("mount", [device, mount]);
      } else {
        await run("mount", ["-t", "tmpfs", "-o", "size=64M", "tmpfs", mount]);
      }
      try {
        const controller = await Controller.init(path(mount, "fairlead"));
        await controller.start();
        await controller.stop();
        const said = warnings(controller.log);
        assert.equal(said.length, 1, controller.log);
        assert.match(said[0]!, expected);
        assert.match(said[0]!, /LUKS/);
      } finally {
        await run("umount", [mount]);
        if (device) await run("losetup", ["-d", device]);
      }
    }
    for (const document of ["SECURITY.md", "controller/README.md"]) {
      assert.match(readFileSync(path(root, document), "utf8").replaceAll(/\s+/g, " "), /encrypted volume/, document);
    }
  });

  describe("by the programs", () => {
    let recorder: ChildProcess | undefined;
    after(() => recorder?.kill("SIGINT"));

    scenario(world, "nothing but controller, git server and packages: no provider's API is in the product, and none is dialled [S-GEN-07]", async () => {
      // In what is built: machines' metadata, and the APIs by which servers, disks and DNS are bought and changed.
      const apis = /169\.254\.169\.254|metadata\.google\.internal|(ec2|iam|sts|route53)[.a-z0-9-]*\.amazonaws\.com|api\.hetzner\.cloud|dns\.hetzner\.com|api\.digitalocean\.com|compute\.googleapis\.com|management\.azure\.com|(eu|ca|us)\.api\.ovh\.com|api\.vultr\.com|api\.linode\.com|ecs[.a-z0-9-]*\.aliyuncs\.com|api\.cloudflare\.com/gi;
      // (The console is compressed in the controller, so its files are looked at as they were before.)
      const console = path(root, "controller/console/dist");
      const files = [built("controller/fairlead-controller"), built("agent/fairlead-agent"), ...readdirSync(console, { recursive: true }).map((name) => path(console, String(name))).filter((file) => statSync(file).isFile())];
      assert.ok(files.some((file) => file.endsWith(".js")), files.join(" "));
      // The operator's own edge is asked for, where its configuration names a zone there; a customer's account is not.
      const operators = (file: string, api: string): boolean => file === built("controller/fairlead-controller") && api === "api.cloudflare.com";
      for (const file of files) {
        const found = [...readFileSync(file, "latin1").matchAll(apis)].map(([api]) => api).filter((api) => !operators(file, api));
        assert.deepEqual(found, [], `${file} names them`);
      }

      // What they dial while a server enrols and an environment is deployed: the server's kernel writes down each new connection, and
      // strace those of the controller.
      const controller = await world.controller();
      const git = await world.git();
      const calls = path(world.dir, "calls");
      recorder = spawn("strace", ["-f", "-e", "trace=connect", "-e", "signal=none", "-o", calls, "-p", String(controller.pid)], { stdio: "ignore" });
      const over = ended(recorder);
      await poll("strace is there", 10_000, async () => (/TracerPid:\s*[1-9]/.test(readFileSync(`/proc/${controller.pid}/status`, "utf8")) ? true : undefined));

      const host = await world.host("dials");
      await host.sh(`nft add table inet dialled
        nft 'add set inet dialled tcp4 { type ipv4_addr . inet_service; flags dynamic; }'
        nft 'add set inet dialled udp4 { type ipv4_addr . inet_service; flags dynamic; }'
        nft 'add set inet dialled any6 { type ipv6_addr; flags dynamic; }'
        nft 'add chain inet dialled out { type filter hook output priority 0; }'
        nft add rule inet dialled out oif lo accept
        nft add rule inet dialled out ct state new meta l4proto tcp ip protocol tcp add @tcp4 '{ ip daddr . tcp dport }'
        nft add rule inet dialled out ct state new ip protocol udp add @udp4 '{ ip daddr . udp dport }'
        nft add rule inet dialled out ip6 daddr != ff00::/8 ip6 daddr != fe80::/10 add @any6 '{ ip6 daddr }'`);
      const { server } = await world.enrol(host);
      const project = await world.project("dials");
      const environment = await world.environment(project, server, "dials");
      await world.succeeded(await world.deploy(environment));
      await world.succeeded(await world.act(environment, "restart"));
      const set = async (name: string): Promise<string[]> => {
        const said = JSON.parse(await host.sh(`nft -j list set inet dialled ${name}`)) as { nftables: { set?: { elem?: ({ concat: [string, number] } | string)[] } }[] };
        return (said.nftables.find((one) => one.set)?.set?.elem ?? []).map((one) => (typeof one === "string" ? one : one.concat.join(":"))).sort();
      };
      const endpoint = await controller.endpoint();
      assert.deepEqual(await set("tcp4"), [`${endpoint.address}:${controller.port}`, `${git.address}:${git.port}`].sort());
      const asked = (await set("udp4")).filter((one) => !one.endsWith(":53")); // names are asked of the server's own resolver
      assert.deepEqual(asked, []);
      assert.deepEqual(await set("any6"), []);

      recorder.kill("SIGINT");
      await over;
      recorder = undefined;
      const dialled = readFileSync(calls, "utf8").split("\n").filter((line) => /sa_family=AF_INET6?/.test(line));
      assert.deepEqual(dialled, [], "the controller dials nobody: agents and people come to it");
    }, 900_000);
  });
});
