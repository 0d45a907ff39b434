// Where code and packages come from: git over ssh and https, private and public, several repositories, pip and apt.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Host } from "./lib/host.ts";
import { demo, footprint } from "./lib/odoo.ts";
import { run } from "./lib/process.ts";
import { offerPackages, SshGit } from "./lib/ssh-git.ts";
import type { Check, Environment, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("code from private repositories", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let ssh: SshGit;
  let key: string;
  let environment: Environment;

  before(async () => {
    on = await world.server("src");
    const git = await world.git();
    ssh = await SshGit.start(join(world.dir, "ssh"), git.address);
    key = readFileSync(join(world.dir, "ssh/deploy"), "utf8");
    // The image has a client, as its sshd needs one.
    await on.host.sh("dpkg --purge openssh-server openssh-sftp-server openssh-client");
    await offerPackages(on.host, join(world.dir, "offered"), ["openssh-client", "libfido2-1", "libcbor0.8"]);
    await git.commit("shop", "v1");
    environment = await world.environment(
      await project("over ssh", [{ name: "shop", url: ssh.url(git.repository("shop")), credential_id: await credential("deploy key", `${git.address}:${ssh.port}`, "ssh_key", key) }]),
      on.server, "src");
  });
  after(() => ssh?.stop());

  async function credential(name: string, host: string, kind: string, secret: string): Promise<string> {
    const made = await (await world.api()).post<{ id: string }>(`${await world.org()}/git-credentials`, { name, host, kind, secret });
    return made.id;
  }

  async function project(name: string, addons: { name: string; url: string; credential_id?: string; branch?: string }[]): Promise<{ id: string }> {
    return (await world.api()).post(`${await world.org()}/projects`, {
      name, odoo_version: "19.0", odoo_source: { url: await (await world.git()).addOdoo(), branch: "19.0" },
      addons: addons.map((one) => ({ branch: "19.0", ...one })),
    });
  }

  async function edit(addons: unknown[]): Promise<void> {
    await (await world.api()).call("PATCH", `${await world.org()}/projects/${environment.project_id}`, { body: { addons } });
  }

  /** The check that stopped a deployment before it touched anything. */
  async function refused(): Promise<Check> {
    const was = await footprint(on.host);
    const before = await demo(on.host, environment);
    const operation = await world.finished(await world.deploy(environment));
    assert.equal(operation.state, "failed", JSON.stringify(operation));
    assert.equal(operation.error?.code, "preflight_failed");
    assert.equal(await footprint(on.host), was);
    assert.deepEqual(await demo(on.host, environment), before);
    const failed = (operation.result?.checks ?? []).filter((one) => one.result === "failed");
    assert.equal(failed.length, 1, JSON.stringify(failed));
    return failed[0]!;
  }

  /** A secret may be nowhere but in the controller's sealed store: not in any log, not in what was kept on the server. */
  async function nowhere(secret: string, operation: Operation): Promise<void> {
    // Of a key, a line of its body: how its lines end may differ.
    const needle = secret.split("\n").find((line) => line.length > 20 && !line.startsWith("-----")) ?? secret;
    assert.ok(!(await world.logOf(operation)).includes(needle), "in the operation's log");
    assert.ok(!JSON.stringify(await (await world.api()).get(`${await world.org()}/operations/${operation.id}`)).includes(needle), "in the operation");
    const controller = await world.controller();
    assert.ok(!controller.log.includes(needle), "in the controller's log");
    assert.equal((await run("grep", ["-rlF", "--", needle, controller.data], { check: false })).stdout, "");
    const found = await on.host.exec(["bash", "-c", 'grep -rlF -- "$1" /var/lib/fairlead /run/fairlead /etc/fairlead /var/log 2>/dev/null; journalctl --no-pager | grep -cF -- "$1"', "x", needle], { check: false });
    assert.equal(found.stdout.trim(), "0");
  }

  scenario(world, "come over ssh with a deploy key; the ssh client is installed where there is none", async () => {
    const operation = await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "v1");
    const git = operation.result?.checks?.find((one) => one.title.endsWith("shop"));
    assert.match(`${git?.value}`, /openssh-client is not installed; the deployment installs it/);
    assert.match(await on.host.sh("cat /var/lib/fairlead/git/known_hosts"), new RegExp(`\\[${ssh.address}\\]:${ssh.port} ssh-ed25519`));
    await nowhere(key, operation);
  });

  scenario(world, "are not asked for where the git server shows another host key; the cure that is told works", async () => {
    await (await world.git()).commit("shop", "fix");
    await ssh.restartWithNewHostKey();
    const check = await refused();
    assert.match(`${check.value}`, new RegExp(`${ssh.address} shows another host key`));
    const cure = /ssh-keygen -R '[^']+' -f \S+/.exec(`${check.remedy}`)?.[0];
    assert.ok(cure, `${check.remedy}`);
    await on.host.sh(cure.replace(`'${ssh.address}'`, `'[${ssh.address}]:${ssh.port}'`));
    await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "fix");
  });

  scenario(world, "are refused to a deploy key that the git server does not take, with what to do", async () => {
    await ssh.authorize(await ssh.newDeployKey());
    const check = await refused();
    assert.match(`${check.value}`, /refused the credential, .*ermission denied/);
    assert.match(`${check.remedy}`, /deploy key that may read this repository/);
    await ssh.authorize(key);
  });

  scenario(world, "come over https with a token that no log, no progress and no process list shows", async () => {
    const git = await world.git();
    await git.commit("private/shop", "v2");
    await edit([{ name: "shop", url: git.url("private/shop"), branch: "19.0", credential_id: await credential("token", `${git.address}:${git.port}`, "token", git.token) }]);
    const seen = await watchProcesses(on.host);
    const operation = await world.succeeded(await world.deploy(environment));
    const lines = await seen();
    assert.equal((await demo(on.host, environment)).code, "v2");
    assert.match(lines, /git.*fetch.*private\/shop/, "the watch has seen git at work");
    assert.ok(!lines.includes(git.token));
    await nowhere(git.token, operation);
  });

  scenario(world, "are refused to a wrong token and to none, by name, with the cure and without the secret", async () => {
    const git = await world.git();
    const wrong = "glpat-WRONG-and-only-for-tests";
    const repository = { name: "shop", url: git.url("private/shop"), branch: "19.0" };
    await edit([{ ...repository, credential_id: await credential("wrong", `${git.address}:${git.port}`, "token", wrong) }]);
    const seen = await watchProcesses(on.host);
    const check = await refused();
    assert.ok(!(await seen()).includes(wrong));
    assert.match(`${check.value}`, /refused the credential, https:.*private\/shop\.git: .*Authentication failed/);
    assert.match(`${check.remedy}`, /Store a token/);
    const { data } = await (await world.api()).get<{ data: Operation[] }>(`${await world.org()}/operations?limit=1`);
    await nowhere(wrong, data[0]!);

    await edit([repository]);
    assert.match(`${(await refused()).value}`, /wants a credential and none is set/);
  });

  scenario(world, "that are not there are said to be not there", async () => {
    const git = await world.git();
    await edit([{ name: "shop", url: git.url("nowhere"), branch: "19.0" }]);
    const check = await refused();
    assert.match(`${check.value}`, /shows no repository at .*nowhere/);
    assert.match(`${check.remedy}`, /Check the address/);
  });
});

describe("several repositories", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  const names = ["common", "own"];

  before(async () => {
    on = await world.server("many");
    const git = await world.git();
    await git.commit("common", "v1");
    await git.commit("own", "fix");
    await git.commit("own", "v2", "feature");
    await git.commit("common", "dies", "feature"); // a branch of that name in another repository is another thing
    const project = await (await world.api()).post<{ id: string }>(`${await world.org()}/projects`, {
      name: "many", odoo_version: "19.0", odoo_source: { url: await git.addOdoo(), branch: "19.0" },
      addons: names.map((name) => ({ name, url: git.url(name), branch: "19.0", follows_environment: name === "own" })),
    });
    environment = await world.environment(project, on.server, "many");
  });

  const patch = async (what: string, id: string, body: unknown): Promise<unknown> =>
    (await world.api()).call("PATCH", `${await world.org()}/${what}/${id}`, { body });
  const repositories = async (order: string[], follows: string[]): Promise<unknown> => {
    const git = await world.git();
    return patch("projects", environment.project_id, {
      addons: order.map((name) => ({ name, url: git.url(name), branch: "19.0", follows_environment: follows.includes(name) })),
    });
  };

  scenario(world, "with one module in common: the later one wins", async () => {
    await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "fix");
  });

  scenario(world, "an environment's own branch is that of the repository that follows it, wherever that stands", async () => {
    await repositories(["own"], ["own"]);
    await repositories(["own", "common"], ["own"]);
    await patch("environments", environment.id, { branch: "feature" });
    const operation = await world.succeeded(await world.deploy(environment));
    const release = (await world.releases(environment)).find((one) => one.state === "live");
    assert.deepEqual(release?.commits.map((one) => [one.repository, one.branch]), [["odoo", "19.0"], ["own", "feature"], ["common", "19.0"]]);
    assert.equal((await demo(on.host, environment)).code, "v1", "common stands later now");
    assert.ok(operation.id);
  });

  scenario(world, "of which none follows: an environment with its own branch says so instead of guessing", async () => {
    await repositories(["own", "common"], []);
    const answer = await (await world.api()).send<{ code: string; detail: string }>("POST", `${await world.org()}/environments/${environment.id}/deploy`);
    assert.equal(answer.status, 409);
    assert.equal(answer.body.code, "branch_follows_nothing");
    assert.match(answer.body.detail, /follows_environment/);
    await patch("environments", environment.id, { branch: null });
    await repositories(["common", "own"], ["own"]);
  });

  scenario(world, "with requirements that contradict each other are refused by pair, and the old release serves on", async () => {
    const git = await world.git();
    await git.change("common", { "requirements.txt": "idna==3.3\n" });
    await git.change("own", { "requirements.txt": "idna==3.2\n" });
    const was = await demo(on.host, environment);
    const print = await footprint(on.host);
    const operation = await world.finished(await world.deploy(environment));
    assert.equal(operation.state, "failed");
    assert.match(`${operation.error?.message}`, /contradict each other: .*idna==3\.[23].*idna==3\.[23]/);
    const check = operation.result?.checks?.find((one) => one.id === "python");
    assert.equal(check?.result, "failed");
    assert.deepEqual(await demo(on.host, environment), was);
    assert.equal(await footprint(on.host), print);
  });

  scenario(world, "with submodules: what was left out is said", async () => {
    const git = await world.git();
    await git.change("common", { "requirements.txt": "" });
    await git.change("own", { "requirements.txt": "", ".gitmodules": '[submodule "oca"]\n\tpath = oca\n\turl = https://git.example.org/oca.git\n' });
    const operation = await world.succeeded(await world.deploy(environment));
    assert.match(await world.logOf(operation), /warning .*own has submodules, which are not fetched.*repository of its own/);
  });
});

describe("where the organization lists its sources", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const name = "controller.fairlead.test"; // which the git server's certificate is good for
  let door: Server;
  after(() => void door?.close());

  scenario(world, "neither a redirect nor an address in a requirements.txt leads out of them [S-ALLOW-03]", async () => {
    const git = await world.git();
    // At the port of https, as a list has names alone.
    door = createServer((socket) => {
      const inner = connect(git.port, git.address);
      for (const each of [socket, inner]) each.on("error", () => each.destroy());
      socket.pipe(inner).pipe(socket);
    });
    await new Promise<void>((done, failed) => door.once("error", failed).listen(443, git.address, done));
    const url = (repository: string): string => `https://${name}/${repository}.git`;
    const on = await world.server("listed");
    await on.host.sh(`grep -q ' ${name}$' /etc/hosts || echo '${git.address} ${name}' >>/etc/hosts`);
    await git.addOdoo();
    await git.commit("own", "v1");
    const api = await world.api();
    const org = await world.org();
    await api.call("PUT", `${org}/security`, { body: { ...await api.get<Record<string, unknown>>(`${org}/security`), download_domains: [name] } });
    const addons = (repository: string): unknown[] => [{ name: "own", url: url(repository), branch: "19.0" }];
    const project = await api.post<{ id: string }>(`${org}/projects`, { name: "listed", odoo_version: "19.0", odoo_source: { url: url("odoo"), branch: "19.0" }, addons: addons("own") });
    const environment = await world.environment(project, on.server, "listed");
    await world.succeeded(await world.deploy(environment));
    const was = await footprint(on.host);
    /** The one check that stops a deployment, with nothing touched. */
    const stopped = async (): Promise<Check> => {
      const operation = await world.finished(await world.deploy(environment));
      assert.equal(operation.error?.code, "preflight_failed", JSON.stringify(operation));
      assert.equal(await footprint(on.host), was);
      const failed = (operation.result?.checks ?? []).filter((one) => one.result === "failed");
      assert.equal(failed.length, 1, JSON.stringify(failed));
      return failed[0]!;
    };
    for (const line of ["evil @ https://files.evil.test/evil.whl", `--extra-index-url https://${name}/simple`, "git+https://github.com/evil/evil", "-r https:\\\n//files.evil.test/r.txt"]) {
      await git.change("own", { "requirements.txt": `# from elsewhere\n${line}\n` });
      const check = await stopped();
      assert.equal(check.id, "python");
      assert.match(`${check.value}`, /lists the domains that code may come from/, line);
    }
    await git.change("own", { "requirements.txt": "# see https://example.org\nlxml>=4\n" });

    git.moved.set("/moved.git", url("own"));
    await api.call("PATCH", `${org}/projects/${project.id}`, { body: { addons: addons("moved") } });
    git.requests.length = 0;
    assert.equal((await stopped()).id, "git");
    assert.ok(git.requests.some((path) => path.startsWith("/moved.git/")));
    assert.deepEqual(git.requests.filter((path) => path.startsWith("/own.git/")), [], "the redirect was followed");

    await api.call("PATCH", `${org}/projects/${project.id}`, { body: { addons: addons("own") } });
    await world.succeeded(await world.deploy(environment));
  });
});

describe("a server without PostgreSQL, git and Python's venv", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "gets them from its distribution with the first deployment", async () => {
    const on = await world.server("plain", { image: "debian12-bare" });
    // Odoo's own Python packages, as system packages; no index of Python packages is reachable here.
    await on.host.sh(`export DEBIAN_FRONTEND=noninteractive
      apt-get -q update
      apt-get -q -y install --no-install-recommends $(sed -n 's/^Package: \\(python3-.*\\)$/\\1/p' /srv/debs/Packages | grep -v venv | sort -u)`, { timeoutMs: 300_000 });
    assert.equal((await on.host.exec(["sh", "-c", "command -v git || command -v psql || test -d /var/lib/postgresql"], { check: false })).stdout, "");
    const environment = await world.environment(await world.project("plain"), on.server, "plain");
    const operation = await world.succeeded(await world.deploy(environment), 600_000);
    assert.match(await world.logOf(operation), /Installing git python3-venv postgresql from the distribution/);
    assert.equal((await demo(on.host, environment)).code, "v1");
  }, 900_000);
});

/** Looks at every process's arguments until the returned function is called, which tells all that was seen. */
async function watchProcesses(host: Host): Promise<() => Promise<string>> {
  await host.sh(`rm -f /run/seen /run/seen-enough
    systemd-run -q --collect --unit=watch-processes bash -c 'while [ ! -e /run/seen-enough ]; do
      for f in /proc/[0-9]*/cmdline; do { tr "\\0" " " <$f; echo; } 2>/dev/null; done; done >/run/seen'`);
  return async () => host.sh(`touch /run/seen-enough
    while systemctl -q is-active watch-processes; do sleep 0.1; done
    sort -u /run/seen | grep -v "grep\\|watch-processes"`);
}
