// A site behind a server whose line is bad, or away for a while.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { before, describe } from "node:test";
import { putDomain } from "./lib/domains.ts";
import { PoorLine } from "./lib/poor-line.ts";
import { Visitor } from "./lib/site.ts";
import { bigFile, standIn } from "./lib/stand-in-site.ts";
import type { Environment, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const name = "far.tunnel.test";

describe("a site at the end of a bad line", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  let visitor: Visitor;

  const answers = (): Promise<true> =>
    poll(`${name} answers`, 60_000, async () => ((await visitor.ask("/web/health")).status === 200 ? true : undefined), 300);

  before(async () => {
    on = await world.server("far");
    environment = await world.environment(await world.project("far"), on.server, "far", { exposure: "tunnel", domains: [name] });
    await world.succeeded(await world.deploy(environment), 900_000);
    const controller = await world.controller();
    await putDomain(controller, await world.org(), name);
    visitor = new Visitor(controller, name);
    await answers();
  });

  scenario(world, "a WebSocket goes on after a cut of 20 s, and each of its messages comes once and in order", async () => {
    const back = await standIn(on.host, environment);
    try {
      const { address, port } = await world.controller();
      const socket = await visitor.webSocket("/socket");
      let said = 0;
      const talk = setInterval(() => socket.send(`word ${said++}`), 100);
      try {
        await poll("it talks", 30_000, async () => (socket.texts.length > 10 ? true : undefined));
        // Resets end the link's connection at once, so that what is under way goes on over another one.
        await on.host.sh(`nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'
          nft add rule inet cut out ip daddr ${address} tcp dport ${port} reject with tcp reset`);
        try {
          const before = socket.texts.length;
          await new Promise((over) => setTimeout(over, 20_000)); // how long it is cut is what is asked for
          assert.ok(socket.texts.length - before < 10, "it was not cut");
        } finally {
          await on.host.sh("nft delete table inet cut");
        }
        await poll("it talks again", 120_000, async () => (socket.texts.length > 250 ? true : undefined));
      } finally {
        clearInterval(talk);
      }
      await poll("all was answered", 30_000, async () => (socket.texts.length >= said ? true : undefined));
      assert.deepEqual(socket.texts, Array.from({ length: said }, (_, at) => `word ${at}`));
      socket.close();
    } finally {
      await back();
    }
  });

  scenario(world, "pages, uploads and downloads come whole over 100 kbit/s with 150 ms and 10 % of the packets lost, and the server stays online", async () => {
    const line = await PoorLine.on(on.host, await world.controller(), { delayMs: 150, bytesPerSecond: 12_500, lossPercent: 10 });
    try {
      await world.until("it is online over the bad line", 90_000, async (api, org) =>
        (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" || undefined);
      const form = await poll("a page of Odoo comes", 90_000, async () => {
        const page = await visitor.ask("/web/login");
        return page.status === 200 ? page : undefined;
      });
      assert.match(form.text, /name="csrf_token"/);

      const back = await standIn(on.host, environment);
      try {
        const bytes = 300_000;
        const sum = (await on.host.sh(`head -c ${bytes} /dev/urandom >${bigFile}; sha256sum <${bigFile}`)).slice(0, 64);
        const began = Date.now();
        const answer = await visitor.open("/big");
        const got = createHash("sha256");
        let length = 0;
        let ping: Promise<unknown> | undefined;
        for await (const chunk of answer) {
          got.update(chunk as Buffer);
          length += (chunk as Buffer).length;
          // In the middle of it: an order reaches the server, and its answer comes back.
          ping ??= world.succeeded(await (await world.api()).post<{ id: string }>(`${await world.org()}/servers/${on.server.id}/ping`), 60_000)
            .then(() => assert.ok(length < bytes, "the order waited for the whole download"));
        }
        assert.equal(length, bytes);
        assert.equal(got.digest("hex"), sum);
        await ping;
        assert.ok(Date.now() - began > 15_000, "the line was not that slow");

        const body = randomBytes(100_000);
        const reply = await visitor.open("/sum", { headers: { "Content-Length": String(body.length) } }, (to) => to.end(body));
        let text = "";
        for await (const chunk of reply) text += String(chunk);
        assert.equal(text, createHash("sha256").update(body).digest("hex"));
      } finally {
        await back();
      }
      const { status } = await (await world.api()).get<Server>(`${await world.org()}/servers/${on.server.id}`);
      assert.equal(status, "online");
      const lost = await line.lost();
      assert.ok(lost > 5, `${lost} packets lost: too few to show anything`);
    } finally {
      await line.stop();
    }
    await answers();
  });
});
