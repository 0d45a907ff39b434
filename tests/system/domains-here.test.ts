// An environment that is exposed directly: Caddy of the distribution, configured by the agent, with certificates of a real ACME
// authority (Pebble), before a real Odoo. No controller is anywhere near.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe } from "node:test";
import { CrashPoints, type JournalRecord } from "./lib/crash.ts";
import { offer } from "./lib/debs.ts";
import { Executor, newId, type Told } from "./lib/direct.ts";
import type { Host } from "./lib/host.ts";
import { under } from "./lib/load.ts";
import { root } from "./lib/paths.ts";
import { Pebble } from "./lib/pebble.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const name = "shop.fairlead.test";
const second = "www.shop.fairlead.test";

describe("an environment that is reached by its domains at its server", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let executor: Executor;
  let host: Host;
  let pebble: Pebble;
  let spec: Record<string, unknown>;
  let number = 0;
  const slug = "shop";
  const id = newId("env");

  before(async () => {
    const git = await world.git();
    await git.commit(slug, "v1");
    host = await world.host("domains", { limit: 2 * 3600 });
    executor = await Executor.on(host);
    pebble = await Pebble.on(host, 14000, 3600);
    await offer(host, ["caddy", "libnspr4", "libnss3", "libnss3-tools", "media-types"]);
    await host.sh(`echo '127.0.0.1 ${name} ${second}' >>/etc/hosts`);
    await certificatesFrom(pebble.directory, pebble.root);
    spec = {
      id, slug, name: slug, type: "staging", odoo_version: "19.0",
      odoo: { name: "odoo", url: await git.addOdoo(), branch: "19.0" },
      addons: [{ name: "demo", url: git.url(slug), branch: "19.0" }],
      port: 8069, gevent_port: 8072, modules: ["base", "web", "fl_demo"], system_site_packages: true, keep_releases: 3,
      resources: { memory_max_bytes: 0, cpu_percent: 0, tasks_max: 0, workers: 3 }, exposure: "port", domains: [name],
    };
    good(await deploy("automatic"));
  });

  const certificatesFrom = (directory: string, root: string): Promise<void> =>
    host.write("/etc/fairlead/agent.yaml", `direct:\n  acme_ca: ${directory}\n  acme_ca_root: ${root}\n`);

  const deploy = (update = "none"): Promise<Told> =>
    executor.run("environment.deploy", { environment: spec, release: { id: newId("rel"), number: (number += 1) }, update });

  function good(told: Told): Told {
    assert.equal(told.finished?.outcome, "succeeded", `${JSON.stringify(told.finished)}\n${told.log}`);
    return told;
  }

  const curl = async (...args: string[]) => host.exec(["curl", "-sS", "-m", "30", "--cacert", pebble.issuer, ...args], { check: false });
  const serial = async (of: string) =>
    (await host.sh(`openssl s_client -connect 127.0.0.1:443 -servername ${of} </dev/null 2>/dev/null | openssl x509 -noout -serial || true`)).trim();
  const served = (of: string) => poll(`https://${of} answers with a certificate of the authority`, 90_000, async () =>
    (await curl("-f", `https://${of}/web/health`)).stdout.includes("pass") || undefined);

  /** The hosts that Caddy answers for. */
  const names = async (): Promise<string[]> => {
    const routes = await host.sh("curl -sS --unix-socket /run/fairlead-caddy/admin.sock -H 'Host;' http://localhost/config/apps/http/servers/environments/routes");
    return (JSON.parse(routes) as { match: { host: string[] }[] }[]).flatMap((route) => route.match.flatMap((one) => one.host));
  };

  /** What the deployment of another environment does at its end: it has Caddy serve what is current. */
  const publishCurrent = (): Promise<string> => host.sh(`
    python3 -c '
import json
config = json.load(open("/var/lib/fairlead/caddy/caddy.json"))
config["apps"]["http"]["servers"]["environments"]["routes"] = [json.load(open("/var/lib/fairlead/environments/${slug}/current/site.json"))]
json.dump(config, open("/srv/current.json", "w"))'
    caddy reload --config /srv/current.json --address unix//run/fairlead-caddy/admin.sock`);

  scenario(world, "is not served where another web server has the ports, and is told which", async () => {
    await host.sh("systemd-run -q --unit another-web.service python3 -m http.server 443");
    spec = { ...spec, exposure: "direct" };
    try {
      await poll("the other server listens", 30_000, async () => (await curl("http://127.0.0.1:443/")).code === 0 || undefined);
      const looked = good(await executor.run("environment.preflight", { environment: spec }));
      const check = looked.finished.result.preflight?.checks.find((one) => one.id === "web_ports");
      assert.equal(check?.result, "failed", JSON.stringify(looked.finished));
      assert.match(check.value ?? "", /port 443 is used by python3 \(another-web\.service\)/);
      const told = await deploy();
      assert.equal(told.finished.error?.code, "preflight_failed");
      assert.equal((await host.exec(["systemctl", "is-active", "another-web.service"])).stdout.trim(), "active");
    } finally {
      await host.sh("systemctl stop another-web.service");
    }
  });

  scenario(world, "answers by https with a certificate that it got by itself, and leads http there", async () => {
    const told = good(await deploy());
    assert.equal(told.steps.domains, "done");
    await served(name);
    assert.equal((await host.exec(["systemctl", "is-enabled", "caddy.service"], { check: false })).stdout.trim(), "disabled");
    const plain = await curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", `http://${name}/web/login?a=b`);
    assert.equal(plain.stdout, `308 https://${name}/web/login?a=b`);
    assert.notEqual((await curl(`https://${second}/`)).code, 0, "a name that is not the environment's");
  });

  scenario(world, "believes nobody who says to be a proxy, and knows who asks", async () => {
    const asked = await curl(
      "-f", "-H", "X-Forwarded-For: 6.6.6.6", "-H", "X-Forwarded-Host: evil.example", "-H", "X-Forwarded-Proto: http", "-H", "Forwarded: for=6.6.6.6",
      "-H", "X-Real-IP: 6.6.6.6", `https://${name}/fl_demo/who`,
    );
    assert.deepEqual(JSON.parse(asked.stdout), { code: "who", address: "127.0.0.1", scheme: "https", host: name });
  });

  scenario(world, "opens websockets, and answers no proof of a domain", async () => {
    const upgrade = await curl(
      "-i", "--http1.1", "-m", "10", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
      "-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "-H", `Origin: https://${name}`, `https://${name}/websocket?version=saas-18.5-1`,
    );
    assert.match(upgrade.stdout, /^HTTP\/1\.1 101 /);
    const spelled = JSON.parse(readFileSync(join(root, "tests/hostile/proofs.json"), "utf8")) as { path: string; proof: boolean }[];
    for (const { path, proof } of spelled) {
      const answer = await curl("--path-as-is", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", `https://${name}${path}`);
      // Odoo has a page for what it does not find.
      assert.equal(answer.stdout === "404 0", proof, `${path}: ${answer.stdout}`);
    }
  });

  scenario(world, "answers every request while a release takes the place of another [X-DEP-03]", async () => {
    await (await world.git()).commit(slug, "fix");
    const told = await under(host, { port: 443, tls: { name, ca: pebble.issuer }, slowSeconds: 5 }, async () => good(await deploy()));
    console.log(`# ${JSON.stringify(told)}`);
    for (const [client, tally] of Object.entries(told)) assert.equal(tally.failed, 0, `${client}: ${JSON.stringify(tally)}`);
    assert.ok(told.kept.reused > 10 && told.plain.codes.v1! > 0 && told.plain.codes.fix! > 0, JSON.stringify(told));
  });

  scenario(world, "goes back to its port and comes again, with the certificate that it had", async () => {
    const had = await serial(name);
    assert.match(had, /serial=/);
    spec = { ...spec, exposure: "port" };
    good(await deploy());
    assert.notEqual((await curl(`https://${name}/`)).code, 0);
    assert.equal((await host.exec(["systemctl", "is-active", "fairlead-caddy.service"], { check: false })).stdout.trim(), "inactive");
    spec = { ...spec, exposure: "direct" };
    good(await deploy());
    await served(name);
    assert.equal(await serial(name), had);
    // By a rollback the exposure of that release comes back too.
    good(await executor.run("environment.rollback", { environment_id: id, slug, release: { id: newId("rel"), number: number - 1 }, database: "keep" }));
    assert.notEqual((await curl(`https://${name}/`)).code, 0);
    // Unless root does not want that any more.
    await host.sh("sed -i 's/allow: .port, tunnel, direct./allow: [port, tunnel]/' /etc/fairlead/policy.yaml; grep -q 'allow: .port, tunnel.$' /etc/fairlead/policy.yaml");
    const refused = await executor.run("environment.rollback", { environment_id: id, slug, release: { id: newId("rel"), number }, database: "keep" });
    assert.equal(refused.finished.error?.code, "policy_refused", JSON.stringify(refused.finished));
    assert.notEqual((await curl(`https://${name}/`)).code, 0);
    await host.sh("sed -i 's/allow: .port, tunnel.$/allow: [port, tunnel, direct]/' /etc/fairlead/policy.yaml");
    good(await deploy());
    await served(name);
  });

  scenario(world, "keeps what it served when a deployment with other domains fails", async () => {
    await certificatesFrom(pebble.directory, "/srv/missing.pem");
    spec = { ...spec, domains: [name, second] };
    const told = await deploy();
    await certificatesFrom(pebble.directory, pebble.root);
    assert.equal(told.finished.outcome, "failed", JSON.stringify(told.finished));
    assert.equal(told.finished.error?.code, "caddy_failed");
    assert.match(told.finished.error.message, /missing\.pem/);
    await served(name);
    assert.notEqual((await curl(`https://${second}/`)).code, 0);
  });

  scenario(world, "has a name that no other environment of the server is let have", async () => {
    const looked = good(await executor.run("environment.preflight", {
      environment: { ...spec, id: newId("env"), slug: "other", name: "other", port: 8169, gevent_port: 8172, domains: ["other.fairlead.test", name] },
    }));
    const check = looked.finished.result.preflight?.checks.find((one) => one.id === "dns");
    assert.equal(check?.result, "failed", JSON.stringify(looked.finished));
    assert.equal(check.value, `${name} is served for the environment ${slug}`);
    assert.match(check.remedy ?? "", /Deploy shop first without that name/);
  });

  scenario(world, "is looked at before a deployment with settings of certificates that nobody can read", async () => {
    await host.write("/etc/fairlead/agent.yaml", "direct:\n  acme_ca: ftp://x\n");
    const told = await deploy();
    await certificatesFrom(pebble.directory, pebble.root);
    assert.equal(told.finished.error?.code, "preflight_failed", JSON.stringify(told.finished));
    assert.match(told.finished.error.message, /agent\.yaml line 2/);
    await served(name);
  });

  scenario(world, "is served by its old names or its new ones when the executor is killed as they change", async () => {
    const crash = await CrashPoints.on(host);
    spec = { ...spec, domains: [name] };
    await crash.arm(0);
    const records = await crash.records(good(await deploy()).begun);
    const changing = records.filter((one) => one.step === "domains");
    const current = (): Promise<string> => host.sh(`cat /var/lib/fairlead/environments/${slug}/current/site.json`);
    /** Kills at a record; false where the deployment has ended before it: the journal holds some records more or fewer each time. */
    const killedAt = async (point: JournalRecord): Promise<boolean> => {
      spec = { ...spec, domains: [name, second] };
      await crash.arm(point.number);
      const { id: operation, told } = await executor.begin("environment.deploy", {
        environment: spec, release: { id: newId("rel"), number: (number += 1) }, update: "none",
      });
      let at = await crash.reached(told);
      const early = point.step === "health";
      while (at && early && !(await current()).includes(second)) {
        await crash.next(at + 1);
        await crash.release();
        at = await crash.reached(told);
      }
      if (at && early) {
        await publishCurrent();
        assert.deepEqual(await names(), [name, second]);
      }
      if (at) await host.sh("systemctl kill -s KILL fairlead-executor.service");
      await told.catch(() => undefined);
      const { outcome, note } = (await executor.follow(operation)).finished;
      console.log(`# killed at ${at}, expected ${point.number}: ${outcome}, ${note}`);
      if (at && early) assert.equal(outcome, "failed", note);
      assert.deepEqual(await names(), outcome === "succeeded" ? [name, second] : [name], note);
      await served(name);
      spec = { ...spec, domains: [name] };
      await crash.arm(0);
      good(await deploy());
      assert.deepEqual(await names(), [name]);
      return at !== undefined;
    };
    try {
      for (const point of [records.find((one) => one.step === "health")!, changing[0]!, changing.at(-1)!]) {
        let less = 0;
        while (!(await killedAt({ ...point, number: point.number - less }))) assert.ok((less += 1) <= 5, `no record ${point.number}`);
      }
    } finally {
      await crash.disarm();
    }
    spec = { ...spec, domains: [name, second] };
  });

  scenario(world, "has its certificate renewed with no controller and no agent at work", async () => {
    pebble = await Pebble.on(host, 14100, 45);
    await certificatesFrom(pebble.directory, pebble.root);
    good(await deploy());
    await served(second);
    const first = await serial(second);
    assert.match(first, /serial=/);
    // Caddy looks every ten minutes; the test has not the time.
    await host.sh(`
      systemctl stop fairlead-executor.socket fairlead-executor.service
      curl -sS --unix-socket /run/fairlead-caddy/admin.sock -H 'Host;' -H 'Content-Type: application/json' -X POST http://localhost/config/apps/tls/automation/renew_interval -d '"3s"'`);
    try {
      const renewed = await poll("another certificate is shown", 120_000, async () => {
        const now = await serial(second);
        return now && now !== first ? now : undefined;
      }, 500);
      assert.match(renewed, /serial=/);
      assert.equal((await curl("-f", `https://${second}/web/health`)).code, 0);
    } finally {
      await host.sh("systemctl start fairlead-executor.socket");
    }
  });

  scenario(world, "is deleted although Caddy cannot be told, which goes with the agent", async () => {
    const ghost = "/var/lib/fairlead/environments/ghost";
    await host.sh(`mkdir -p ${ghost}/current; echo '{' >${ghost}/current/site.json`);
    const told = good(await executor.run("environment.delete", { environment_id: id, slug, drop_data: true }));
    assert.match(told.log, /Caddy goes on answering .* site\.json of the environment ghost cannot be read/);
    assert.notEqual(await host.sh("ss -Htln 'sport = :443'"), "");
    await host.sh(`rm -r ${ghost}; bash /srv/agent/remove`);
    assert.equal(await host.sh("ss -Htln 'sport = :443 or sport = :80'"), "");
    assert.equal(await host.sh("ls -d /etc/systemd/system/fairlead-caddy.service /var/lib/fairlead/caddy /var/lib/fairlead-caddy /var/lib/private/fairlead-caddy 2>/dev/null || true"), "");
    assert.notEqual((await host.sh("command -v caddy")).trim(), "", "the distribution's package stays");
  });
});
