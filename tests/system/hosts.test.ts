// The throw-away servers themselves: that tests on them mean something.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Image } from "./lib/host.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("a throw-away server", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "has a real systemd, PostgreSQL with peer authentication, and an own firewall", async () => {
    const host = await world.host("plain");

    assert.equal((await host.sh("systemctl is-system-running")).trim(), "running");
    await host.sh("useradd --system someone; runuser -u postgres -- createuser someone; runuser -u postgres -- createdb -O someone theirs");
    assert.equal((await host.sh("runuser -u someone -- psql -Atc 'SELECT current_user' theirs")).trim(), "someone");

    const other = await world.host("other");
    await host.sh("nft add table inet t; nft add chain inet t out '{ type filter hook output priority 0; }'; nft add rule inet t out ip daddr 10.0.0.0/8 reject");
    // Units of the same name on two hosts have nothing to do with each other.
    for (const one of [host, other]) await one.sh("systemd-run -q -p Type=exec --unit=same sleep 1000");
    await host.sh("systemctl stop same");
    await other.sh("systemctl is-active same; test $(wc -l </sys/fs/cgroup/system.slice/same.service/cgroup.procs) = 1; pgrep -x sleep");
    const git = await world.git();
    assert.notEqual((await host.exec(["curl", "-sS", "-m", "5", git.url("none")], { check: false })).code, 0);
    assert.equal((await other.exec(["curl", "-sS", "-m", "5", "-o", "/dev/null", git.url("none")], { check: false })).code, 0);
  });

  scenario(world, "enforces the sandbox of a unit", async () => {
    const host = await world.host("sandbox");
    const said = await host.exec([
      "systemd-run", "--pipe", "--wait", "-q", "-p", "ProtectSystem=strict", "-p", "NoNewPrivileges=yes", "-p", "PrivateTmp=yes",
      "-p", "MemoryMax=100M", "-p", "StateDirectory=box", "--", "sh", "-c",
      "touch /usr/a /srv/a; touch /var/lib/box/a && echo state; grep NoNewPrivs /proc/self/status",
    ]);
    assert.match(said.stderr, /\/usr\/a.*Read-only/);
    assert.match(said.stderr, /\/srv\/a.*Read-only/);
    assert.match(said.stdout, /state\nNoNewPrivs:\s*1/);
  });

  scenario(world, "keeps its disk over a power cut", async () => {
    const host = await world.host("power");
    await host.sh("echo kept >/srv/file; systemd-run -q -p Type=exec sleep 1000; pgrep -x sleep");
    await host.kill();
    await assert.rejects(host.sh("true"), /is off/);
    await host.boot();
    assert.equal((await host.sh("cat /srv/file; pgrep -cx sleep || true")).trim(), "kept\n0");
  });

  scenario(world, "has a disk of the size asked for", async () => {
    const host = await world.host("small", { disk: "300M" });
    const full = await host.exec(["dd", "if=/dev/zero", "of=/srv/fill", "bs=1M", "count=400"], { check: false });
    assert.match(full.stderr, /No space left/);
  });

  for (const image of ["debian12-bare", "debian13-bare"] satisfies Image[]) {
    scenario(world, `of the image ${image} has curl and bash, and installs PostgreSQL without a network`, async () => {
      const host = await world.host(image, { image });
      assert.equal((await host.exec(["sh", "-c", "command -v git psql python3 sudo"], { check: false })).stdout, "");
      await host.sh("command -v curl bash");
      await host.sh("apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install postgresql", { timeoutMs: 180_000 });
      assert.match(await host.sh("runuser -u postgres -- psql -Atc 'SELECT version()'"), /PostgreSQL 1[57]/);
    });
  }

  scenario(world, "clones Odoo over HTTPS, and a private repository only with its token", async () => {
    const host = await world.host("git");
    const git = await world.git();
    await host.sh(`git clone -q --depth 1 -b 19.0 ${await git.addOdoo()} /srv/odoo && test -x /srv/odoo/odoo-bin -a -d /srv/odoo/addons/web`);

    const commit = await git.commit("private/shop", "v1");
    const clone = (url: string) => host.exec(["git", "-c", "credential.helper=", "clone", "-q", url, "/srv/shop"], { check: false, env: {} });
    const url = git.url("private/shop");
    assert.match((await clone(url)).stderr, /could not read Username|Authentication failed/);
    assert.equal((await clone(url.replace("https://", `https://ci:${git.token}@`))).code, 0);
    assert.equal((await host.sh("git -C /srv/shop rev-parse origin/19.0")).trim(), commit);
  });
});
