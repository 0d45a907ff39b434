// A controller that was taken over: somebody has its data folder, so its keys, and answers agents in its place with whatever
// they like. The servers have a policy that their owner wrote, and do nothing that it does not name.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { newId } from "./lib/direct.ts";
import { demo, footprint, healthy } from "./lib/odoo.ts";
import { FalseController, type FalseLink, type Order } from "./lib/peers.ts";
import { Authority, steal, type Stolen } from "./lib/stolen.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { Watch } from "./lib/watch.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

/** All that the executor ever starts for what these tests ask; none of them is a shell. */
const table = new Set(["apt-get", "env", "getent", "git", "iptables-save", "journalctl", "nft", "pkill", "psql", "python3", "systemctl", "systemd-run", "ufw", "firewall-cmd"]);

/** What clears away after a git that was killed, and no other use of find. */
const leftovers = /^\/var\/lib\/fairlead\/git\/[a-z0-9.-]+ \( -name \*\.lock -o -path [^ ]+ \) -prune -exec rm -rf -- \{\} \+$/;

const shell = [
  "$(touch /pwned)", "$(touch${IFS}/pwned)", "`touch /pwned`", ";touch /pwned;", "a;touch${IFS}/pwned", "| touch /pwned", "\ntouch /pwned\n",
  "x\nExecStartPre=/bin/touch /pwned", "--upload-pack=touch /pwned", "-oProxyCommand=touch /pwned", "ext::sh -c touch% /pwned", "../../../../pwned",
  "/etc/shadow", "%h%n%s", "x\u0000y", "'; DROP DATABASE postgres; --", "${jndi:ldap://x}", "é".repeat(5000),
];

describe("a controller that was taken over", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  let repository: string;
  let watch: Watch;
  let pinged: Operation;
  let stolen: Stolen;
  let hostile: FalseController | undefined;
  let link: FalseLink | undefined;
  let odoo: string;
  let linkProcess: string;

  const mainProcess = async (unit: string): Promise<string> => (await on.host.sh(`systemctl show -P MainPID ${unit}`)).trim();

  before(async () => {
    on = await world.server("taken");
    environment = await world.environment(await world.project("taken"), on.server, "shop");
    await world.succeeded(await world.deploy(environment), 900_000);
    const git = await world.git();
    repository = git.url("nothing-here");
    await on.host.write("/etc/fairlead/policy.yaml", [
      "version: 1",
      "operations:",
      "  - deny: [environment.restart, environment.delete]",
      "    environments: [shop]",
      "  - allow: agent.ping",
      "  - allow: environment.*",
      "    environments: [shop, evil]",
      "repositories:",
      `  - allow: https://${git.address}:${git.port}`, "",
    ].join("\n"));
    watch = await Watch.on(on.host);
    odoo = await mainProcess(`fairlead-odoo@${environment.slug}`);
  });
  after(() => hostile?.stop());

  /** Takes the controller's place once, and gives the link that the agent has with it now. */
  async function taken(): Promise<FalseLink> {
    if (!hostile) {
      const controller = await world.controller();
      const api = await world.api();
      pinged = await world.succeeded(await api.post(`${await world.org()}/servers/${on.server.id}/ping`));
      stolen = await steal(controller);
      await controller.kill();
      linkProcess = await mainProcess("fairlead-link");
      hostile = await FalseController.start(controller.address, controller.port, stolen.own);
    }
    if (!link?.socket.open) {
      link = await comes();
      link.welcome();
    }
    return link;
  }

  /** The agent's next link. A new address on the server makes it try at once. */
  async function comes(): Promise<FalseLink> {
    const next = hostile!.link();
    let here = false;
    next.then(() => (here = true), () => (here = true));
    await poll("the agent calls again", 90_000, async () => {
      await on.host.sh("ip addr add 10.254.254.1/32 dev lo; ip addr del 10.254.254.1/32 dev lo");
      return here ? true : undefined;
    }, 500);
    return next;
  }

  /** The server at rest. The mirror of a repository that the policy allows, empty as there is none, is no trace. */
  const shape = async (): Promise<string> => (await footprint(on.host)).split("\n").filter((line) => !line.includes("/git/nothing-here-")).join("\n");

  /** What an attacker could have left anywhere. */
  async function untouched(since: string): Promise<void> {
    assert.equal(await shape(), since);
    assert.equal(await on.host.sh("find / -xdev -name '*pwned*' -not -path '/proc/*' 2>/dev/null || true"), "");
    assert.equal(await mainProcess(`fairlead-odoo@${environment.slug}`), odoo);
    const programs = await watch.programs();
    const strange = programs.filter(([program = "", ...args]) =>
      !table.has(program.slice(program.lastIndexOf("/") + 1)) && !(program === "/usr/bin/find" && leftovers.test(args.join(" "))));
    assert.deepEqual(strange, []);
  }

  const refusedIn = (text: string): Promise<string> => on.host.sh(`journalctl --sync || true; journalctl -b --no-pager -u fairlead-executor -g '${text}' | tail -n 5`);

  const orderly = (): Record<string, unknown> => ({
    environment: {
      id: newId("env"), slug: "evil", name: "Evil", type: "staging", odoo_version: "19.0",
      odoo: { name: "odoo", url: repository, branch: "19.0", credential: "", credential_kind: "", username: "" },
      addons: [{ name: "demo", url: repository, branch: "19.0", credential: "", credential_kind: "", username: "" }],
      port: 28069, gevent_port: 28072, domains: ["evil.example.com"], resources: { memory_max_bytes: 0, cpu_percent: 0, tasks_max: 0, workers: 0 },
      variables: [{ name: "A_NAME", value: "a value", secret: false }], modules: ["base"], requirements: ["requests"], system_site_packages: true,
      keep_releases: 5,
    },
    release: { id: newId("rel"), number: 1 }, update: "modules", modules: ["base"],
  });

  scenario(world, "the server's owner forbids what the controller may ask: refused by file and line, told, journalled and audited [X-POL-01]", async () => {
    const rest = await shape();
    const api = await world.api();
    const end = await world.finished(await world.act(environment, "restart"));
    assert.equal(end.state, "failed");
    assert.equal(end.error?.code, "policy_refused");
    assert.match(end.error.message, /forbids environment\.restart on shop: \/etc\/fairlead\/policy\.yaml line 3/);
    assert.match(await refusedIn("operation refused"), new RegExp(end.id));
    interface Entry { result: string; actor: { type: string; id: string }; after: { operation_id: string; message: string } }
    const audit = await api.get<List<Entry>>(`${await world.org()}/audit?action=environment.restart`);
    const entry = audit.data.find((one) => one.result === "refused");
    assert.equal(entry?.actor.id, on.server.id);
    assert.equal(entry?.after.operation_id, end.id);
    assert.match(entry.after.message, /policy\.yaml line 3/);
    await untouched(rest);
  });

  scenario(world, "with stolen keys it gets a link, and nothing that the policy does not name is done [X-POL-03]", async () => {
    const rest = await shape();
    const link = await taken();
    const own = { environment_id: environment.id, slug: environment.slug };
    const named = async (order: Order, message: RegExp): Promise<void> => {
      const { outcome, error } = await link.ask(order);
      assert.equal(outcome, "failed", order.kind);
      assert.equal(error?.code, "policy_refused", order.kind);
      assert.match(error.message, message, order.kind);
      assert.match(await refusedIn("operation refused"), new RegExp(order.id));
    };
    for (const kind of ["terminal.open", "agent.run", "shell", "environment.exec", "environment.deploy ", "Environment.stop", "*", "", "policy.write", "x".repeat(70_000)]) {
      await named(link.order(kind, { ...own, command: "touch /pwned", argv: ["touch", "/pwned"] }), /knows no operation/);
    }
    await named(link.order("environment.delete", { ...own, drop_data: true }), /policy\.yaml line 3/);
    await named(link.order("environment.stop", { ...own, slug: "other" }), /does not name environment\.stop on other/);
    for (const url of ["https://evil.example/odoo.git", "ssh://git@10.0.0.1/x", "file:///etc", `${repository}/../../x`, "ext::sh -c id", "http://10.0.0.1/x"]) {
      const args = orderly() as { environment: { odoo: { url: string } } };
      args.environment.odoo.url = url;
      await named(link.order("environment.preflight", args), /repository/);
    }
    for (const secret of ["LD_PRELOAD", "", "variable", "../x"]) {
      await named(link.order("agent.ping", {}, { secrets: { [secret]: "x" } }), /secret of an unknown kind/);
    }
    await named(link.order("agent.ping", {}, { secrets: { "variable:A": "x".repeat(70_000) } }), /larger than 64 KiB/);
    await untouched(rest);
  });

  scenario(world, "shell, paths and options in every text of every operation stay text [X-POL-03]", async () => {
    const link = await taken();
    const rest = await shape();
    const ends: Record<string, number> = {};
    const count = async (order: Order): Promise<void> => {
      const end = await link.ask(order, 60_000);
      assert.notEqual(end.outcome, "succeeded", JSON.stringify(order.args).slice(0, 500));
      const code = end.error?.code ?? "";
      ends[code] = (ends[code] ?? 0) + 1;
      assert.ok(["policy_refused", "preflight_failed", "environment_missing", "slug_taken", "release_missing"].includes(code), `${code}: ${end.error?.message}`);
    };
    await count(link.order("environment.deploy", orderly())); // a good one ends at its pre-flight: there is no such repository
    assert.equal(ends.preflight_failed, 1, JSON.stringify(ends));
    for (const path of texts(orderly())) {
      for (const text of shell) {
        const args = orderly();
        put(args, path, text);
        // Where it would be taken for a good one, it is one that fails at its pre-flight.
        await count(link.order("environment.deploy", args));
      }
    }
    const plain = { environment_id: environment.id, slug: environment.slug, release: { id: newId("rel"), number: 77 }, database: "keep" };
    for (const kind of ["environment.stop", "environment.start", "environment.rollback"]) {
      for (const path of texts(plain).filter((one) => one.join() !== "database" && (kind === "environment.rollback" || one[0] !== "release"))) {
        for (const text of shell) {
          const args = structuredClone(plain);
          put(args, path, text);
          await count(link.order(kind, args));
        }
      }
    }
    assert.ok(ends.policy_refused! > 300, JSON.stringify(ends));
    await untouched(rest);
    assert.equal((await demo(on.host, environment)).code, "v1");
  }, 900_000);

  scenario(world, "operations of other servers, replays and numbers out of turn have no effect [X-POL-03]", async () => {
    const link = await taken();
    const rest = await shape();
    const own = { environment_id: environment.id, slug: environment.slug };
    // Of another environment, server or organization: the name is taken here, but by somebody else.
    for (const kind of ["environment.stop", "environment.start"]) {
      assert.equal((await link.ask(link.order(kind, { ...own, environment_id: newId("env") }))).error?.code, "slug_taken");
    }
    const rollback = { ...own, environment_id: newId("env"), release: { id: newId("rel"), number: 1 }, database: "snapshot" };
    assert.equal((await link.ask(link.order("environment.rollback", rollback))).error?.code, "slug_taken");
    // An id that the journal knows tells again what it was, whatever comes with it.
    const replayed = await link.ask(link.order("environment.stop", own, { id: pinged.id }));
    assert.equal(replayed.outcome, "succeeded");
    const ping = link.order("agent.ping", { note: "once" });
    assert.equal((await link.ask(ping)).outcome, "succeeded");
    assert.equal((await link.ask({ ...ping, kind: "environment.stop", args: own })).outcome, "succeeded");
    assert.equal((await link.ask(link.order("environment.stop", own, { fence: ping.fence }))).error?.code, "fence_reused");
    for (const fence of [0, 2 ** 53, "18446744073709551615"]) {
      const order = link.order("environment.stop", own, { fence });
      if (typeof fence === "string") {
        // Beyond what JavaScript can count.
        link.socket.send(JSON.stringify({ type: "deliver", operation: order }).replace(`"${fence}"`, fence));
        assert.equal((await link.finished(order.id)).error?.code, "fence_invalid");
      } else assert.equal((await link.ask(order)).error?.code, "fence_invalid");
    }
    // No id, no answer: nothing at all.
    for (const id of ["", "op_1", "../../x", `${newId("op")}x`, newId("env")]) link.deliver(link.order("environment.stop", own, { id }));
    assert.equal((await link.ask(link.order("agent.ping", {}))).outcome, "succeeded");
    await untouched(rest);
    assert.equal(await healthy(on.host, environment), true);
  });

  scenario(world, "random nonsense in place of each member is refused, and the executor lives [X-POL-03]", async () => {
    const link = await taken();
    const rest = await shape();
    const random = generator(20_26);
    const junk = (): unknown => [null, true, -1, 1e308, 2 ** 60, "", "\u0001", [], {}, [[[]]], { a: {} }, "x".repeat(10_000), Array(3000).fill("base"), 22, "all"][random(15)];
    for (let round = 0; round < 300; round++) {
      const args = orderly();
      for (let n = 1 + random(3); n > 0; n--) {
        const paths = leaves(args);
        if (paths.length) put(args, paths[random(paths.length)]!, junk());
      }
      const end = await link.ask(link.order("environment.deploy", args), 60_000);
      assert.notEqual(end.outcome, "succeeded", JSON.stringify(args).slice(0, 500));
    }
    await untouched(rest);
  }, 900_000);

  scenario(world, "frames and messages that break the protocol cost that link, and the agent calls again", async () => {
    let link = await taken();
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    const breaks: [string, (link: FalseLink) => void][] = [
      ["more than 1 MiB", (l) => l.socket.send(`{"type":"query","operation":"${"x".repeat(1 << 20)}"}`)],
      ["a frame that claims 2^62 bytes", (l) => l.socket.send("", { claim: 1n << 62n })],
      ["pieces without end", (l) => { for (let i = 0; i < 20; i++) l.socket.send("x".repeat(1 << 16), { fin: false, opcode: i ? 0 : 1 }); }],
      ["no JSON", (l) => l.socket.send("{")],
      ["half a character", (l) => l.socket.send('{"type":"query","operation":"\\ud800"}')],
      ["no object", (l) => l.socket.send("[1]")],
      ["100,000 levels", (l) => l.socket.send(`{"type":"query","operation":${deep}}`)],
      ["an unknown type", (l) => l.send({ type: "exec", command: "touch /pwned" })],
      ["a member of the wrong kind", (l) => l.send({ type: "deliver", operation: ["touch /pwned"] })],
      ["a message of the agent's own", (l) => l.send(l.hello)],
      ["a second welcome", (l) => l.welcome()],
      ["a masked frame", (l) => l.socket.send("{}", { wrongMask: true })],
      ["reserved bits", (l) => l.socket.send("{}", { reserved: 7 })],
      ["a reserved opcode", (l) => l.socket.send("{}", { opcode: 5 })],
      ["a long ping", (l) => l.socket.send(Buffer.alloc(200), { opcode: 9 })],
      ["text that is not UTF-8", (l) => l.socket.send(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { opcode: 1 })],
      ["bytes that are no frame", (l) => l.socket.raw(Buffer.from("HTTP/1.1 200 OK\r\n\r\n".repeat(100)))],
    ];
    for (const [what, does] of breaks) {
      does(link);
      await poll(`${what}: the agent ends the link`, 60_000, async () => (link.socket.open ? undefined : true), 50);
      link = await taken();
    }
    // What is merely odd is borne.
    for (let i = 0; i < 3000; i++) link.send({ type: "query", operation: i % 2 ? newId("op") : "x".repeat(1000) });
    for (let i = 0; i < 3000; i++) link.send({ type: "cancel", operation: newId("op") });
    for (let i = 0; i < 50; i++) link.socket.send(Buffer.alloc(60_000));
    link.send({ type: "ack", seq: Number.MAX_SAFE_INTEGER });
    link.send({ type: "certificate", certificate: stolen.own.certificate, ca: "" });
    link.send({ type: "certificate", certificate: "nonsense", ca: "nonsense" });
    assert.equal((await link.ask(link.order("agent.ping", {}), 60_000)).outcome, "succeeded");
    assert.equal(await mainProcess("fairlead-link"), linkProcess);
    const resident = Number((await on.host.sh(`awk '/VmRSS/{print $2}' /proc/${linkProcess}/status`)).trim());
    assert.ok(resident < 64 * 1024, `${resident} KiB`);
    const journal = await on.host.sh("journalctl --sync || true; journalctl -b --no-pager -u 'fairlead-*'");
    assert.doesNotMatch(journal, /unexpected error|dumped core|status=70|oom-kill/i);
    assert.match(journal, /renewed certificate could not be used/);
  }, 900_000);

  scenario(world, "a flood of large orders is bounded in memory and on disk", async () => {
    const link = await taken();
    const size = async (): Promise<number> => Number((await on.host.sh("du -sk /var/lib/fairlead/executor | cut -f1")).trim());
    const disk = await size();
    const large = { junk: "x".repeat(900_000) };
    let last = link.order("agent.run", large);
    for (let i = 0; i < 100; i++) link.deliver((last = link.order("agent.run", large)));
    await link.finished(last.id, 120_000);
    assert.ok((await size()) - disk < 20_000, `${disk} KiB before, ${await size()} KiB after`);
    assert.equal(await mainProcess("fairlead-link"), linkProcess);
  });

  scenario(world, "the server comes home when its owner's controller is back", async () => {
    const link = await taken();
    const foreign = await Authority.foreign(stolen.authority);
    // It may lead the agent astray while it has the keys; not for good.
    const controller = await world.controller();
    link.socket.destroy();
    const again = await comes();
    again.welcome({ controllers: [`${controller.address}:1`], ca: foreign.pair.certificate });
    assert.equal((await again.ask(again.order("agent.ping", {}))).outcome, "succeeded");
    await hostile!.stop();
    hostile = undefined;
    await controller.start();
    await world.until("the server is online again", 120_000, async (api, org) =>
      (await api.get<{ status: string }>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);
    await world.succeeded(await (await world.api()).post(`${await world.org()}/servers/${on.server.id}/ping`), 60_000);
    assert.equal((await world.finished(await world.act(environment, "restart"))).error?.code, "policy_refused");
    assert.equal(await healthy(on.host, environment), true);
    assert.equal(await mainProcess("fairlead-link"), linkProcess);
  });
});

type Path = (string | number)[];

/** Paths of all leaves. */
function leaves(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...at, Array.isArray(value) ? Number(name) : name]));
}

function texts(value: unknown): Path[] {
  return leaves(value).filter((path) => typeof path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value) === "string");
}

function put(into: unknown, path: Path, value: unknown): void {
  const last = path.at(-1)!;
  const place = path.slice(0, -1).reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], into);
  if (typeof place === "object" && place !== null) (place as Record<string, unknown>)[last] = value;
}

/** Numbers below a limit, the same ones in each run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
