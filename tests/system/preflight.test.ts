// What is checked before a deployment touches anything; each check made to fail on a real server.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { demo, footprint } from "./lib/odoo.ts";
import type { Check, Environment } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("pre-flight", () => {
  const world = worldOfSuite();
  let on: Enrolled;
  let environment: Environment;
  let fresh: Environment;

  before(async () => {
    on = await world.server("checked", { disk: "6G" });
    const project = await world.project("checked");
    environment = await world.environment(project, on.server, "checked");
    await world.succeeded(await world.deploy(environment), 900_000);
    fresh = await world.environment(project, on.server, "fresh");
  });

  /** Runs a deployment with something in its way; the check must fail by name, and nothing may have been touched. */
  async function refused(target: Environment, check: string, about: RegExp, spoil: string, mend: string): Promise<Check> {
    await on.host.sh(spoil);
    try {
      const was = await footprint(on.host);
      const operation = await world.finished(await world.deploy(target), 120_000);
      assert.equal(operation.state, "failed", JSON.stringify(operation));
      assert.equal(operation.error?.code, "preflight_failed");
      // Several repositories are one check each, under the same id.
      const found = operation.result?.checks?.find((one) => one.id === check && one.result === "failed");
      assert.ok(found, JSON.stringify(operation.result));
      assert.match(`${found.value}`, about);
      assert.ok(found.remedy, "a failed check says what to do");
      assert.ok(operation.steps.filter((step) => step.name !== "preflight").every((step) => step.state === "pending" || step.state === "skipped"));
      assert.equal(await footprint(on.host), was);
      return found;
    } finally {
      await on.host.sh(mend);
    }
  }

  scenario(world, "passes on a healthy server, names every check, and touches nothing [S-PRE-01]", async () => {
    const was = await footprint(on.host);
    const operation = await world.succeeded(await world.act(environment, "preflight"));
    const ids = (operation.result?.checks ?? []).map((one) => one.id);
    for (const id of ["link", "disk", "memory", "ports", "firewall", "postgresql", "git", "python", "integrity"]) {
      assert.ok(ids.includes(id), `${id} is not among ${ids.join(", ")}`);
    }
    assert.equal(await footprint(on.host), was);
  });

  scenario(world, "says which privilege the agent lacks [S-PRE-02]", async () => {
    const dropIn = "/etc/systemd/system/fairlead-executor.service.d/less.conf";
    const again = "systemctl daemon-reload; systemctl stop fairlead-executor.service; systemctl start fairlead-executor.socket";
    await refused(environment, "link", /\/etc\/systemd\/system cannot be written/,
      `mkdir -p $(dirname ${dropIn}); printf '[Service]\\nReadOnlyPaths=/etc/systemd/system\\n' >${dropIn}; ${again}`,
      `rm -r $(dirname ${dropIn}); ${again}`);
  });

  scenario(world, "names the port that is taken, and by whom [S-PRE-03]", async () => {
    await refused(fresh, "ports", new RegExp(String(fresh.port)),
      `systemd-run -q --unit=squatter python3 -m http.server --bind 127.0.0.1 ${fresh.port}
       for i in {1..100}; do ss -Hltn | grep -q :${fresh.port} && break; sleep 0.05; done`,
      "systemctl stop squatter");
  });

  scenario(world, "flags a firewall that cuts Odoo or its database off [S-PRE-04]", async () => {
    await refused(environment, "firewall", /drop|reject|nft/i,
      `nft add table inet spoil
       nft 'add chain inet spoil input { type filter hook input priority 0; }'
       nft add rule inet spoil input tcp dport ${environment.port} drop`,
      "nft delete table inet spoil");
  });

  scenario(world, "takes no firewall for a block that lets loopback in by another chain, as ufw's default does [S-PRE-04]", async () => {
    await on.host.write("/root/ufw.nft", `table ip filter {
  chain ufw-before-input {
    iifname "lo" counter accept
    ct state related,established counter accept
  }
  chain ufw-user-input {
    tcp dport 22 counter accept
  }
  chain INPUT {
    type filter hook input priority filter; policy drop;
    counter jump ufw-before-input
    counter jump ufw-user-input
  }
}
`);
    await on.host.sh("nft -f /root/ufw.nft");
    try {
      const operation = await world.succeeded(await world.act(environment, "preflight"));
      assert.equal(operation.result?.checks?.find((one) => one.id === "firewall")?.result, "passed");
      await on.host.sh("nft flush chain ip filter ufw-before-input; nft add rule ip filter ufw-before-input ct state related,established accept");
      const ended = await world.finished(await world.act(environment, "preflight"));
      const check = ended.result?.checks?.find((one) => one.id === "firewall");
      assert.equal(check?.result, "failed");
      assert.match(`${check?.value}`, /filter INPUT: policy drop/);
    } finally {
      await on.host.sh("nft delete table ip filter");
    }
  });

  scenario(world, "fails with the numbers when the disk is full [S-PRE-05]", async () => {
    const check = await refused(environment, "disk", /\d/,
      "fallocate -l $(( $(df --output=avail -B1 / | tail -n 1) - 150 * 1024 * 1024 )) /srv/fill", "rm /srv/fill");
    assert.match(`${check.need}`, /\d/);
  });

  scenario(world, "fails with the numbers when memory is too little for a new environment, and only warns where it may do", async () => {
    const dropIn = "/etc/systemd/system/fairlead-executor.service.d/memory.conf";
    const again = "systemctl daemon-reload; systemctl stop fairlead-executor.service; systemctl start fairlead-executor.socket";
    const only = (mib: number): string => `
      sed 's/^MemAvailable:.*/MemAvailable: ${mib * 1024} kB/; s/^SwapFree:.*/SwapFree: 0 kB/' /proc/meminfo >/srv/meminfo
      mkdir -p $(dirname ${dropIn}); printf '[Service]\\nBindReadOnlyPaths=/srv/meminfo:/proc/meminfo\\n' >${dropIn}; ${again}`;
    const mend = `rm -r $(dirname ${dropIn}); ${again}`;
    const check = await refused(fresh, "memory", /^20 MiB of .* available$/, only(20), mend);
    const need = Number(/^(\d+) MiB$/.exec(`${check.need}`)?.[1]);
    assert.ok(need > 40, `${check.need}`);
    await on.host.sh(only(need - 1));
    try {
      const operation = await world.succeeded(await world.act(fresh, "preflight"));
      assert.equal(operation.result?.checks?.find((one) => one.id === "memory")?.result, "warning");
    } finally {
      await on.host.sh(mend);
    }
  });

  scenario(world, "fails when a file of the live release was altered [S-PRE-06]", async () => {
    const file = "$(find /var/lib/fairlead/trees -path '*/fl_demo/models/demo.py' | head -n 1)";
    await refused(environment, "integrity", /demo\.py/,
      `f=${file}; test -f "$f"; cp -a "$f" /srv/kept; echo "# altered" >>"$f"; echo "$f" >/srv/where`,
      'cat /srv/kept >"$(cat /srv/where)"; touch -r /srv/kept "$(cat /srv/where)"');
  });

  scenario(world, "fails when PostgreSQL is stopped", async () => {
    // Its own data cannot be compared while it is down; the files can.
    await refused(environment, "postgresql", /./, "systemctl stop postgresql", "systemctl start postgresql");
  });

  scenario(world, "fails when the branch does not exist", async () => {
    const api = await world.api();
    await api.call("PATCH", `${await world.org()}/environments/${environment.id}`, { body: { branch: "no-such-branch" } });
    try {
      await refused(environment, "git", /no-such-branch/, "true", "true");
    } finally {
      await api.call("PATCH", `${await world.org()}/environments/${environment.id}`, { body: { branch: null } });
    }
  });

  scenario(world, "when it fails aborts, names check, value and cure, and leaves the server as it was [S-PRE-07] [S-PRE-08] [S-PRE-09]", async () => {
    const was = await demo(on.host, environment);
    const check = await refused(environment, "disk", /MiB|GiB|MB|GB/,
      "fallocate -l $(( $(df --output=avail -B1 / | tail -n 1) - 150 * 1024 * 1024 )) /srv/fill", "rm /srv/fill");
    assert.ok(check.title && check.value && check.need && check.remedy);
    assert.deepEqual(await demo(on.host, environment), was);
    assert.equal((await world.look(environment)).status, "running");
  });
});
