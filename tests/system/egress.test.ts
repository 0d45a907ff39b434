// The egress as the package brings it: on a real system, with a real resolver whose answers change.
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { after, describe } from "node:test";
import { controllerAddress, type Host } from "./lib/host.ts";
import { built } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const onTheInternet = "93.184.216.34"; // in these tests, an address of the host itself

/** A name server: each question for an A record takes the next of a name's answers, the last one for ever. */
class Names {
  readonly answers = new Map<string, string[][]>();
  #socket: Socket = createSocket("udp4");

  async start(address: string): Promise<void> {
    this.#socket.on("message", (query, from) => {
      const labels: string[] = [];
      let at = 12;
      for (let size = query[at]!; size > 0; size = query[at]!) {
        labels.push(query.subarray(at + 1, at + 1 + size).toString());
        at += size + 1;
      }
      const name = labels.join(".").toLowerCase();
      const known = this.answers.get(name);
      const wantsV4 = query.readUInt16BE(at + 1) === 1;
      const now = known && wantsV4 ? (known.length > 1 ? known.shift()! : known[0]!) : [];
      const head = Buffer.from(query.subarray(0, at + 5));
      head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
      head.writeUInt16BE(now.length, 6);
      head.writeUInt32BE(0, 8);
      const records = now.map((one) => Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...one.split(".").map(Number)]));
      this.#socket.send(Buffer.concat([head, ...records]), from.port, from.address);
    });
    await new Promise<void>((done, failed) => {
      this.#socket.once("error", failed).bind(53, address, done);
    });
  }
  stop(): void {
    this.#socket.close();
  }
}

describe("fairlead-egress", () => {
  const world = worldOfSuite();
  const names = new Names();
  after(() => names.stop());

  scenario(world, "[S-SSRF-08] is the controller's only way out, and leads to the internet alone", async () => {
    const address = await controllerAddress();
    await names.start(address);
    const host = await world.host("egress", { image: "debian12-bare" });
    const name = readdirSync(built("packages")).find((file) => /^fairlead-controller_.*\.deb$/.test(file));
    await host.copy(join(built("packages"), name!), "/root/controller.deb");
    await host.sh("DEBIAN_FRONTEND=noninteractive apt-get -qq -y install /root/controller.deb 2>&1");
    assert.equal(await host.sh("systemctl is-active fairlead-egress fairlead-firewall || true"), "inactive\ninactive\n");
    assert.equal(await host.sh("stat -c '%U %a' /etc/fairlead/egress.yaml"), "root 644\n");
    await giveNft(host);
    await host.sh("fairlead-controller init --admin ada@fairlead.test --name localhost --listen 127.0.0.1:443 && systemctl enable --now fairlead-controller");
    assert.equal(await host.sh("systemctl is-active fairlead-egress fairlead-firewall"), "active\nactive\n");
    assert.match(await host.sh("cat /etc/fairlead/controller.yaml"), /^egress:\n {2}socket: "\/run\/fairlead-egress\/egress\.sock"$/m);
    assert.match(await host.sh("fairlead-egress config check"), /is fine/);
    await host.sh("for i in {1..200}; do curl -fsk https://localhost/readyz >/dev/null && exit; sleep 0.1; done; exit 1");

    // Something at an address on the internet, and at one that is not.
    await host.sh(`ip address add ${onTheInternet}/32 dev lo; rm -f /etc/resolv.conf; echo 'nameserver ${address}' >/etc/resolv.conf`);
    await host.sh(`systemd-run -q --unit=inet systemd-socket-activate -l ${onTheInternet}:443 --inetd -a cat; for i in {1..50}; do ss -Hltn "src ${onTheInternet}" | grep -q . && exit; sleep 0.1; done; exit 1`);

    /** As the controller's user: the status that the egress answers, and its words. */
    const ask = async (place: string, ...more: string[]) =>
      host.sh(`runuser -u fairlead-controller -- curl -s -m 3 --unix-socket /run/fairlead-egress/egress.sock -X CONNECT --request-target '${place}' -w ' %{http_code}' ${more.map((one) => `-H '${one}'`).join(" ")} http://egress/ || true`);
    const refused = async (place: string, ...more: string[]) => assert.match(await ask(place, ...more), / 403$/, place);

    names.answers.set("hooks.example.org", [[onTheInternet]]);
    assert.match(await ask("hooks.example.org:443"), / 200$/);
    assert.match(await ask("hooks.example.org:443", `fairlead-address: ${onTheInternet}`), / 200$/);

    // [S-SSRF-05] and [S-SSRF-10], by the egress alone: nothing of the controller has judged these.
    names.answers.set("inside.example.org", [["10.0.0.1"]]);
    names.answers.set("mixed.example.org", [[onTheInternet, "127.0.0.1"]]);
    names.answers.set("meta.example.org", [["169.254.169.254"]]);
    for (const place of ["inside.example.org:443", "mixed.example.org:443", "meta.example.org:443", "localhost:443", "127.0.0.1:443", "[::1]:443", `${address}:443`, "169.254.169.254:443", "hooks.example.org:22"]) await refused(place);
    names.answers.set("changing.example.org", [[onTheInternet], ["127.0.0.1"]]);
    assert.match(await ask("changing.example.org:443"), / 200$/);
    await refused("changing.example.org:443");
    await refused("hooks.example.org:443", "fairlead-address: 127.0.0.1");
    assert.match(await ask("nowhere.example.org:443"), / 502$/);

    // An exception is root's, and counts after a restart.
    await host.sh("printf 'allow: [\"localhost:443\"]\\n' >>/etc/fairlead/egress.yaml && systemctl restart fairlead-egress");
    assert.match(await ask("localhost:443"), / 200$/);
    await refused("127.0.0.1:443");
    const log = await host.sh("journalctl --no-pager -u fairlead-egress");
    assert.match(log, /refused.*mixed\.example\.org:443/);
    assert.match(log, /connection.*hooks\.example\.org:443/);

    // Nobody else is served, and the file that others could change is not read.
    assert.match(await host.sh("curl -s -m 3 --unix-socket /run/fairlead-egress/egress.sock -w '%{http_code}' http://egress/ || true"), /^000/);
    assert.match(await host.sh("cp /etc/fairlead/egress.yaml /tmp/open.yaml; chmod 0666 /tmp/open.yaml; fairlead-egress config check --config /tmp/open.yaml 2>&1 || true"), /can be changed by others/);
    const score = await host.sh("systemd-analyze security --no-pager fairlead-egress.service | tail -n 1");
    assert.ok(Number(/: ([0-9.]+)/.exec(score)?.[1]) <= 2.0, score);

    // The firewall: straight out there is nothing for the controller's user; this machine and answers remain.
    const { port } = await world.controller();
    const straight = (user: string) => host.sh(`runuser -u ${user} -- bash -c 'echo >/dev/tcp/${address}/${port}' 2>&1 && echo through || true`);
    assert.match(await straight("nobody"), /through/);
    assert.doesNotMatch(await straight("fairlead-controller"), /through/);
    assert.match(await host.sh("runuser -u fairlead-controller -- curl -sk -o /dev/null -w '%{http_code}' https://localhost/readyz"), /200/);
    await host.sh("systemctl disable --now fairlead-firewall");
    assert.match(await straight("fairlead-controller"), /through/);
    assert.equal(await host.sh("nft list tables"), "");

    await purge(host);
  });
});

/** The bare image has no nftables: this machine's own. */
async function giveNft(host: Host): Promise<void> {
  if ((await host.exec(["test", "-x", "/usr/sbin/nft"], { check: false })).code === 0) return;
  const { stdout } = await run("ldd", ["/usr/sbin/nft"]);
  for (const [, library] of stdout.matchAll(/=> (\S+)/g)) {
    const there = await host.exec(["test", "-e", library!], { check: false });
    if (there.code !== 0) await host.copy(realpathSync(library!), library!);
  }
  await host.copy("/usr/sbin/nft", "/usr/sbin/nft");
}

async function purge(host: Host): Promise<void> {
  await host.sh("DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge fairlead-controller >/dev/null");
  assert.equal(await host.sh("ls -d /etc/fairlead /usr/share/fairlead-controller 2>/dev/null || true"), "");
}
