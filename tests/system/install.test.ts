// What the pasted command makes of a server: how long it takes, what lies where, upgrades, other ways in, and the way out.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Host } from "./lib/host.ts";
import { build, built, root } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the programs as they ship", () => {
  it("run on glibc 2.35 with OpenSSL 3 and nothing else but libzstd, which dpkg itself needs, and the controller's libcurl and libidn2; the agent has at most 5 MB, each terminal's program no OpenSSL", async (test) => {
    const [agent, terminal] = ["agent", "terminal"].map((name) => join(build, `stripped-${name}`)) as [string, string];
    await run("strip", ["--strip-unneeded", "-o", agent, built("agent/fairlead-agent")]);
    await run("strip", ["--strip-unneeded", "-o", terminal, built("agent/fairlead-terminal")]);
    assert.doesNotMatch((await run("objdump", ["-p", terminal])).stdout, /NEEDED +lib(ssl|crypto)/);
    for (const args of [[agent, "--max-bytes", "5000000", "--library", "libzstd.so.1"], [terminal, "--max-bytes", "1250000"], [built("controller/fairlead-controller"), "--library", "libcurl.so.4", "--library", "libidn2.so.0"]]) {
      test.diagnostic((await run(join(root, "packaging/check-binary"), args)).stdout.trim());
    }
  });

  it("are refused by that check when they need more", async () => {
    await assert.rejects(run(join(root, "packaging/check-binary"), ["/usr/bin/curl"]), /needs the library libcurl/);
    await assert.rejects(run(join(root, "packaging/check-binary"), ["/usr/bin/bash"]), /arc4random of glibc 2\.36/);
    await assert.rejects(run(join(root, "packaging/check-binary"), ["/usr/bin/true", "--max-bytes", "10"]), /more than the 10 allowed/);
  });

  it("come in packages that are made twice alike", async () => {
    const again = join(build, "packages-again");
    mkdirSync(again, { recursive: true });
    await run(join(root, "packaging/release"), [
      "--output", again, "--agent", built("agent/fairlead-agent"), "--controller", built("controller/fairlead-controller"),
    ], { timeoutMs: 300_000, env: { FAIRLEAD_BUILD: build } });
    const sums = async (dir: string) => (await run("bash", ["-c", 'cd "$1" && sha256sum *', "sums", dir])).stdout;
    assert.equal(await sums(again), await sums(built("packages")));
    assert.equal(readdirSync(again).length, 7);
  });
});

describe("install.sh", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  const online = /online {5}.*, ([0-9.]+) s after the start/;

  // How fast that is stands in tests/bench (row "paste").
  scenario(world, "brings a bare server online by the pasting alone", async () => {
    const host = await world.host("paste", { image: "debian12-bare" });
    const ran = await world.paste(host, await world.enrolCommand());
    assert.match(ran.stdout, online);
    assert.match(ran.stdout, /SHA-256 and signature good/);
    // It says what it did, and that is so.
    for (const path of ["/usr/bin/fairlead-agent", "/etc/fairlead/policy.yaml", "/usr/lib/fairlead/agent-remove"]) {
      assert.ok(ran.stdout.includes(path));
      await host.sh(`test -e ${path}`);
    }
    assert.doesNotMatch(ran.stdout, /flt_/);
    assert.equal(await host.sh("grep -rls flt_ /etc /var /run /tmp /root || true"), "");
  });

  scenario(world, "guards what is the server's", async () => {
    const { host } = await world.server("guarded");
    const modes = await host.sh(
      "stat -c '%U:%G %a %n' /etc/fairlead /etc/fairlead/policy.yaml /usr/bin/fairlead-agent /var/lib/fairlead /var/lib/fairlead/link /run/fairlead/executor.sock",
    );
    assert.equal(modes, [
      "root:root 755 /etc/fairlead", "root:root 644 /etc/fairlead/policy.yaml", "root:root 755 /usr/bin/fairlead-agent",
      "root:root 755 /var/lib/fairlead", "fairlead:fairlead 700 /var/lib/fairlead/link", "root:fairlead 660 /run/fairlead/executor.sock", "",
    ].join("\n"));
    // Limits that this kernel may not enforce are at least asked for.
    const unit = await host.sh("systemctl show fairlead-link -p MemoryMax,NoNewPrivileges,ProtectSystem,Restart,User,CapabilityBoundingSet");
    for (const line of ["MemoryMax=134217728", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always", "User=fairlead", "CapabilityBoundingSet="]) {
      assert.ok(unit.split("\n").includes(line), `${line} in ${unit}`);
    }
    const warned = await host.sh("journalctl -b --no-pager | grep -i fairlead | grep -iE 'unknown (key|section)|failed to parse|ignoring' || true");
    assert.equal(warned, "");
  });

  scenario(world, "comes back after a power cut, and when it is killed", async () => {
    const { host } = await world.server("back");
    await host.kill();
    await host.boot();
    assert.equal((await host.exec(["fairlead-agent", "status", "--wait", "90"], { timeoutMs: 120_000 })).code, 0);
    const pid = await host.sh("systemctl show -P MainPID fairlead-link");
    await host.sh(`kill -KILL ${pid.trim()}`);
    await host.sh("for i in {1..300}; do p=$(systemctl show -P MainPID fairlead-link); [[ $p != 0 && $p != " + pid.trim() + " ]] && exit; sleep 0.1; done; exit 1");
    assert.equal((await host.exec(["fairlead-agent", "status", "--wait", "90"], { timeoutMs: 120_000 })).code, 0);
  });

  scenario(world, "upgrades an older agent, keeps its identity and the owner's policy, and needs no token", async () => {
    const { host } = await world.server("older");
    const identity = await host.sh("sha256sum /var/lib/fairlead/link/{ca.pem,certificate.pem,identity.json,key.pem}");
    await host.sh("echo '# the owner was here' >>/etc/fairlead/policy.yaml");
    // As if an older package had been installed.
    await host.sh("sed -i '/^Package: fairlead-agent$/,/^$/ s/^Version: .*/Version: 0.0.9/' /var/lib/dpkg/status");
    const command = (await world.enrolCommand()).replace(/ --token \S+/, "");
    const ran = await world.paste(host, command);
    assert.match(ran.stdout, /installed {2}fairlead-agent \S+, before 0\.0\.9/);
    assert.match(ran.stdout, online);
    assert.equal(await host.sh("sha256sum /var/lib/fairlead/link/{ca.pem,certificate.pem,identity.json,key.pem}"), identity);
    assert.match(await host.sh("tail -n 1 /etc/fairlead/policy.yaml"), /the owner was here/);
  });

  scenario(world, "uses up no token where the server is enrolled already", async () => {
    const { host } = await world.server("twice");
    const command = await world.enrolCommand("once", { max_uses: 1 });
    for (let i = 0; i < 2; i++) assert.match((await world.paste(host, command)).stdout, /already/);
    // The one use is still there, for a server that needs it.
    const other = await world.host("other", { image: "debian12-bare" });
    assert.match((await world.paste(other, command)).stdout, online);
  });

  scenario(world, "fetches openssl first where there is none, and never goes on without it", async () => {
    const host = await withoutOpenssl("no-openssl");
    const refused = await world.paste(host, await world.enrolCommand(), false);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /openssl, which checks the signature.*could not be installed[\s\S]*apt-get install openssl/);
    assert.equal(await host.sh("ls -d /usr/bin/fairlead-agent /etc/fairlead 2>/dev/null || true"), "");

    await offerOpenssl(host);
    const ran = await world.paste(host, await world.enrolCommand());
    assert.match(ran.stdout, /installing openssl[\s\S]*signature good/);
  });

  // Ubuntu's archive is on no mirror that these tests reach: Debian trees with a C library no older than the release's stand in for it.
  // That the program itself asks for no newer one is packaging/check-binary's to say.
  for (const [image, version, name] of [["debian12-bare", "22.04", "jammy"], ["debian13-bare", "24.04", "noble"]] as const) {
    scenario(world, `brings a tree online that says it is Ubuntu ${version}, and says so too`, async () => {
      const host = await world.host(name, { image });
      await host.sh("rm -f /etc/os-release /usr/lib/os-release; ln -s ../usr/lib/os-release /etc/os-release");
      await host.write("/usr/lib/os-release",
        `PRETTY_NAME="Ubuntu ${version} LTS"\nNAME="Ubuntu"\nVERSION_ID="${version}"\nVERSION_CODENAME=${name}\nID=ubuntu\nID_LIKE=debian\n`);
      const { server } = await world.enrol(host);
      assert.match(JSON.stringify(server.facts), new RegExp(`Ubuntu ${version}`));
      assert.equal((await host.sh("systemctl is-active fairlead-link fairlead-executor.socket")).trim(), "active\nactive");
    });
  }

  scenario(world, "takes the tarball where there is no dpkg, and takes all of it away again", async () => {
    const host = await world.host("tarball", { image: "debian13-bare" });
    const before = await files(host);
    await host.sh("mv /usr/bin/apt-get /usr/bin/apt-get.away");
    const ran = await world.paste(host, await world.enrolCommand());
    assert.match(ran.stdout, /fetched {4}fairlead-agent-\S+\.tar\.gz/);
    assert.match(ran.stdout, online);
    await host.sh("test -d /var/lib/fairlead/environments && mkdir /var/lib/fairlead/environments/kept");
    const gone = await world.paste(host, (await world.enrolCommand()).replace(/--token .*/, "--uninstall"));
    assert.match(gone.stdout, /environment kept: files in \/var\/lib\/fairlead\/environments\/kept/);
    await host.sh("rm -r /var/lib/fairlead; mv /usr/bin/apt-get.away /usr/bin/apt-get");
    assert.equal(await files(host), before);
    assert.equal(await host.sh("getent passwd fairlead || true; systemctl list-units --state=active,failed --no-legend 'fairlead*'"), "");
  });

  /** Every file that a package or a tarball could have put there. */
  async function files(host: Host): Promise<string> {
    return host.sh("find /usr /etc -xdev -not -path '/etc/systemd/system*' -not -name '*-' | grep -E 'fairlead|/etc/systemd' | sort || true");
  }

  async function withoutOpenssl(name: string): Promise<Host> {
    const host = await world.host(name, { image: "debian12-bare" });
    await host.sh("dpkg --force-depends --remove openssl >/dev/null 2>&1; rm -f /etc/apt/sources.list; apt-get -q update");
    return host;
  }

  /** Hosts reach no mirror, so this machine's apt fetches the package for them. */
  async function offerOpenssl(host: Host): Promise<void> {
    const dir = join(world.dir, "openssl-repository");
    mkdirSync(dir, { recursive: true });
    await run("bash", ["-c", 'cd "$1" && apt-get -q download openssl && apt-ftparchive packages . >Packages', "offer", dir], { timeoutMs: 120_000 });
    await host.copy(dir, "/srv/openssl-repository");
    await host.write("/etc/apt/sources.list.d/openssl.list", "deb [trusted=yes] file:/srv/openssl-repository ./\n");
  }
});
