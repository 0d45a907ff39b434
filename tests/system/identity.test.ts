// Who may talk to whom: agents with certificates that are not good, controllers that are not the right one, enrolments
// sent twice, and how a server keeps its identity over expiry, renewal and a new authority.
import assert from "node:assert/strict";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { Api } from "./lib/api.ts";
import type { Host } from "./lib/host.ts";
import { newId } from "./lib/direct.ts";
import { built } from "./lib/paths.ts";
import { callAs, FalseController, helloOf } from "./lib/peers.ts";
import { makeAuthority, makeRequest } from "./lib/pki.ts";
import { run } from "./lib/process.ts";
import { Authority, type KeyPair, steal } from "./lib/stolen.ts";
import type { List, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, type World, worldOfSuite } from "./lib/world.ts";

const folder = "/var/lib/fairlead/link";

/** What a server has to show: `fairlead-agent status`, whatever it ends with. */
async function status(host: Host): Promise<string> {
  const said = await host.exec(["fairlead-agent", "status"], { check: false });
  return said.stdout + said.stderr;
}

/** Waits until status says something. */
function says(host: Host, pattern: RegExp, ms = 90_000): Promise<string> {
  return poll(`status says ${pattern}`, ms, async () => {
    const said = await status(host);
    return pattern.test(said) ? said : Promise.reject(new Error(said));
  }, 500);
}

/** Waits until the link's journal says something: it is written a moment after what it tells of. */
const tells = (host: Host, pattern: RegExp): Promise<string> => poll(`the journal says ${pattern}`, 30_000, async () => {
  const said = await host.sh("journalctl -b --no-pager -u fairlead-link");
  return pattern.test(said) ? said : undefined;
}, 300);

/** Gives the agent another certificate for the key that it has. */
async function putCertificate(host: Host, certificate: string): Promise<void> {
  await host.write(`${folder}/certificate.pem`, certificate);
  await host.sh(`chown fairlead:fairlead ${folder}/certificate.pem; chmod 600 ${folder}/certificate.pem; systemctl restart fairlead-link`);
}

describe("an agent that is not what it says", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "is refused by name on both sides: foreign, expired, another organization's, another key's, unknown, none [S-PRIV-02]", async () => {
    const { host, server } = await world.server("victim");
    const controller = await world.controller();
    const endpoint = await controller.endpoint();
    const { authority } = await steal(controller);
    const foreign = await Authority.foreign(authority);
    const org = (await world.org()).split("/").at(-1)!;
    const key = await host.sh(`cat ${folder}/key.pem`);
    const good = { server: server.id, org, key };

    const byTls: [string, Partial<KeyPair>, RegExp, RegExp][] = [
      ["another authority's", await foreign.agent(good), /UNKNOWN_CA/, /tls_client_unknown_authority/],
      ["expired", await authority.agent({ ...good, from: -31, to: -1 }), /CERTIFICATE_EXPIRED/, /tls_client_expired/],
      ["not valid yet", await authority.agent({ ...good, from: 1, to: 2 }), /CERTIFICATE/, /tls_client_not_yet_valid/],
      ["a server's instead of an agent's", await authority.server("srv"), /UNSUPPORTED_CERTIFICATE|CERTIFICATE/, /tls_client_refused/],
      ["none", {}, /CERTIFICATE_REQUIRED/, /tls_client_required/],
    ];
    for (const [what, pair, alert, code] of byTls) {
      const before = controller.log.length;
      const taken = await callAs(endpoint, pair);
      assert.match(taken.tls ?? "it was let in", alert, what);
      await poll(`the controller names ${what}`, 30_000, async () => (code.test(controller.log.slice(before)) ? true : undefined));
    }
    const byName: [string, KeyPair, string][] = [
      ["another organization's", await authority.agent({ ...good, org: newId("org") }), "server_unknown"],
      ["for another key", await authority.agent({ ...good, key: undefined }), "server_unknown"],
      ["of a server that nobody enrolled", await authority.agent({ ...good, server: newId("srv") }), "server_unknown"],
      ["of no server at all", await authority.agent({ ...good, server: "root" }), "server_unknown"],
    ];
    for (const [what, pair, code] of byName) {
      const before = controller.log.length;
      const { answer } = await callAs(endpoint, pair);
      assert.deepEqual([answer?.type, answer?.code], ["refused", code], what);
      await poll(`the controller names ${what}`, 30_000, async () =>
        controller.log.slice(before).includes("an agent was refused") && controller.log.slice(before).includes(code) ? true : undefined);
    }
    // None of them disturbed the true one.
    const { data } = await (await world.api()).get<List<Server>>(`${await world.org()}/servers`);
    assert.deepEqual(data.map((one) => [one.id, one.status]), [[server.id, "online"]]);
  });

  scenario(world, "and its own words tell why: fairlead-agent status and the journal [S-PRIV-02]", async () => {
    const { host, server } = await world.server("words");
    const { authority } = await steal(await world.controller());
    const org = (await world.org()).split("/").at(-1)!;
    const key = await host.sh(`cat ${folder}/key.pem`);
    const before = await host.sh(`cat ${folder}/certificate.pem`);
    const said = await says(host, /is online with/); // the agent writes it down just after the controller knows
    assert.match(said, /certificate: {2}good until 20\d\d-.*\(29 days\), SHA-256 [0-9a-f]{64}/);
    assert.match(said, new RegExp(`controller: {3}controller\\.fairlead\\.test:\\d+ online since`));
    assert.match(said, new RegExp(`${server.id} is online with .*\\n$`));

    await putCertificate(host, (await authority.agent({ server: server.id, org: newId("org"), key })).certificate);
    await says(host, /server_unknown/);
    await tells(host, /server_unknown/);
    await says(host, /controller: {3}.* refused since .*This controller does not know the server/);

    await putCertificate(host, before);
    await says(host, /is online with/);
    await (await world.api()).post(`${await world.org()}/servers/${server.id}/revoke`, { reason: "test" }, { "X-Confirm": server.name });
    await says(host, /\(revoked\)/);
    // With a fresh certificate of the authority itself it stays out too: it is the server that is revoked.
    const stolen = await authority.agent({ server: server.id, org, key });
    const { answer } = await callAs(await (await world.controller()).endpoint(), stolen);
    assert.deepEqual([answer?.type, answer?.code], ["refused", "revoked"]);
  });

  scenario(world, "an enrolment or a recovery that is sent twice is refused by name [S-PRIV-02]", async () => {
    const api = await world.api();
    const controller = await world.controller();
    const stranger = api.stranger();
    const csr = await makeRequest(join(world.dir, "twice"));
    const { command } = await api.post<{ command: string }>(`${await world.org()}/registration-tokens`, { name: "once" });
    const token = /flt_\w+/.exec(command)![0];
    const body = { token, csr, name: "twice", capability: 1, agent_version: "0.0.0", facts: {} };
    const first = await stranger.send<{ server_id: string; certificate: string }>("POST", "/api/v1/agent/enroll", { body });
    assert.equal(first.status, 201, first.text);
    const second = await stranger.send<{ code: string }>("POST", "/api/v1/agent/enroll", { body });
    assert.deepEqual([second.status, second.body.code], [403, "token_used_up"]);
    interface Entry { result: string; after: { code?: string } }
    const audit = await api.get<List<Entry>>(`${await world.org()}/audit?action=server.enroll`);
    assert.equal(audit.data[0]?.result, "refused");
    assert.equal(audit.data[0]?.after.code, "token_used_up");

    const server_id = first.body.server_id;
    const { challenge } = await stranger.call<{ challenge: string }>("POST", "/api/v1/agent/recover/challenge", { body: { server_id } });
    const key = createPrivateKey(readFileSync(join(world.dir, "twice", "request.key")));
    const der = Buffer.from(csr.replaceAll(/-----.*-----|\s/g, ""), "base64");
    const text = `fairlead-recover/1\n${server_id}\n${challenge}\n${createHash("sha256").update(der).digest("hex")}`;
    const recover = { server_id, challenge, csr, signature: sign("sha256", Buffer.from(text), key).toString("base64url") };
    assert.equal((await stranger.send("POST", "/api/v1/agent/recover", { body: recover })).status, 200);
    const replayed = await stranger.send<{ code: string }>("POST", "/api/v1/agent/recover", { body: recover });
    assert.deepEqual([replayed.status, replayed.body.code], [403, "challenge_invalid"]);
    const forged = await stranger.call<{ challenge: string }>("POST", "/api/v1/agent/recover/challenge", { body: { server_id } });
    const wrong = await stranger.send<{ code: string }>("POST", "/api/v1/agent/recover", { body: { ...recover, challenge: forged.challenge } });
    assert.deepEqual([wrong.status, wrong.body.code], [403, "signature_invalid"]);
    stranger.close();

    // A hello that comes twice on one link, or something else before it.
    const pair = { key: readFileSync(join(world.dir, "twice", "request.key"), "utf8"), certificate: first.body.certificate };
    const endpoint = await controller.endpoint();
    assert.equal((await callAs(endpoint, pair, { type: "reports", reports: [] })).answer?.type, "refused");
    const open = await callAs(endpoint, pair);
    assert.equal(open.answer?.type, "welcome");
    open.socket!.send(JSON.stringify(helloOf()));
    assert.equal((await open.socket!.closed).code, 1002);
  });
});

describe("a controller that is not the right one", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "is refused by name, and learns nothing: another authority's certificate, its own, an expired one [S-PRIV-02]", async () => {
    const { host } = await world.server("careful");
    const controller = await world.controller();
    const { authority } = await steal(controller);
    const foreign = await Authority.foreign(authority);
    await controller.stop();
    for (const pair of [await foreign.server("controller.fairlead.test"), await foreign.server("evil.example")]) {
      const hostile = await FalseController.start(controller.address, controller.port, pair);
      try {
        assert.match(await hostile.refused(), /UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN/);
        await says(host, /refused since .*certificate of controller\.fairlead\.test.*\(tls_unknown_authority\)/);
        await assert.rejects(hostile.link(1000));
      } finally {
        await hostile.stop();
      }
    }
    await tells(host, /tls_unknown_authority/);
    await controller.start();
    await says(host, /is online with/);
  });
});

/** The agent's certificate, as it would be from some days ago to some days from now. */
async function aged(world: World, { host, server }: Enrolled, from: number, to: number): Promise<void> {
  const { authority } = await steal(await world.controller());
  const key = await host.sh(`cat ${folder}/key.pem`);
  const org = (await world.org()).split("/").at(-1)!;
  await putCertificate(host, (await authority.agent({ server: server.id, org, key, from, to })).certificate);
}

async function look(world: World, server: Server): Promise<Server> {
  return (await world.api()).get<Server>(`${await world.org()}/servers/${server.id}`);
}

describe("a server's identity over time", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "after a third of its life a certificate is renewed over the link, and the link stays", async () => {
    const on = await world.server("renews");
    const first = on.server.certificate.serial;
    await aged(world, on, -11, 19);
    await says(on.host, /good until .*\(29 days\)/, 90_000);
    const now = await look(world, on.server);
    assert.notEqual(now.certificate.serial, first);
    assert.equal(now.certificate.recoveries_left, 3);
    const link = (await on.host.sh("systemctl show -P MainPID fairlead-link")).trim();
    await tells(on.host, /the certificate was renewed/);
    // And it is good for the next one.
    const controller = await world.controller();
    await controller.stop();
    await controller.start();
    await says(on.host, /is online with/, 90_000);
    assert.equal((await on.host.sh("systemctl show -P MainPID fairlead-link")).trim(), link);
  });

  scenario(world, "one that ran out is recovered three times and no more; a new token then brings the server back", async () => {
    const on = await world.server("expires");
    for (let left = 2; left >= 0; left--) {
      await aged(world, on, -31, -1);
      await says(on.host, /good until .*\(29 days\)[^]*is online with/, 90_000);
      assert.equal((await look(world, on.server)).certificate.recoveries_left, left);
    }
    await tells(on.host, /tls_client_expired/);
    assert.match((await world.controller()).log, /tls_client_expired/);
    await aged(world, on, -31, -1);
    const said = await says(on.host, /recoveries_used_up/);
    assert.match(said, /EXPIRED on 20\d\d/);
    assert.match(said, /recovered 3 times, which is the most\. Enrol it again with a new token/);
    interface Entry { result: string; action: string }
    const audit = await (await world.api()).get<List<Entry>>(`${await world.org()}/audit?target=${on.server.id}&action=server.recover`);
    assert.deepEqual(audit.data.map((one) => one.result), ["refused", "ok", "ok", "ok"]);
    // What it says is true.
    await world.paste(on.host, await world.enrolCommand());
    await says(on.host, /is online with/);
  });

});

describe("a new authority", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "ca rotate moves live agents to a new authority, and waits for those that lag", async () => {
    const live = await world.server("live");
    const asleep = await world.server("asleep");
    const controller = await world.controller();
    const ca = async (...args: string[]): Promise<string> => {
      const said = await run(built("controller/fairlead-controller"), ["ca", ...args, "--config", controller.config], { check: false });
      return said.stdout + said.stderr;
    };
    const trusted = async (host: Host): Promise<number> => Number((await host.sh(`grep -c BEGIN ${folder}/ca.pem`)).trim());
    const issuer = (host: Host): Promise<string> => host.sh(`openssl x509 -noout -issuer -in ${folder}/certificate.pem`);
    const old = await issuer(live.host);

    await asleep.host.sh("systemctl stop fairlead-link");
    assert.match(await ca("rotate"), /announced/);
    await poll("the live agent has been told", 90_000, async () => ((await trusted(live.host)) === 2 ? true : undefined), 500);
    await says(live.host, /is online with/);
    // The other one has not: the rotation says who, and stops.
    const lags = await poll("all others know", 60_000, async () => {
      const said = await ca("rotate");
      return said.includes(live.server.id) ? undefined : said;
    }, 1000);
    assert.match(lags, new RegExp(`do not know.*${asleep.server.id}`));
    await asleep.host.sh("systemctl start fairlead-link");
    await says(asleep.host, /is online with/);
    await poll("both know", 60_000, async () => (/ 0 do not know it$/m.test((await ca("list")).split("\n").at(-2) ?? "") ? true : undefined), 1000);
    await asleep.host.sh("systemctl stop fairlead-link");
    assert.match(await ca("rotate"), /issues from now on/);
    // A restart that shows everybody the controller's certificate of the new authority.
    await controller.stop();
    await controller.start();
    await says(live.host, /is online with/, 90_000);
    assert.match(await ca("rotate"), new RegExp(`still show a certificate.*${live.server.id}`, "s"));
    await aged(world, live, -11, 19); // of the authority that issues now; agents renew anyway after a third
    await says(live.host, /\(29 days\)/, 90_000);
    assert.notEqual(await issuer(live.host), old);
    assert.match(await ca("rotate"), new RegExp(`still show a certificate.*${asleep.server.id}`, "s"));
    assert.match(await ca("rotate", "--force"), /dropped/);
    await poll("the old authority is gone at the agent", 120_000, async () => {
      await live.host.sh("systemctl restart fairlead-link");
      await says(live.host, /is online with/);
      return (await trusted(live.host)) === 1 ? true : undefined;
    }, 1000);
    // Who slept through it comes back by itself: it still has its key, and the controller's.
    await controller.stop();
    await controller.start();
    await asleep.host.sh("systemctl start fairlead-link");
    await says(asleep.host, /is online with/, 120_000);
    await tells(asleep.host, /tls_client_unknown_authority/);
    assert.equal((await look(world, asleep.server)).certificate.recoveries_left, 2);
    assert.notEqual(await issuer(asleep.host), old);
  }, 900_000);
});

describe("the operator's own certificate", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work

  scenario(world, "on a controller whose agents had pinned another loses none of them, also when theirs runs out", async () => {
    const on = await world.server("before");
    const controller = await world.controller();
    const stolen = await steal(controller);
    const authority = await makeAuthority(join(world.dir, "operator"), "An authority that no server knows");
    const { key, certificate } = await authority.issue("public", ["DNS:controller.fairlead.test"]);
    writeFileSync(join(world.dir, "public.pem"), certificate);
    writeFileSync(join(world.dir, "public.key"), key, { mode: 0o600 });
    appendFileSync(controller.config, `\ncertificate:\n  chain: ${join(world.dir, "public.pem")}\n  key: ${join(world.dir, "public.key")}\n`);
    await controller.stop();
    await controller.start();
    const shown = await run("openssl", ["s_client", "-connect", `${controller.address}:${controller.port}`, "-servername", "controller.fairlead.test"], { check: false });
    assert.match(shown.stdout, /An authority that no server knows/);
    await says(on.host, /is online with/, 90_000);
    const org = (await world.org()).split("/").at(-1)!;
    const own = await on.host.sh(`cat ${folder}/key.pem`);
    await putCertificate(on.host, (await stolen.authority.agent({ server: on.server.id, org, key: own, from: -31, to: -1 })).certificate);
    await says(on.host, /\(29 days\)[^]*is online with/, 90_000);
    await tells(on.host, /a new one was recovered/);

    // A server that does not know that authority is told so when it is to join; one that knows it joins without a pin.
    await controller.stop();
    await controller.start();
    const stranger = await world.host("stranger", { image: "debian12-bare" });
    const base = `https://controller.fairlead.test:${controller.port}`;
    const join_ = `curl -fsSL ${base}/install.sh | bash -s -- --token flt_none`;
    const refused = await world.paste(stranger, join_, false);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /certificate/i);
    assert.equal(await stranger.sh("ls -d /etc/fairlead /usr/bin/fairlead-agent 2>/dev/null || true"), "");
  });

  scenario(world, "of an authority that the server knows needs no pin, and its agents outlive it", async () => {
    const controller = await world.controller();
    const host = await world.host("knows", { image: "debian12" });
    await host.trust("operator", readFileSync(join(world.dir, "operator", "ca.pem"), "utf8"));
    const base = `https://controller.fairlead.test:${controller.port}`;
    const token = await tokenFor();
    await world.paste(host, `curl -fsSL ${base}/install.sh | bash -s -- --token ${token}`);
    await says(host, /is online with/);
    assert.equal(JSON.parse(await host.sh(`cat ${folder}/identity.json`)).pin, "");
    // The operator goes back to the controller's own.
    const text = readFileSync(controller.config, "utf8");
    writeFileSync(controller.config, text.slice(0, text.indexOf("\ncertificate:")));
    await controller.stop();
    await controller.start();
    await says(host, /is online with/, 90_000);
  });

  /** A token, asked for while the public port shows the operator's certificate. */
  async function tokenFor(): Promise<string> {
    const { address, port } = await world.controller();
    const api = new Api({ address, port, name: "controller.fairlead.test", ca: readFileSync(join(world.dir, "operator", "ca.pem"), "utf8") });
    api.cookie = (await world.api()).cookie;
    const { command } = await api.post<{ command: string }>(`${await world.org()}/registration-tokens`, { name: "public" });
    api.close();
    assert.doesNotMatch(command, /--pin|-k /);
    return /flt_\w+/.exec(command)![0];
  }
});
