// The agent updates itself: what is signed and new comes, what does not work goes back by itself, and wherever the power is cut an
// agent is there afterwards. Roll-outs by stages on real servers.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { AgentPackages, mute, novelSocket, script } from "./lib/agent-packages.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import type { Host } from "./lib/host.ts";
import type { List, Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Rollout {
  id: string;
  state: "running" | "paused" | "stopped" | "succeeded" | "cancelled";
  reason: string | null;
  stage: number;
  servers: { server_name: string; state: string; operation_id: string | null; problem: string | null }[];
}

describe("an agent that updates itself", () => {
  const world = worldOfSuite();
  world.patienceMs = 900_000; // each try of a broken agent takes its minute
  let canary: Enrolled;
  let other: Enrolled;
  let packages: AgentPackages;
  let web: Web | undefined;
  after(() => web?.close());

  before(async () => {
    packages = await AgentPackages.servedBy(await world.controller(), `${world.dir}/agent-packages`);
    await world.signInAgain();
    canary = await world.server("canary", { limit: 3 * 3600 });
    other = await world.server("other", { limit: 3 * 3600 });
    await (await world.api()).call("PATCH", `${await world.org()}/servers/${canary.server.id}`, { body: { labels: { ring: "canary" } } });
  });

  async function update(on: Enrolled): Promise<Operation> {
    return (await world.api()).post(`${await world.org()}/servers/${on.server.id}/update-agent`);
  }

  /** Updates and expects this code of failure. */
  async function refused(on: Enrolled, code: string, words: RegExp): Promise<Operation> {
    const end = await world.finished(await update(on), 400_000);
    assert.equal(end.state, "failed");
    assert.equal(end.error?.code, code, end.error?.message);
    assert.match(end.error.message, words);
    return end;
  }

  /** Both halves are of this version, connected, and nothing of an update is under way. */
  async function isWell(on: Enrolled, version: string): Promise<void> {
    await world.until(`${on.host.name} is online with ${version}`, 120_000, async (api, org) => {
      const now = await api.get<Server>(`${org}/servers/${on.server.id}`);
      return now.status === "online" && now.agent.version === version ? now : undefined;
    });
    assert.equal((await on.host.sh("dpkg-query -W -f '${db:Status-Status} ${Version}' fairlead-agent")).trim(), `installed ${version}`);
    assert.equal((await on.host.sh("fairlead-agent version")).trim(), version);
    await poll("the unit of the update is gone", 60_000, async () => {
      const there = await on.host.exec(["test", "-e", "/etc/systemd/system/fairlead-update.service"], { check: false });
      return there.code === 1 ? true : undefined;
    });
    // The executor works.
    await world.succeeded(await (await world.api()).post(`${await world.org()}/servers/${on.server.id}/ping`));
  }

  async function identity(host: Host): Promise<string> {
    return host.sh("sha256sum /var/lib/fairlead/link/{identity.json,key.pem} /etc/fairlead/policy.yaml");
  }

  scenario(world, "takes nothing that the release key did not sign, or that was altered since", async () => {
    const version = await packages.offer(packages.next(1));
    await packages.sign("other");
    await refused(canary, "update_signature", /not the release key's/);
    await packages.sign();
    packages.alter(version);
    await refused(canary, "update_altered", /another SHA-256/);
    await isWell(canary, packages.version);
    assert.equal(await canary.host.sh("ls /var/lib/fairlead/update"), "");
  });

  scenario(world, "takes no older version, and none that its policy refuses", async () => {
    // "0.1.0" → "0.0.9"
    const older = packages.version.replace(/\d\.\d$/, (end) => (end === "0.0" ? end : `${Number(end[0]) - 1}.9`));
    assert.notEqual(older, packages.version);
    await packages.offer(older);
    await refused(canary, "version_older", /update_oldest/);
    await packages.offer(packages.next(1));
    const policy = "/etc/fairlead/policy.yaml";
    await canary.host.sh(`cp ${policy} /root/policy; sed -i 's/^operations:$/operations:\\n  - deny: [agent.update]/' ${policy}`);
    await refused(canary, "policy_refused", /forbids agent\.update/);
    // One minute of the day which is not now.
    await canary.host.sh(`cp /root/policy ${policy}; echo "update_hours: \\"$(date -d '+2 hours' +%H:%M)-$(date -d '+2 hours 1 minute' +%H:%M)\\"" >>${policy}`);
    await refused(canary, "update_hours", /update_hours/);
    await canary.host.sh(`cp /root/policy ${policy}; echo '# the owner was here' >>${policy}`);
    await isWell(canary, packages.version);
  });

  scenario(world, "comes back by itself where the new one does not reach the controller, and says why", async () => {
    const was = await identity(canary.host);
    await packages.offer(packages.next(1), mute);
    const end = await refused(canary, "update_unhealthy", /did not reach the controller within 60 s/);
    assert.match(await world.logOf(end), /Within 60 s the new agent has to reach the controller/);
    await isWell(canary, packages.version);
    assert.equal(await identity(canary.host), was);
  });

  scenario(world, "comes back where the package cannot be configured", async () => {
    const begun = "systemctl daemon-reload; systemctl start fairlead-novel.socket && touch /root/novel";
    await packages.offer(packages.next(1), novelSocket, script("postinst", `${begun}; echo 'no, not here' >&2; exit 1`));
    await refused(canary, "update_install_failed", /no, not here/);
    await isWell(canary, packages.version);
    // Nor does it listen with what it does not know.
    await canary.host.sh("test -e /root/novel && ! ss -xlH | grep novel");
    assert.equal((await canary.host.sh("systemctl is-active fairlead-novel.socket || true")).trim(), "inactive");
  });

  scenario(world, "is there after a power cut anywhere in the middle", async () => {
    const cut = async (what: string): Promise<Operation> => {
      const operation = await update(canary);
      await poll(`the update is at ${what}`, 180_000, async () => {
        const there = await canary.host.exec(["bash", "-c", what], { check: false });
        return there.code === 0 ? true : undefined;
      }, 200);
      await canary.host.kill();
      await canary.host.boot();
      return world.finished(operation, 400_000);
    };
    const hang = "touch /root/reached; sync; sleep 600";
    for (const name of ["preinst", "postinst"] as const) {
      await packages.offer(packages.next(1), script(name, hang));
      await canary.host.sh("rm -f /root/reached");
      const end = await cut("test -e /root/reached");
      assert.equal(end.error?.code, "interrupted", `${name}: ${JSON.stringify(end)}`);
      await isWell(canary, packages.version);
    }
    await packages.offer(packages.next(1), mute);
    const end = await cut(`grep -q '"phase":"waiting"' /var/lib/fairlead/update/record.json`);
    assert.equal(end.error?.code, "update_unhealthy", JSON.stringify(end));
    await isWell(canary, packages.version);
  });

  scenario(world, "stops a roll-out at the canary that failed", async () => {
    await packages.offer(packages.next(1), mute);
    const rollout = await begin();
    const end = await over(rollout);
    assert.equal(end.state, "stopped");
    assert.match(end.reason ?? "", /canary: .*did not reach the controller/);
    assert.deepEqual(end.servers.map((one) => one.state), ["failed", "waiting"]);
    const asked = await (await world.api()).get<List<Operation>>(`${await world.org()}/operations?server=${other.server.id}&kind=agent.update`);
    assert.equal(asked.data.length, 0);
    await isWell(canary, packages.version);
    await isWell(other, packages.version);
  });

  scenario(world, "is rolled out to the canary first, then to the others, and keeps the one before", async () => {
    const was = await identity(canary.host);
    const version = await packages.offer(packages.next(2));
    await other.host.kill();
    await world.until("the other server is away", 120_000, async (api, org) =>
      (await api.get<Server>(`${org}/servers/${other.server.id}`)).status === "offline" ? true : undefined);
    const rollout = await begin();
    await world.until("the canary is updated and the other is left for later", 400_000, async (api, org) => {
      const now = await api.get<Rollout>(`${org}/agent-rollouts/${rollout.id}`);
      assert.equal(now.state, "running", now.reason ?? "");
      return now.stage === 1 && now.servers[0]!.state === "healthy" && now.servers[1]!.state === "waiting" ? now : undefined;
    });
    await isWell(canary, version);
    await other.host.boot();
    const end = await over(rollout);
    assert.equal(end.state, "succeeded", end.reason ?? "");
    for (const one of end.servers) {
      assert.equal(one.state, "healthy");
      const operation = await (await world.api()).get<Operation>(`${await world.org()}/operations/${one.operation_id}`);
      assert.equal(operation.state, "succeeded");
      assert.deepEqual(operation.steps.map((step) => step.name), ["check", "fetch", "previous", "install"]);
    }
    await isWell(other, version);
    assert.equal(await identity(canary.host), was);
    assert.match(await canary.host.sh("tail -n 1 /etc/fairlead/policy.yaml"), /the owner was here/);
    const kept = "/var/lib/fairlead/update/previous.deb";
    assert.equal((await canary.host.sh(`dpkg-deb -f ${kept} Version`)).trim(), packages.version);
    assert.equal((await canary.host.sh(`stat -c '%U %a' /var/lib/fairlead/update`)).trim(), "root 700");
    // It is whole, and what ran before: without the settings that the owner changed.
    await canary.host.sh(`dpkg-deb -x ${kept} /root/kept && test "$(/root/kept/usr/bin/fairlead-agent version)" = ${packages.version} && ! test -e /root/kept/etc/fairlead/policy.yaml`);
  });

  scenario(world, "is updated from the console: the page of all, and the one of a server", async () => {
    const version = await packages.offer(packages.next(3));
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const base = new URL(page.url()).pathname.split("/").slice(0, 3).join("/");
    await page.goto(`${base}/agent-updates`);
    await page.getByText(`2 servers with ${packages.next(2)}`).waitFor();
    await page.getByRole("button", { name: `Roll ${version} out…` }).click();
    await page.getByRole("textbox", { name: "Stages before all others" }).fill("ring=canary");
    assert.deepEqual(await axe(page), [], "the form");
    await page.getByRole("button", { name: "Begin", exact: true }).click();
    await page.getByText(`Roll-out of ${version}`).first().waitFor();
    // The canary's turn passes while it is looked at; the others wait their ten minutes.
    await page.getByText("1 of 1 is new").waitFor({ timeout: 180_000 });
    await looksGood(page, "a roll-out that runs");
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByText("Cancelled", { exact: true }).first().waitFor();
    await isWell(canary, version);

    await page.goto(`${base}/servers/${other.server.id}`);
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Update the agent…" }).click();
    await page.getByText(`Agent ${packages.next(2)} is replaced by ${version}.`).waitFor();
    await page.getByRole("button", { name: "Update", exact: true }).click();
    await page.waitForURL(/\/operations\/op_/);
    await isWell(other, version);
  });

  async function begin(): Promise<Rollout> {
    return (await world.api()).post(`${await world.org()}/agent-rollouts`, { stages: [{ labels: { ring: "canary" } }], soak_s: 5 });
  }

  async function over(rollout: Rollout): Promise<Rollout> {
    return world.until("the roll-out is over", 600_000, async (api, org) => {
      const now = await api.get<Rollout>(`${org}/agent-rollouts/${rollout.id}`);
      return now.state === "running" ? undefined : now;
    });
  }
});
