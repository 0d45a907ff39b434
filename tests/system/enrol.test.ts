// The pasted command, on real systems: what it does, what it refuses, and what the agent is afterwards.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Image } from "./lib/host.ts";
import type { List, Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("enrolment by the pasted command", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "brings a server online, tells its facts, and is harmless twice", async () => {
    const { host, server } = await world.server("first");
    const facts = server.facts as { os: { id: string; version: string }; postgresql: { running: boolean } };
    assert.equal(`${facts.os.id} ${facts.os.version}`, "debian 12");
    assert.equal(facts.postgresql.running, true);

    const identity = "sha256sum /var/lib/fairlead/link/identity.json";
    const before = await host.sh(identity);
    const again = await world.paste(host, await world.enrolCommand());
    assert.match(again.stdout, /already/);
    assert.equal(await host.sh(identity), before);
    const { data } = await (await world.api()).get<List<Server>>(`${await world.org()}/servers`);
    assert.deepEqual(data.map((one) => one.name), [host.name]);
  });

  for (const image of ["debian12-bare", "debian13-bare"] satisfies Image[]) {
    scenario(world, `works on ${image}, with nothing but curl and bash [S-GEN-02]`, async () => {
      const { server } = await world.server(image, { image });
      assert.equal(server.status, "online");
      const ping = await (await world.api()).post<Operation>(`${await world.org()}/servers/${server.id}/ping`);
      await world.succeeded(ping, 60_000);
    });
  }

  scenario(world, "needs no inbound port, opens none, and only dials out [S-TUN-02] [S-TUN-03]", async () => {
    const host = await world.host("closed");
    // Everything inbound is dropped but answers to what the server itself began.
    await host.sh(`nft add table inet closed
      nft 'add chain inet closed input { type filter hook input priority 0; policy drop; }'
      nft add rule inet closed input iif lo accept
      nft add rule inet closed input ct state established,related accept`);
    const { server } = await world.enrol(host);
    await world.succeeded(await (await world.api()).post(`${await world.org()}/servers/${server.id}/ping`), 60_000);
    const listening = await host.sh("ss -Hltunp | grep -v '127.0.0.1\\|\\[::1\\]' || true");
    assert.equal(listening, "");
    const links = await host.sh("ss -Htnp state established | grep fairlead || true");
    assert.match(links, /10\.\d+\.0\.1:\d+/);
  });

  scenario(world, "leaves a link without root or capabilities, and an executor on no network socket [X-POL-02]", async () => {
    const { host } = await world.server("apart");
    const link = (await host.sh("systemctl show -P MainPID fairlead-link")).trim();
    assert.equal((await host.sh(`stat -c %U /proc/${link}`)).trim(), "fairlead");
    const status = await host.sh(`cat /proc/${link}/status`);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) assert.match(status, new RegExp(`${set}:\\s*0+\\n`));
    assert.match(status, /NoNewPrivs:\s*1/);

    await world.succeeded(await (await world.api()).post(`${await world.org()}/servers/${(await online(host.name)).id}/ping`), 60_000);
    const sockets = await host.sh("ss -Hlxp | grep executor.sock; stat -c '%U:%G %a' /run/fairlead/executor.sock");
    assert.match(sockets, /root:fairlead 660/);
    assert.equal(await host.sh("ss -Htunap | grep fairlead | grep -v ESTAB || true"), "");
    const score = await host.sh("systemd-analyze security --no-pager fairlead-link.service | tail -n 1");
    assert.ok(Number(/: ([0-9.]+)/.exec(score)?.[1]) <= 3.0, score);
  });

  scenario(world, "refuses a token that is used up, revoked or mistyped, and leaves nothing behind", async () => {
    const api = await world.api();
    const org = await world.org();
    const host = await world.host("refused", { image: "debian12-bare" });
    const footprint = () => host.sh("ls -d /etc/fairlead /var/lib/fairlead /usr/bin/fairlead-agent 2>/dev/null || true; getent passwd fairlead || true");

    const revoked = await api.post<{ registration_token: { id: string }; command: string }>(`${org}/registration-tokens`, { name: "revoked" });
    await api.call("DELETE", `${org}/registration-tokens/${revoked.registration_token.id}`);
    const refusedToken = await world.paste(host, revoked.command, false);
    assert.notEqual(refusedToken.code, 0);
    assert.match(refusedToken.stderr, /token.*revoked/i);
    assert.equal(await footprint(), "");

    const used = await world.enrolCommand("used");
    await world.paste(await world.host("user", { image: "debian12-bare" }), used);
    assert.match((await world.paste(host, used, false)).stderr, /token.*used (up|1 of 1)/i);
    assert.equal(await footprint(), "");

    const mistyped = used.replace(/flt_(\w)/, "flt_x$1x");
    assert.match((await world.paste(host, mistyped, false)).stderr, /token/i);
    assert.equal(await footprint(), "");
  });

  scenario(world, "refuses a controller that is not the one the command was made for, and one that is away", async () => {
    const host = await world.host("pinned", { image: "debian12-bare" });
    const command = await world.enrolCommand();
    const other = command.replaceAll(/sha256\/\/[A-Za-z0-9+/]{43}=/g, `sha256//${"A".repeat(43)}=`);
    assert.notEqual(other, command);
    assert.notEqual((await world.paste(host, other, false)).code, 0);

    const away = command.replaceAll(/:(\d{4,5})\//g, ":1/");
    assert.notEqual((await world.paste(host, away, false)).code, 0);
    assert.equal(await host.sh("ls -d /etc/fairlead /usr/bin/fairlead-agent 2>/dev/null || true"), "");
  });

  scenario(world, "is taken back by --uninstall", async () => {
    const { host } = await world.server("leaving");
    await host.sh("mkdir -p /var/lib/fairlead/environments/kept && touch /var/lib/fairlead/environments/kept/data");
    const command = (await world.enrolCommand()).replace(/--token .*/, "--uninstall");
    await world.paste(host, command);
    assert.equal(await host.sh("systemctl list-unit-files 'fairlead*' --no-legend || true; command -v fairlead-agent || true"), "");
    await host.sh("test -e /var/lib/fairlead/environments/kept/data");
    await world.until(`${host.name} is offline`, 60_000, async () => ((await online(host.name, false)).status !== "online" ? true : undefined));
  });

  scenario(world, "a revoked server is cut at once and stays out, and says so itself [S-PRIV-02]", async () => {
    const { host, server } = await world.server("revoked");
    const api = await world.api();
    await api.post(`${await world.org()}/servers/${server.id}/revoke`, { reason: "stolen" }, { "X-Confirm": server.name });
    // Before the link's next heartbeat, which comes after 15 s.
    await poll("the link is cut", 12_000, async () =>
      (await host.sh("ss -Htn state established | grep -c '10\\..*\\.0\\.1:' || true")).trim() === "0" ? true : undefined);
    await host.sh("systemctl restart fairlead-link");
    const said = await host.exec(["bash", "-c", "for i in {1..300}; do journalctl -b --no-pager -u fairlead-link | grep -i revoked && exit; sleep 0.1; done; exit 1"]);
    assert.match(said.stdout, /revoked/i);
    assert.equal((await online(host.name, false)).status, "revoked");
  });

  async function online(name: string, must = true): Promise<Server> {
    const { data } = await (await world.api()).get<List<Server>>(`${await world.org()}/servers?limit=200`);
    const found = data.find((one) => one.name === name);
    assert.ok(found && (!must || found.status === "online"), `${name} is not ${must ? "online" : "listed"}`);
    return found;
  }
});
