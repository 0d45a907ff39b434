// Environments behind servers that let nothing in: their host names on the controller's port, through the agents' links.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { before, describe } from "node:test";
import { type DomainState, putDomain } from "./lib/domains.ts";
import { root } from "./lib/paths.ts";
import { ownOrg } from "./lib/people.ts";
import { Visitor } from "./lib/site.ts";
import { bigFile, odooUnits, standIn } from "./lib/stand-in-site.ts";
import type { Environment, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const names = { shop: "shop.tunnel.test", deep: "a.b.wild.tunnel.test", pending: "pending.tunnel.test", others: "others.tunnel.test", unclaimed: "unclaimed.tunnel.test" };

interface Hostile {
  name: string;
  send: (string | { repeat: string; times: number })[];
  status: number[];
}

describe("the tunnel", () => {
  const world = worldOfSuite("\nagents:\n  facts: 5s\n");
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  let shop: Visitor;

  const visitor = async (name: string): Promise<Visitor> => new Visitor(await world.controller(), name);

  const domain = async (org: string, name: string, state: DomainState): Promise<void> => putDomain(await world.controller(), org, name, state);

  const status = async (name: string): Promise<number> => (await (await visitor(name)).ask("/web/health")).status;
  const answers = (name: string, wanted: number): Promise<true> =>
    poll(`${name} answers ${wanted}`, 60_000, async () => ((await status(name)) === wanted ? true : undefined), 300);

  /** A program instead of Odoo on the environment's port, until the returned function is called. */
  const replaceOdoo = async (): Promise<() => Promise<void>> => {
    const back = await standIn(on.host, environment);
    return async () => {
      await back();
      await answers(names.shop, 200);
    };
  };

  before(async () => {
    on = await world.server("inside");
    environment = await world.environment(await world.project("inside"), on.server, "inside", {
      exposure: "tunnel", domains: Object.values(names), resources: { memory_max_bytes: null, cpu_percent: null, tasks_max: null, workers: 2 },
    });
    // Nothing comes in from now on but answers to what the server itself began.
    await on.host.sh(`nft add table inet shut
      nft 'add chain inet shut in { type filter hook input priority 0; policy drop; }'
      nft add rule inet shut in iif lo accept
      nft add rule inet shut in ct state established,related accept`);
    await world.succeeded(await world.deploy(environment), 900_000);
    const org = await world.org();
    const elsewhere = await ownOrg(await world.api(), "Elsewhere");
    await domain(org, names.shop, "verified");
    await domain(org, "*.wild.tunnel.test", "verified");
    await domain(org, names.pending, "pending");
    await domain(elsewhere, names.others, "verified");
    shop = await visitor(names.shop);
    await answers(names.shop, 200);
  });

  scenario(world, "people log in to an Odoo behind a server that lets nothing in [S-TUN-04]", async () => {
    await on.host.sh(`runuser -u postgres -- psql -q 'fl-${environment.slug}' -c "UPDATE res_users SET password = 'let me in' WHERE login = 'admin'"`);
    const form = await shop.ask("/web/login");
    assert.equal(form.status, 200);
    const token = /name="csrf_token" value="([^"]+)"/.exec(form.text)?.[1] ?? "";
    const login = await shop.ask("/web/login", {
      body: new URLSearchParams({ csrf_token: token, login: "admin", password: "let me in" }).toString(),
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
    });
    assert.equal(login.status, 303, login.text.slice(0, 500));
    const session = await shop.ask("/web/session/get_session_info", { body: '{"jsonrpc":"2.0","method":"call","params":{}}', headers: { "Content-Type": "application/json" } });
    assert.equal((JSON.parse(session.text) as { result: { username: string } }).result.username, "admin");
    assert.equal(session.headers["strict-transport-security"], undefined, "that is the site's to say");
    assert.equal(await status(names.deep), 200);
  });

  scenario(world, "the live bus comes through, to the port that Odoo has for it", async () => {
    await on.host.sh(`runuser -u postgres -- psql -q 'fl-${environment.slug}' -c "INSERT INTO bus_bus (channel, message, create_date, write_date)
      VALUES ('[\\"fl-${environment.slug}\\",\\"broadcast\\"]', '{\\"type\\":\\"fl.news\\",\\"payload\\":\\"through\\"}', now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')"`);
    const socket = await shop.webSocket("/websocket");
    socket.send(JSON.stringify({ event_name: "subscribe", data: { channels: [], last: 0 } }));
    await poll("a message of the bus", 30_000, async () => (socket.texts.some((one) => one.includes("through")) ? true : undefined));
    socket.close();
  });

  scenario(world, "a name that is not proved, or proved by others, leads nowhere [S-DOM-03] [S-DOM-06]", async () => {
    for (const name of [names.pending, names.others, names.unclaimed, "unknown.tunnel.test", "wild.tunnel.test"]) {
      const page = await (await visitor(name)).ask("/web/health", { headers: { Accept: "text/html" } });
      assert.equal(page.status, 421, name);
      assert.doesNotMatch(page.text, new RegExp(`${environment.slug}|${on.server.name}|127\\.0\\.0\\.1`));
    }
    const org = await world.org();
    await domain(org, names.pending, "verified");
    await answers(names.pending, 200);
    await domain(org, names.pending, "failed");
    await answers(names.pending, 421);
  });

  scenario(world, "a connection for one name serves no other", async () => {
    const { port } = await world.controller();
    for (const host of [names.deep, "controller.fairlead.test", "other.example"])
      assert.equal((await shop.ask("/web/health", { headers: { Host: `${host}:${port}` } })).status, 421, host);
    const console = await visitor("controller.fairlead.test");
    assert.equal((await console.ask("/readyz")).status, 200);
    assert.equal((await console.ask("/web/health", { headers: { Host: `${names.shop}:${port}` } })).status, 421);
    for (const spelled of [names.shop.toUpperCase(), `${names.shop}.`])
      assert.equal((await shop.ask("/web/health", { headers: { Host: `${spelled}:${port}` } })).status, 200, spelled);
  });

  scenario(world, "hostile requests are refused over TLS as the corpus says", async () => {
    const rows = JSON.parse(readFileSync(join(root, "tests/hostile/requests.json"), "utf8")) as Hostile[];
    for (const row of rows) {
      const text = row.send.map((one) => (typeof one === "string" ? one : one.repeat.repeat(one.times))).join("").replaceAll("{host}", names.shop);
      const answer = (await shop.raw(Buffer.from(text, "latin1"))).toString("latin1");
      assert.ok(row.status.includes(Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])), `${row.name}: ${answer.slice(0, 300)}`);
      assert.ok(!answer.includes("\nHTTP/1.1 "), `${row.name}: ${answer}`);
    }
    const proof = await shop.ask("/.well-known/fairlead-challenge/token");
    assert.equal(proof.status, 404);
    assert.match(proof.text, /not the site's to give/);
    assert.equal(await status(names.shop), 200);
  });

  scenario(world, "what a visitor says of proxies does not arrive; the edge says it anew", async () => {
    const back = await replaceOdoo();
    try {
      const spoofed = Object.fromEntries(
        ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X_Forwarded_For"].map((name) => [name, "spoofed"]),
      );
      const page = await shop.ask("/headers", { headers: spoofed });
      assert.doesNotMatch(page.text, /spoofed/);
      const seen = new Map(JSON.parse(page.text) as [string, string][]);
      const { port, address } = await world.controller();
      assert.equal(seen.get("host"), `${names.shop}:${port}`);
      assert.equal(seen.get("x-forwarded-proto"), "https");
      assert.equal(seen.get("x-forwarded-host"), `${names.shop}:${port}`);
      assert.equal(seen.get("x-forwarded-for"), address);
    } finally {
      await back();
    }
  });

  scenario(world, "200 MB each way survive a link that is cut for 20 s, and no byte is lost", async () => {
    const back = await replaceOdoo();
    const { address, port } = await world.controller();
    // Resets end the link's connection, so that what is under way goes on over another one.
    const cut = async (): Promise<void> => {
      await on.host.sh(`nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'
        nft add rule inet cut out ip daddr ${address} tcp dport ${port} reject with tcp reset`);
      await new Promise((over) => setTimeout(over, 20_000)); // how long it is cut is what is asked for
      await on.host.sh("nft delete table inet cut"); // also when the download has failed meanwhile
    };
    try {
      const sum = (await on.host.sh(`head -c 200M /dev/urandom >${bigFile}; sha256sum <${bigFile}`)).slice(0, 64);
      const answer = await shop.open("/big");
      assert.equal(answer.headers["content-length"], String(200 << 20));
      const got = createHash("sha256");
      let bytes = 0;
      let cutting: Promise<void> | undefined;
      for await (const chunk of answer) {
        got.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        if (bytes > 50 << 20) cutting ??= cut();
      }
      await cutting;
      assert.equal(bytes, 200 << 20);
      assert.equal(got.digest("hex"), sum);

      const sent = createHash("sha256");
      let cuttingUp: Promise<void> | undefined;
      const reply = await shop.open("/sum", { headers: { "Content-Length": String(200 << 20) } }, (to) => {
        void (async () => {
          for (let done = 0; done < 200; ++done) {
            const piece = randomBytes(1 << 20);
            sent.update(piece);
            if (!to.write(piece)) await new Promise((more) => to.once("drain", more));
            if (done === 50) cuttingUp = cut();
          }
          to.end();
        })();
      });
      await cuttingUp;
      let text = "";
      for await (const chunk of reply) text += String(chunk);
      assert.equal(text, sent.digest("hex"));
    } finally {
      await back();
    }
  });

  scenario(world, "small requests and the link's own messages pass ten downloads by", async () => {
    const back = await replaceOdoo();
    const ended: unknown[] = [];
    const downloads: IncomingMessage[] = [];
    try {
      const seen = async (): Promise<string> => (await (await world.api()).get<Server & { last_seen_at: string }>(`${await world.org()}/servers/${on.server.id}`)).last_seen_at;
      const taken = await Promise.all(Array.from({ length: 10 }, async () => {
        const download = await shop.open("/endless");
        downloads.push(download);
        let size = 0;
        download.on("data", (piece: Buffer) => (size += piece.length));
        for (const end of ["error", "close"]) download.on(end, (why?: Error) => ended.push(why ?? end));
        await poll("a download has begun", 60_000, async () => (size > 1 << 20 ? true : undefined), 50);
        return (): number => size;
      }));
      const before = await seen();
      const sizes = taken.map((size) => size());
      assert.equal((await shop.ask("/small")).status, 200);
      await poll("the server tells its facts", 60_000, async () => ((await seen()) > before ? true : undefined), 500);
      assert.equal((await shop.ask("/small")).status, 200);
      assert.deepEqual(ended, [], "all of the downloads were under way");
      taken.forEach((size, i) => assert.ok(size() > (sizes[i] ?? 0), `download ${i} went on`));
    } finally {
      for (const download of downloads) download.destroy();
      await back();
    }
  });

  scenario(world, "an environment whose server is away says so, and is back with it", async () => {
    await on.host.sh("systemctl stop fairlead-link.service");
    try {
      await answers(names.shop, 503);
      const page = await shop.ask("/", { headers: { Accept: "text/html" } });
      assert.ok(Number(page.headers["retry-after"]) > 0);
      assert.match(page.text, /<h1>The site is not reachable<\/h1>/);
    } finally {
      await on.host.sh("systemctl start fairlead-link.service");
    }
    await answers(names.shop, 200);
    await on.host.sh(odooUnits("stop", environment));
    await answers(names.shop, 502);
    await on.host.sh(odooUnits("start", environment));
    await answers(names.shop, 200);
  });
});
