// The controller's own package on a real system: what it does, what it leaves alone, and what stays when it goes.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { built } from "./lib/paths.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the package fairlead-controller", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "starts nothing before init, serves after, and keeps the data until it is purged", async () => {
    const host = await world.host("package", { image: "debian12-bare" });
    const name = readdirSync(built("packages")).find((file) => /^fairlead-controller_.*\.deb$/.test(file));
    assert.ok(name);
    await host.copy(join(built("packages"), name), "/root/controller.deb");
    const install = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y install /root/controller.deb 2>&1";

    assert.match(await host.sh(install, { timeoutMs: 180_000 }), /fairlead-controller init/);
    assert.equal(await host.sh("systemctl is-enabled fairlead-controller || true; systemctl is-active fairlead-controller || true"), "disabled\ninactive\n");
    await host.sh("systemctl start fairlead-controller"); // a condition that is not met is no failure
    assert.equal(await host.sh("systemctl is-active fairlead-controller || true"), "inactive\n");

    const said = await host.sh("fairlead-controller init --admin ada@fairlead.test --name localhost --listen 127.0.0.1:443");
    assert.match(said, /https:\/\/localhost\S*/);
    await host.sh("systemctl enable --now fairlead-controller");
    const ready = "for i in {1..600}; do curl -fsk https://localhost/readyz >/dev/null && exit; sleep 0.1; done; journalctl --no-pager -u fairlead-controller >&2; exit 1";
    await host.sh(ready, { timeoutMs: 120_000 });

    // Port 443 without root, and next to nothing else.
    const pid = (await host.sh("systemctl show -P MainPID fairlead-controller")).trim();
    assert.equal(await host.sh(`stat -c %U /proc/${pid}`), "fairlead-controller\n");
    assert.match(await host.sh(`cat /proc/${pid}/status`), /CapEff:\s*0*400\n/);
    assert.equal(await host.sh("systemctl show -P LimitNOFILE fairlead-controller"), "65536\n"); // a container may give less
    const score = await host.sh("systemd-analyze security --no-pager fairlead-controller.service | tail -n 1");
    assert.ok(Number(/: ([0-9.]+)/.exec(score)?.[1]) <= 3.0, score);
    assert.equal(await host.sh("stat -c '%U %a' /var/lib/fairlead-controller"), "fairlead-controller 700\n");
    assert.equal(await host.sh("find /var/lib/fairlead-controller -perm /077"), "", "nobody else reads keys or database");

    // It brings the agent's packages along, and hands them out.
    const script = await host.sh("curl -fsk https://localhost/install.sh");
    assert.match(script, /^controller='https:\/\/localhost/m);
    await host.sh("cd /root && for f in SHA256SUMS SHA256SUMS.sig $(curl -fsk https://localhost/agent/SHA256SUMS | cut -c67-); do curl -fsSk -O https://localhost/agent/$f; done; sha256sum -c SHA256SUMS");
    assert.equal(await host.sh("curl -sk -o /dev/null -w '%{http_code}' --path-as-is https://localhost/agent/../../../../etc/passwd"), "404");

    // Whom to tell about a security problem: nobody that it does not know [S-VDP-01].
    const contact = "curl -sk -w ' %{http_code}' https://localhost/.well-known/security.txt";
    assert.match(await host.sh(contact), /security_contact in controller\.yaml.* 404$/s);
    await host.sh("echo 'security_contact: mailto:security@fairlead.test' >>/etc/fairlead/controller.yaml && systemctl restart fairlead-controller");
    await host.sh(ready, { timeoutMs: 120_000 });
    const told = await host.sh(contact);
    assert.match(told, /^Contact: mailto:security@fairlead\.test\nExpires: \d{4}-.*\nCanonical: https:\/\/localhost\/\.well-known\/security\.txt\n 200$/s);
    assert.ok(Date.parse(/Expires: (.*)/.exec(told)![1]!) > Date.now());

    // Again, over the running one: it restarts and serves.
    await host.sh("sed -i '/^Package: fairlead-controller$/,/^$/ s/^Version: .*/Version: 0.0.9/' /var/lib/dpkg/status");
    await host.sh(install, { timeoutMs: 180_000 });
    await host.sh(ready, { timeoutMs: 120_000 });
    assert.notEqual((await host.sh("systemctl show -P MainPID fairlead-controller")).trim(), pid);

    await host.sh("DEBIAN_FRONTEND=noninteractive apt-get -qq -y remove fairlead-controller >/dev/null");
    await host.sh("test -s /etc/fairlead/controller.yaml && ls /var/lib/fairlead-controller/* >/dev/null && ! pgrep -x fairlead-contro");
    await host.sh("DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge fairlead-controller >/dev/null");
    assert.equal(await host.sh("ls -d /etc/fairlead /var/lib/fairlead-controller /usr/share/fairlead 2>/dev/null || true"), "");
  });
});
