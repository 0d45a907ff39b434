// The egress as the package brings it: on a real system, with a real resolver whose answers change.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { after, describe } from "node:test";
import { Api, type Problem } from "./lib/api.ts";
import { admin } from "./lib/controller.ts";
import { controllerAddress, type Host } from "./lib/host.ts";
import { MailServer } from "./lib/mail.ts";
import { Names } from "./lib/names.ts";
import { built, folder } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { Receiver } from "./lib/receiver.ts";
import type { List, Session } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const onTheInternet = "93.184.216.34"; // in these tests, an address of the host itself

describe("fairlead-egress", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const names = new Names();
  let address: string, host: Host, api: Api, org: string;
  let mail: MailServer | undefined, receiver: Receiver | undefined;
  after(async () => {
    names.stop();
    api?.close();
    receiver?.stop();
    await mail?.stop();
  });
  const restart = (): Promise<string> =>
    host.sh("systemctl restart fairlead-egress fairlead-controller; for i in {1..600}; do curl -fsk https://localhost/readyz >/dev/null && exit; sleep 0.1; done; exit 1");
  /** As the controller's user: whether a connection straight to there comes about. */
  const straight = (user: string, port: number): Promise<string> =>
    host.sh(`runuser -u ${user} -- bash -c 'echo >/dev/tcp/${address}/${port}' 2>&1 && echo through || true`);
  /** Something of the host's that passes all on to another place. */
  const door = (unit: string, listen: string, to: string): Promise<string> =>
    host.sh(`systemd-run -q --unit=${unit} systemd-socket-activate -l ${listen} /lib/systemd/systemd-socket-proxyd ${to}; for i in {1..300}; do ss -Hltn "src ${listen}" | grep -q . && exit; sleep 0.1; done; exit 1`);

  scenario(world, "[S-SSRF-08] is the controller's only way out, and leads to the internet alone", async () => {
    address = await controllerAddress();
    await names.start(address);
    host = await world.host("egress", { image: "debian12-bare" });
    const name = readdirSync(built("packages")).find((file) => /^fairlead-controller_.*\.deb$/.test(file));
    await host.copy(join(built("packages"), name!), "/root/controller.deb");
    await host.sh("DEBIAN_FRONTEND=noninteractive apt-get -qq -y install /root/controller.deb 2>&1", { timeoutMs: 180_000 });
    assert.equal(await host.sh("systemctl is-active fairlead-egress fairlead-firewall || true"), "inactive\ninactive\n");
    assert.equal(await host.sh("stat -c '%U %a' /etc/fairlead/egress.yaml"), "root 644\n");
    await giveNft(host);
    const said = await host.sh("fairlead-controller init --admin ada@fairlead.test --name localhost --listen 127.0.0.1:443 && systemctl enable --now fairlead-controller");
    assert.equal(await host.sh("systemctl is-active fairlead-egress fairlead-firewall"), "active\nactive\n");
    assert.match(await host.sh("cat /etc/fairlead/controller.yaml"), /^egress:\n {2}socket: "\/run\/fairlead-egress\/egress\.sock"$/m);
    assert.match(await host.sh("fairlead-egress config check"), /is fine/);
    await host.sh("for i in {1..600}; do curl -fsk https://localhost/readyz >/dev/null && exit; sleep 0.1; done; exit 1");

    // Something at an address on the internet, and at one that is not.
    await host.sh(`ip address add ${onTheInternet}/32 dev lo; rm -f /etc/resolv.conf; echo 'nameserver ${address}' >/etc/resolv.conf`);
    await host.sh(`systemd-run -q --unit=inet systemd-socket-activate -l ${onTheInternet}:443 --inetd -a cat; for i in {1..300}; do ss -Hltn "src ${onTheInternet}" | grep -q . && exit; sleep 0.1; done; exit 1`);

    /** As the controller's user: the status that the egress answers, and its words. */
    const ask = async (place: string, ...more: string[]) =>
      host.sh(`runuser -u fairlead-controller -- curl -s -m 6 --unix-socket /run/fairlead-egress/egress.sock -X CONNECT --request-target '${place}' -w ' %{http_code}' ${more.map((one) => `-H '${one}'`).join(" ")} http://egress/ || true`);
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
    const log = await host.sh("journalctl --sync || true; journalctl --no-pager -u fairlead-egress");
    assert.match(log, /refused.*mixed\.example\.org:443/);
    assert.match(log, /connection.*hooks\.example\.org:443/);

    // Nobody else is served, and the file that others could change is not read.
    assert.match(await host.sh("curl -s -m 6 --unix-socket /run/fairlead-egress/egress.sock -w '%{http_code}' http://egress/ || true"), /^000/);
    assert.match(await host.sh("cp /etc/fairlead/egress.yaml /tmp/open.yaml; chmod 0666 /tmp/open.yaml; fairlead-egress config check --config /tmp/open.yaml 2>&1 || true"), /can be changed by others/);
    const score = await host.sh("systemd-analyze security --no-pager fairlead-egress.service | tail -n 1");
    assert.ok(Number(/: ([0-9.]+)/.exec(score)?.[1]) <= 2.0, score);

    // The firewall: straight out there is nothing for the controller's user; this machine and answers remain.
    const { port } = await world.controller();
    assert.match(await straight("nobody", port), /through/);
    assert.doesNotMatch(await straight("fairlead-controller", port), /through/);
    assert.match(await host.sh("runuser -u fairlead-controller -- curl -sk -o /dev/null -w '%{http_code}' https://localhost/readyz"), /200/);

    // Whoever comes from elsewhere has the same controller.
    await door("console", `${host.ip}:443`, "127.0.0.1:443");
    api = new Api({ address: host.ip, port: 443, name: "localhost", ca: await host.sh("curl -fsk https://localhost/ca.pem") });
    const session = await api.call<Session>("POST", "/api/v1/setup", { body: { token: /([A-Za-z0-9_-]{20,})\s*$/m.exec(said)![1], password: admin.password, name: "Ada" } });
    org = `/api/v1/orgs/${session.orgs[0]!.id}`;
  });

  scenario(world, "lets mail to the one server that root names, by STARTTLS from end to end, and to no other", async () => {
    mail = await MailServer.start(join(world.dir, "mail"), { address, host: "mail.example.org" });
    names.answers.set("mail.example.org", [[address]]); // which is not on the internet
    await host.write("/etc/fairlead/mail-ca.pem", readFileSync(join(world.dir, "mail/ca.pem"), "utf8"));
    await host.write("/etc/fairlead/mail-password", "sesame of the tests\n");
    await host.sh("chown fairlead-controller /etc/fairlead/mail-password; chmod 0400 /etc/fairlead/mail-password; chmod 0644 /etc/fairlead/mail-ca.pem");
    const config = mail.config.replace(/password_file: .*/, "password_file: /etc/fairlead/mail-password").replace(/ca: .*/, "ca: /etc/fairlead/mail-ca.pem");
    await host.write("/root/mail.yaml", config);
    await host.sh("cat /root/mail.yaml >>/etc/fairlead/controller.yaml");
    await restart();
    const place = `mail.example.org:${mail.port}`;
    await poll("the journal says why", 30_000, async () =>
      (await host.sh("journalctl --no-pager -u fairlead-controller --grep 'No mail goes out'")).includes(place) || undefined, 300);
    await api.post(`${org}/invitations`, { email: "early@example.org", role: "viewer" });
    const told = await poll("the mail is refused", 60_000, async () => {
      const { data } = await api.get<List<{ email: string; last_error: string }>>("/api/v1/installation/links");
      return data.find((one) => one.email === "early@example.org" && one.last_error)?.last_error;
    }, 100);
    assert.match(told, new RegExp(`smtp: "${place}" into /etc/fairlead/egress\\.yaml`));
    assert.deepEqual(mail.mails, []);

    await host.sh(`echo 'smtp: "${place}"' >>/etc/fairlead/egress.yaml; fairlead-egress config check`);
    await restart();
    await api.post(`${org}/invitations`, { email: "bob@example.org", role: "viewer" });
    assert.match((await mail.next("bob@example.org")).text, /https:\/\/localhost\/\S+/);
    assert.match((await mail.next("early@example.org", 60_000)).text, /https:\/\/localhost\/\S+/);
    // The firewall is as it was, and what is let to mail is let to nothing else.
    assert.doesNotMatch(await straight("fairlead-controller", mail.port), /through/);
    assert.match(await straight("nobody", mail.port), /through/);
    const hook = await api.send<Problem>("POST", `${org}/webhooks`, { body: { url: `https://${place}/` } });
    assert.deepEqual([hook.status, hook.body.errors?.[0]?.field], [400, "url"], hook.text);
    assert.match(await host.sh(`runuser -u fairlead-controller -- curl -s -m 6 --unix-socket /run/fairlead-egress/egress.sock -X CONNECT --request-target '${place}' -w ' %{http_code}' http://egress/ || true`), / 403$/);
    assert.match(await host.sh(`runuser -u fairlead-controller -- curl -s -m 6 -x socks5h://localhost/run/fairlead-egress/egress.sock http://hooks.example.org:443/ 2>&1 || echo refused`), /refused/);
    assert.match(await host.sh("journalctl --sync || true; journalctl --no-pager -u fairlead-egress"), new RegExp(`connection.*${place}`));
  });

  scenario(world, "takes a webhook nowhere but where its name led when it was judged, at every delivery [S-SSRF-02]", async () => {
    const name = "changing.example.org";
    receiver = await Receiver.start(folder(join(world.dir, "receiver")), { address, names: [`DNS:${name}`] });
    const { came } = receiver;
    await host.sh("systemctl stop inet");
    await door("hooks", `${onTheInternet}:443`, receiver.place);
    await host.write("/etc/fairlead/own-ca.pem", readFileSync(receiver.ca, "utf8"));
    await host.sh("chmod 0644 /etc/fairlead/own-ca.pem; sed -i 's|^  socket: .*egress.sock.*|&\\n  ca: /etc/fairlead/own-ca.pem|' /etc/fairlead/controller.yaml");
    await restart();
    const add = async (path: string, events: string[]): Promise<string> =>
      `${org}/webhooks/${(await api.post<{ webhook: { id: string } }>(`${org}/webhooks`, { url: `https://${name}${path}`, events })).webhook.id}`;
    interface Delivery { id: string; state: string; attempts: number; error: { code: string } | null }
    const hook = await add("/hook", ["server.enrolled"]); // of which there is none
    const ping = async (): Promise<[string, string | undefined]> => {
      const { id } = await api.post<Delivery>(`${hook}/test`);
      const over = await poll("the test is over", 90_000, async () => {
        const { delivery } = await api.get<{ delivery: Delivery }>(`${hook}/deliveries/${id}`);
        return delivery.state === "waiting" ? undefined : delivery;
      }, 50);
      return [over.state, over.error?.code];
    };
    const inside = ["127.0.0.1"]; // where the controller itself answers at that port
    names.answers.set(name, [[onTheInternet]]);
    assert.deepEqual(await ping(), ["delivered", undefined]);
    assert.equal(came.length, 1);
    for (const answers of [inside, ["169.254.169.254"], ["10.0.0.1"], [onTheInternet, ...inside], [...inside, onTheInternet]]) {
      names.answers.set(name, [answers]);
      assert.deepEqual(await ping(), ["failed", "address_refused"], answers.join());
    }
    assert.equal(came.length, 1, "nothing was sent");
    // It changes its mind between two questions of one delivery: what was judged is what is called.
    names.answers.set(name, [[onTheInternet], inside]);
    assert.deepEqual(await ping(), ["delivered", undefined]);
    assert.equal(came.length, 2);
    assert.deepEqual(await ping(), ["failed", "address_refused"]);

    // And between a delivery's attempts.
    names.answers.set(name, [[onTheInternet]]);
    receiver.answer = (request, response) => {
      if (request.url === "/retried") names.answers.set(name, [inside]);
      response.writeHead(request.url === "/retried" ? 500 : 204).end();
    };
    const retried = await add("/retried", ["audit.checkpoint"]);
    const second = await poll("the second attempt", 90_000, async () => {
      const { data } = await api.get<List<Delivery>>(`${retried}/deliveries`);
      return data.find((one) => one.attempts >= 2);
    }, 200);
    assert.equal(second.error?.code, "address_refused");
    assert.equal(came.length, 3);
  });

  scenario(world, "and the firewall go with what the package brought", async () => {
    const { port } = await world.controller();
    await host.sh("systemctl disable --now fairlead-firewall");
    assert.match(await straight("fairlead-controller", port), /through/);
    assert.equal(await host.sh("nft list tables"), "");
    await host.sh("rm -f /etc/fairlead/mail-password /etc/fairlead/mail-ca.pem /etc/fairlead/own-ca.pem"); // the operator's own
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
