// SSH keys: real ones, the sshd of real servers, and native ssh, scp and rsync by the ProxyCommand that the controller hands out.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, describe } from "node:test";
import type { Api, Problem } from "./lib/api.ts";
import { axe, looksGood, Web } from "./lib/browser.ts";
import { controllerName } from "./lib/controller.ts";
import { CrashPoints } from "./lib/crash.ts";
import { artifacts, folder } from "./lib/paths.ts";
import type { Ran } from "./lib/process.ts";
import type { List, Operation, Server } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface Key {
  id: string;
  user: string;
  label: string;
  state: string;
  fingerprint: string;
  problem: string | null;
}

interface Keys {
  data: Key[];
  server: { users: string[]; reachable: boolean; problem: string | null; told_at: string | null };
}

interface Asked {
  key: Key;
  operation: Operation | null;
}

const quiet = "-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes -o ConnectTimeout=20";

describe("SSH keys", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n  key_reads_a_minute: 100000\nplan_of_new_organizations: agency\n");
  let on: Enrolled, other: Enrolled, api: Api, org: string, web: Web, crash: CrashPoints | undefined;

  const path = (of: Enrolled, below = ""): string => `${org}/servers/${of.server.id}/ssh-keys${below}`;
  const keys = (of = on): Promise<Keys> => api.get<Keys>(path(of));
  const states = async (of = on): Promise<string[]> => (await keys(of)).data.map((one) => `${one.label} ${one.state}`);

  /** Root lets keys be kept for these; none: the section is not there. The agent says it anew. */
  async function allow(of: Enrolled, ...users: string[]): Promise<void> {
    await of.host.sh("cp /root/policy.yaml /etc/fairlead/policy.yaml");
    if (users.length) await of.host.sh(`printf 'ssh_keys:\\n  - allow: [${users.join(", ")}]\\n' >>/etc/fairlead/policy.yaml`);
    await of.host.sh("systemctl restart fairlead-link");
    await world.until("the controller knows for whom the server keeps keys", 90_000, async () => {
      const { status } = await api.get<Server>(`${org}/servers/${of.server.id}`);
      return status === "online" && JSON.stringify((await keys(of)).server.users) === JSON.stringify(users) ? true : undefined;
    });
  }
  /** An sshd as Debian has it, a user of the owner's with a key of their own, and pairs to come with. */
  async function prepare(of: Enrolled): Promise<void> {
    await of.host.sh(`
      systemctl -q enable --now ssh
      useradd --create-home --shell /bin/bash deploy
      cp /etc/fairlead/policy.yaml /root/policy.yaml
      mkdir -p /root/pairs; cd /root/pairs
      for name in owner one two three wrong; do ssh-keygen -q -t ed25519 -N '' -C "$name@laptop" -f $name; done
      ssh-keygen -q -t rsa -b 3072 -N '' -C rsa -f rsa
      install -d -m 700 -o deploy -g deploy /home/deploy/.ssh
      install -m 600 -o deploy -g deploy owner.pub /home/deploy/.ssh/authorized_keys
      sha256sum /home/deploy/.ssh/authorized_keys >/root/owners`);
  }
  const half = (of: Enrolled, name: string): Promise<string> => of.host.sh(`cat /root/pairs/${name}.pub`);
  const add = async (of: Enrolled, name: string, user = "deploy"): Promise<Asked> =>
    api.call<Asked>("POST", path(of), { body: { user, label: name, public_key: await half(of, name) } });
  const act = (of: Enrolled, id: string, what: string, body?: unknown): Promise<Asked> => api.call<Asked>("POST", path(of, `/${id}/${what}`), { body });
  const added = async (of: Enrolled, name: string, user = "deploy"): Promise<Key> => {
    const { key, operation } = await add(of, name, user);
    await world.succeeded(operation!);
    return key;
  };
  const ssh = (of: Enrolled, name: string, command = "id -un", user = "deploy"): Promise<Ran> =>
    of.host.exec(["bash", "-c", `ssh ${quiet} -i /root/pairs/${name} ${user}@127.0.0.1 '${command}'`], { check: false, timeoutMs: 60_000 });
  const letsIn = async (of: Enrolled, name: string): Promise<boolean> => (await ssh(of, name)).stdout.trim() === "deploy";
  const clear = async (): Promise<void> => {
    for (const one of (await keys()).data) {
      const { operation } = await act(on, one.id, "revoke");
      if (operation) await world.finished(operation);
    }
    await world.until("no key is left", 60_000, async () => ((await keys()).data.length === 0 ? true : undefined));
  };

  before(async () => {
    [on, other] = await Promise.all([world.server("keyed"), world.server("other")]);
    api = await world.api();
    org = await world.org();
    await api.call("PUT", `${org}/plan`, { body: { plan: "agency" } });
    await Promise.all([prepare(on), prepare(other)]);
  });
  afterEach(() => crash?.disarm().catch(() => undefined)); // also after a test that failed half way
  after(() => web?.close());

  scenario(world, "are kept for nobody unless the server's root allows it, and the refusal says how", async () => {
    const refused = await api.send<Problem>("POST", path(on), { body: { user: "deploy", label: "x", public_key: await half(on, "one") } });
    assert.deepEqual([refused.status, refused.body.code], [409, "ssh_keys_not_allowed"], refused.text);
    assert.match(refused.body.detail, /ssh_keys:\n {2}- allow: \[deploy\]/);
    await allow(on, "deploy");
    const root = await api.send<Problem>("POST", path(on), { body: { user: "root", label: "x", public_key: await half(on, "one") } });
    assert.equal(root.body.code, "ssh_user_not_allowed", root.text);
    assert.match((await on.host.sh("ls /var/lib/fairlead/ssh-keys /etc/ssh/sshd_config.d 2>&1 || true")), /^(?![^]*00-fairlead)/);
  });

  scenario(world, "let in on their server alone, beside what its owner has, which stays as it is [S-SSHK-01]", async () => {
    await allow(other, "deploy");
    const key = await added(on, "one");
    assert.equal(key.fingerprint, /SHA256:\S+/.exec(await on.host.sh("ssh-keygen -lf /root/pairs/one.pub"))![0]);
    assert.deepEqual(await states(), ["one active"]);
    assert.ok(await letsIn(on, "one"));
    assert.ok(await letsIn(on, "owner"), "the owner's own key");
    assert.equal((await ssh(on, "one", "true", "root")).code, 255, "another user");
    // The same pair at the other server, whose sshd looks at its keys too.
    await added(other, "two");
    await on.host.sh("cat /root/pairs/one").then((text) => other.host.write("/root/pairs/foreign", text));
    await other.host.sh("chmod 600 /root/pairs/foreign");
    assert.equal((await ssh(other, "foreign")).code, 255);
    await on.host.sh("sha256sum --quiet -c /root/owners");
    assert.match(await on.host.sh("sshd -T | grep -i authorizedkeysfile"), /\.ssh\/authorized_keys .*\/var\/lib\/fairlead\/ssh-keys\/%u/);
    assert.equal((await on.host.sh("stat -c '%U %a' /var/lib/fairlead/ssh-keys/deploy")).trim(), "root 644");
    await added(on, "rsa");
    assert.ok(await letsIn(on, "rsa"));
  });

  scenario(world, "are public halves: a private one is refused, and is in no answer, no log and on no disk [S-SSHK-04]", async () => {
    const pem = await on.host.sh("cat /root/pairs/wrong");
    const inside = pem.split("\n")[2]!;
    for (const body of [
      { user: "deploy", label: "wrong", public_key: pem },
      { user: "deploy", label: "wrong", public_key: pem.split("\n").slice(1, -2).join("") },
      { user: "deploy", label: pem.slice(0, 90), public_key: await half(on, "wrong") },
      { user: "deploy", label: "wrong", public_key: `${(await half(on, "wrong")).trim()} ${pem}` },
    ]) {
      const answer = await api.send<Problem>("POST", path(on), { body });
      assert.equal(answer.status, 400, answer.text);
      assert.ok(!answer.text.includes(inside));
      assert.match(answer.text, /private key/);
    }
    for (const wrong of ["no-pty ", "command=\"id\" "]) {
      const answer = await api.send<Problem>("POST", path(on), { body: { user: "deploy", label: "x", public_key: wrong + (await half(on, "three")) } });
      assert.match(answer.body.errors?.[0]?.message ?? "", /options/);
    }
    const controller = await world.controller();
    assert.ok(!controller.log.includes(inside));
    const { run } = await import("./lib/process.ts");
    const found = await run("grep", ["-rlaF", inside, controller.data], { check: false });
    assert.equal(found.stdout, "");
    assert.equal(await on.host.sh(`grep -rlaF '${inside}' /var/lib/fairlead /var/log 2>/dev/null || true; journalctl --no-pager | grep -cF '${inside}' || true`).then((said) => said.trim()), "0");
  });

  scenario(world, "are replaced without a moment in which nobody gets in, and the old one goes when the new one was used [S-SSHK-02] [S-CTRL-02]", async () => {
    const old = (await keys()).data.find((one) => one.label === "one")!;
    const { key, operation } = await act(on, old.id, "rotate", { label: "two", public_key: await half(on, "two") });
    await world.succeeded(operation!);
    const early = await world.finished((await act(on, key.id, "finish")).operation!);
    assert.equal(early.error?.code, "ssh_key_unproven", JSON.stringify(early));
    assert.ok(await letsIn(on, "one"), "an unproven key takes nothing away");
    assert.ok(await letsIn(on, "two"));
    await world.succeeded((await act(on, key.id, "finish")).operation!);
    assert.equal((await ssh(on, "one")).code, 255);
    assert.ok(await letsIn(on, "two"));
    assert.deepEqual((await states()).sort(), ["rsa active", "two active"]);
  });

  scenario(world, "lock nobody out when a rotation is killed at any of its records [S-SSHK-02]", async () => {
    crash = await CrashPoints.on(on.host);
    let from = "two", to = "three";
    for (let at = 1; at < 40; at += 1) {
      const old = (await keys()).data.find((one) => one.label === from)!;
      await crash.arm(at);
      const { key, operation } = await act(on, old.id, "rotate", { label: to, public_key: await half(on, to) });
      const over = world.finished(operation!);
      const reached = await crash.reached(over);
      if (reached !== undefined) {
        assert.ok(await letsIn(on, from), `the old key, at record ${reached}`);
        await on.host.sh("systemctl kill -s KILL fairlead-executor.service");
        await crash.disarm();
      }
      await world.succeeded(await over);
      assert.ok(await letsIn(on, from));
      assert.ok(await letsIn(on, to));
      await crash.arm(at);
      const finish = (await act(on, key.id, "finish")).operation!;
      const done = world.finished(finish);
      const stopped = await crash.reached(done);
      if (stopped !== undefined) {
        assert.ok(await letsIn(on, to), `the new key, at record ${stopped}`);
        await on.host.sh("systemctl kill -s KILL fairlead-executor.service");
        await crash.disarm();
      }
      await world.succeeded(await done);
      assert.ok(await letsIn(on, to));
      assert.equal((await ssh(on, from)).code, 255);
      [from, to] = [to, from];
      if (reached === undefined && stopped === undefined) return;
    }
    assert.fail("a rotation has more than 40 records");
  }, 1_800_000);

  scenario(world, "are revoked at any time, with the sessions that began with them and no others [S-SSHK-03]", async () => {
    await clear();
    const key = await added(on, "one");
    const asleep = (name: string, mark: number): void => void ssh(on, name, `sleep ${mark}`).catch(() => undefined);
    asleep("one", 1111);
    asleep("owner", 2222);
    await world.until("both sessions are there", 30_000, async () => ((await on.host.sh("pgrep -fc -u deploy '^sleep (1111|2222)' || true")).trim() === "2" ? true : undefined));
    await world.succeeded((await act(on, key.id, "revoke")).operation!);
    assert.equal((await on.host.sh("pgrep -f -u deploy '^sleep 1111' || true")).trim(), "", "the revoked key's session");
    assert.notEqual((await on.host.sh("pgrep -f -u deploy '^sleep 2222' || true")).trim(), "", "the owner's session");
    assert.equal((await ssh(on, "one")).code, 255);
    assert.doesNotMatch(await on.host.sh("cat /var/lib/fairlead/ssh-keys/deploy"), /ssh-ed25519/);
    assert.deepEqual(await states(), []);
    await on.host.sh("pkill -f -u deploy '^sleep 2222' || true");
    // Away when it was asked: it goes when the server is back.
    const next = await added(on, "one");
    await on.host.sh("systemctl stop fairlead-link");
    await world.until("it is away", 90_000, async () => ((await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "offline" ? true : undefined));
    await act(on, next.id, "revoke");
    assert.deepEqual(await states(), ["one removing"]);
    await on.host.sh("systemctl start fairlead-link");
    await world.until("it is gone", 90_000, async () => ((await keys()).data.length === 0 ? true : undefined));
    assert.equal((await ssh(on, "one")).code, 255);
  });

  scenario(world, "go when the server's policy does not name their user any more, and are shown as missing [X-POL-01]", async () => {
    await added(on, "one");
    await allow(on);
    await world.until("it is missing", 60_000, async () => ((await states()).includes("one missing") ? true : undefined));
    assert.equal((await ssh(on, "one")).code, 255);
    assert.ok(await letsIn(on, "owner"));
    await allow(on, "deploy");
    assert.deepEqual(await states(), ["one missing"], "nothing comes back by itself");
    await clear();
  });

  scenario(world, "leave an owner's own setting of sshd to them, and say what to add there", async () => {
    const mine = "/etc/ssh/sshd_config.d/10-mine.conf";
    await on.host.sh(`rm -f /etc/ssh/sshd_config.d/00-fairlead.conf; echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u' >${mine}; systemctl reload ssh`);
    const { operation } = await add(on, "one");
    const failed = await world.finished(operation!);
    assert.equal(failed.error?.code, "sshd_own_setting", JSON.stringify(failed));
    assert.match(failed.error?.message ?? "", /\/var\/lib\/fairlead\/ssh-keys\/%u/);
    await world.until("the reason is shown", 30_000, async () => ((await keys()).data[0]?.problem ? true : undefined));
    await on.host.sh(`echo 'AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u /var/lib/fairlead/ssh-keys/%u' >${mine}; systemctl reload ssh`);
    await api.call("POST", path(on, "/retry"));
    await world.until("it is in place", 60_000, async () => ((await states()).includes("one active") ? true : undefined));
    assert.ok(await letsIn(on, "one"));
    await clear();
    await on.host.sh(`rm ${mine}; systemctl reload ssh`);
  });

  scenario(world, "are who, what and when in the audit log, with the fingerprint and no more", async () => {
    const key = await added(on, "one");
    await world.succeeded((await act(on, key.id, "revoke")).operation!);
    for (const action of ["ssh_key.add", "ssh_key.revoke"]) {
      const { data } = await api.get<List<{ target: { id: string }; after: Record<string, unknown> }>>(`${org}/audit?action=${action}&limit=200`);
      const entry = data.find((one) => one.target.id === key.id);
      assert.equal(entry?.after.fingerprint, key.fingerprint, action);
      assert.equal(entry.after.user, "deploy");
    }
  });

  scenario(world, "open native ssh, scp and rsync through the controller, to the server's own sshd [S-TERM-07]", async () => {
    const key = await added(on, "one");
    const { api_key, key: secret } = await api.call<{ api_key: { id: string }; key: string }>("POST", `${org}/api-keys`, { body: { name: "ssh", kind: "read_write", permissions: ["ssh.connect"] } });
    const controller = await world.controller();
    // The other server plays somebody's laptop: nothing of the first one is reached but through the controller.
    const laptop = other.host;
    await on.host.sh("cat /root/pairs/one").then((text) => laptop.write("/root/one", text));
    await laptop.write("/root/ca.pem", (await controller.endpoint()).ca);
    await laptop.write("/root/key", secret);
    const url = `https://${controllerName}:${controller.port}`;
    await laptop.sh(`chmod 600 /root/one /root/key
      grep -q '${controllerName}' /etc/hosts || echo '${controller.address} ${controllerName}' >>/etc/hosts
      curl -fsS --cacert /root/ca.pem ${url}/fairlead-ssh -o /usr/local/bin/fairlead-ssh; chmod 755 /usr/local/bin/fairlead-ssh
      mkdir -p -m 700 /root/.ssh
      printf 'Host shop\\n  User deploy\\n  IdentityFile /root/one\\n  ProxyCommand fairlead-ssh ${url} ${org.split("/").at(-1)} ${on.server.id}\\n' >/root/.ssh/config`);
    const client = `export HOME=/root FAIRLEAD_CA=/root/ca.pem FAIRLEAD_KEY_FILE=/root/key`;
    const native = (command: string, options: object = {}): Promise<Ran> => laptop.exec(["bash", "-c", `${client}; ${command}`], { check: false, timeoutMs: 180_000, ...options });

    const said = await native(`ssh ${quiet} shop 'id -un; hostname'`);
    assert.equal(said.stdout, `deploy\n${await on.host.sh("hostname")}`, said.stderr);
    const journal = await on.host.sh("journalctl --no-pager -t sshd | grep 'Accepted publickey for deploy from 127.0.0.1' | tail -1");
    assert.match(journal, new RegExp(key.fingerprint.replaceAll(/[+/]/g, "\\$&")));
    // 20 MB each way, whole; by scp, and by rsync where the image has it.
    const copied = await native(`set -e; head -c 20000000 /dev/urandom >/root/there; scp -q ${quiet} /root/there shop:back; scp -q ${quiet} shop:back /root/here; cmp /root/there /root/here && echo same`);
    assert.equal(copied.stdout, "same\n", copied.stderr);
    if ((await native("command -v rsync")).code === 0) {
      const synced = await native(`set -e; mkdir -p /root/tree; cp /root/there /root/tree/a; echo b >/root/tree/b; rsync -a -e 'ssh ${quiet}' /root/tree/ shop:tree/; rsync -a -e 'ssh ${quiet}' shop:tree/ /root/back/; diff -r /root/tree /root/back && echo same`);
      assert.equal(synced.stdout, "same\n", synced.stderr);
    }
    assert.equal((await native(`ssh ${quiet} -o PubkeyAuthentication=no shop true`)).code, 255, "the API key alone opens nothing");

    // What ends access ends it: the API key revoked, with a session open.
    const open = native(`ssh ${quiet} shop 'echo here; sleep 600'`, { timeoutMs: 120_000 });
    await world.until("it is open", 30_000, async () => ((await on.host.sh("pgrep -f -u deploy '^sleep 600' || true")).trim() ? true : undefined));
    await api.call("DELETE", `${org}/api-keys/${api_key.id}`);
    assert.equal((await open).code, 255);
    const refused = await native(`ssh ${quiet} shop true`);
    assert.match(refused.stderr, /no API key|revoked/, refused.stderr);
    for (const action of ["ssh.open", "ssh.close"]) {
      const { data } = await api.get<List<{ target: { id: string }; after: Record<string, unknown> | null }>>(`${org}/audit?action=${action}&limit=200`);
      assert.ok(data.some((one) => one.target.id === on.server.id), action);
    }
    // A key that only reads opens nothing, whatever it holds.
    const reads = await api.call<{ key: string }>("POST", `${org}/api-keys`, { body: { name: "reads", kind: "read_only", permissions: ["ssh.connect"] } }).catch(() => undefined);
    if (reads) {
      await laptop.write("/root/key", reads.key);
      assert.match((await native(`ssh ${quiet} shop true`)).stderr, /read-only/);
    }
  }, 600_000);

  scenario(world, "are added, replaced and revoked in the console, which shows the fingerprint first and sends no private key", async () => {
    await clear();
    web = await Web.open(await world.controller());
    const page = await web.signedIn();
    const base = new URL(page.url()).pathname.split("/").slice(0, 3).join("/");
    await page.goto(`${base}/servers/${on.server.id}`);
    await page.getByRole("button", { name: "SSH keys", exact: true }).click();
    await page.getByText("No SSH key yet").waitFor();
    assert.deepEqual(await axe(page), [], "no key");
    await page.getByRole("button", { name: "Add key…" }).click();
    const sent: string[] = [];
    page.on("request", (request) => sent.push(request.postData() ?? ""));
    const field = page.getByRole("textbox", { name: "Public key" });
    const pem = await on.host.sh("cat /root/pairs/wrong");
    await field.fill(pem);
    await page.getByText("This is a private key.").waitFor();
    assert.equal(await field.inputValue(), "");
    await field.fill(await half(on, "one"));
    await page.getByText((await on.host.sh("ssh-keygen -lf /root/pairs/one.pub")).split(" ")[1]!).waitFor();
    assert.deepEqual(await axe(page), [], "the form");
    await page.screenshot({ path: join(folder(artifacts), "console-ssh-key-light.png") });
    await page.getByRole("button", { name: "Add key", exact: true }).click();
    await page.getByText("In place", { exact: true }).waitFor();
    assert.ok(sent.every((text) => !text.includes("PRIVATE KEY")));
    assert.ok(await letsIn(on, "one"));

    await page.getByRole("button", { name: "Replace the key one@laptop" }).click();
    await page.getByRole("textbox", { name: "Public key" }).fill(await half(on, "two"));
    await page.getByRole("button", { name: "Add the new key" }).click();
    await page.getByText("A key waits for its first use").waitFor();
    assert.ok(await letsIn(on, "two"));
    await page.getByRole("button", { name: /^Finish: remove one@laptop/ }).click();
    await page.getByText("A key waits for its first use").waitFor({ state: "detached" });
    assert.equal((await ssh(on, "one")).code, 255);
    await page.getByRole("button", { name: "Revoke the key two@laptop" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).last().click();
    await page.getByText("No SSH key yet").waitFor();
    assert.equal((await ssh(on, "two")).code, 255);
    await page.goto(`${base}/servers/${on.server.id}/ssh-keys`);
    await page.getByText("No SSH key yet").waitFor();
    await looksGood(page, "a server without keys");
    assert.deepEqual(web.complaints, []);
  });

  scenario(world, "go with the agent, and when the server is revoked", async () => {
    await added(on, "one");
    await added(other, "three");
    await api.call("POST", `${org}/servers/${on.server.id}/revoke`, { headers: { "X-Confirm": on.server.name } });
    await world.until("the agent has taken them away", 60_000, async () => ((await ssh(on, "one")).code === 255 ? true : undefined));
    await on.host.sh("test ! -e /var/lib/fairlead/ssh-keys && test ! -e /etc/ssh/sshd_config.d/00-fairlead.conf");
    assert.deepEqual((await keys()).data, []);
    assert.ok(await letsIn(on, "owner"));
    await on.host.sh("sha256sum --quiet -c /root/owners");

    assert.ok(await letsIn(other, "three"));
    await other.host.sh("fairlead-agent uninstall", { timeoutMs: 120_000 });
    assert.equal((await ssh(other, "three")).code, 255);
    await other.host.sh("test ! -e /var/lib/fairlead/ssh-keys && test ! -e /etc/ssh/sshd_config.d/00-fairlead.conf");
    assert.ok(await letsIn(other, "owner"));
  });
});
