// Webhooks, from the change that they tell of to receivers over TLS, through a real egress. Signatures are verified by
// the `standardwebhooks` package.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { gzipSync } from "node:zlib";
import type { Api } from "./lib/api.ts";
import { admin } from "./lib/controller.ts";
import { FalseAgent } from "./lib/false-agent.ts";
import { MailServer } from "./lib/mail.ts";
import { folder, root } from "./lib/paths.ts";
import { makeAuthority } from "./lib/pki.ts";
import { type Came, Receiver } from "./lib/receiver.ts";
import type { List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Made {
  webhook: { id: string; old_secret_until: string | null };
  secret: string;
}
interface Delivery {
  id: string;
  event: string;
  state: string;
  attempts: number;
  status: number | null;
  error: { code: string; message: string } | null;
}

describe("webhooks", () => {
  const receivers: Record<string, Receiver> = {};
  const world = worldOfSuite(async () => {
    const dir = folder(join(world.dir, "receivers"));
    const authority = await makeAuthority(join(dir, "authority"));
    const start = async (name: string, options: Parameters<typeof Receiver.start>[1] = {}): Promise<void> => {
      receivers[name] = await Receiver.start(folder(join(dir, name)), { authority, ...options });
    };
    for (const name of ["one", "two", "failing", "redirecting", "closing", "silent"]) await start(name);
    await start("tls11", { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" });
    await start("othername", { names: ["DNS:other.example"] });
    receivers.stranger = await Receiver.start(folder(join(dir, "stranger"))); // of an authority that nobody trusts
    const egress = await world.egress({ allow: Object.values(receivers).map(({ place }) => place) });
    mail = await MailServer.start(folder(join(world.dir, "mail")));
    return `${mail.config}${egress.settings(receivers.one!.ca)}rates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n`;
  });
  let api: Api, hooks: string, mail: MailServer;

  before(async () => {
    api = await world.api();
    hooks = `${await world.org()}/webhooks`;
  });
  after(async () => {
    Object.values(receivers).forEach((one) => one.stop());
    await mail?.stop();
  });

  const add = (name: string, events: string[] = []): Promise<Made> => api.post<Made>(hooks, { url: receivers[name]!.url, events });
  const drop = ({ webhook }: Made): Promise<unknown> => api.call("DELETE", `${hooks}/${webhook.id}`);
  const enrol = async (name: string): Promise<void> => (await FalseAgent.enrol(await world.controller(), api, await world.org(), name)).close();
  const deliveries = async ({ webhook }: Made): Promise<Delivery[]> => (await api.get<List<Delivery>>(`${hooks}/${webhook.id}/deliveries`)).data;
  const comes = (what: string, receiver: Receiver, count: number): Promise<unknown> =>
    poll(what, 60_000, async () => receiver.came.length >= count || undefined, 20);
  /** What a test ping ends with. */
  const ping = async (made: Made): Promise<Delivery> => {
    const { id } = await api.post<Delivery>(`${hooks}/${made.webhook.id}/test`);
    return poll("the test is over", 90_000, async () => {
      const { delivery } = await api.get<{ delivery: Delivery }>(`${hooks}/${made.webhook.id}/deliveries/${id}`);
      return delivery.state === "waiting" ? undefined : delivery;
    }, 50);
  };
  const type = (came: Came): string => (JSON.parse(came.body) as { type: string }).type;

  scenario(world, "are signed, each with its own secret, the retry and the test like the first attempt [S-HOOK-01] [S-HOOK-02]", async () => {
    const [one, two] = [receivers.one!, receivers.two!];
    const first = await add("one", ["server.enrolled"]);
    const second = await add("two", ["server.enrolled"]);
    assert.notEqual(first.secret, second.secret);
    let answers = 0;
    one.answer = (_, response) => response.writeHead(answers++ === 0 ? 500 : 204).end("not now");
    await enrol("signed");
    await comes("the retry after 500", one, 2);
    await comes("the other one", two, 1);
    const [failed, again] = one.came;
    assert.deepEqual([type(failed!), type(again!), type(two.came[0]!)], Array(3).fill("server.enrolled"));
    assert.equal(again!.headers["webhook-id"], failed!.headers["webhook-id"]);
    assert.notEqual(again!.headers["webhook-id"], two.came[0]!.headers["webhook-id"]);
    assert.equal((await ping(first)).state, "delivered");
    const test = one.came.find((came) => type(came) === "webhook.test")!;
    for (const came of [failed!, again!, test]) {
      assert.ok(one.verifies(first.secret, came));
      assert.ok(!one.verifies(second.secret, came), "by the other webhook's secret");
      assert.ok(!one.verifies(first.secret, { ...came, body: came.body.replace("signed", "forged") + " " }));
    }
    assert.ok(two.verifies(second.secret, two.came[0]));
    one.answer = [204, ""];
    await drop(first);
    await drop(second);
  });

  scenario(world, "change their secret under load, and a receiver that knows either takes everything in the grace [S-HOOK-04]", async () => {
    const one = receivers.one!;
    const made = await add("one", ["server.revoked"]);
    one.came.length = 0;
    /** Sends on while something else is done, and says how many had come when it was over. */
    const during = async <T>(act: () => Promise<T>): Promise<T> => {
      let over = false;
      const load = (async () => {
        while (!over) assert.equal((await ping(made)).state, "delivered");
      })();
      await comes("some under way", one, one.came.length + 3);
      const result = await act();
      await comes("some after it", one, one.came.length + 3);
      over = true;
      await load;
      return result;
    };
    const old = made.secret;
    const { secret } = await during(() => api.post<Made>(`${hooks}/${made.webhook.id}/rotate-secret`, { grace_s: 3600 }));
    const switched = one.came.findIndex((came) => one.verifies(secret, came));
    assert.ok(switched > 0);
    for (const [index, came] of one.came.entries()) {
      assert.ok(one.verifies(old, came), `${index}: who still has the old one`);
      assert.equal(one.verifies(secret, came), index >= switched, `${index}: who has the new one`);
    }
    // The grace is over with the next one, which has none.
    one.came.length = 0;
    const { secret: last } = await during(() => api.post<Made>(`${hooks}/${made.webhook.id}/rotate-secret`, { grace_s: 0 }));
    assert.ok(one.verifies(last));
    assert.ok(!one.verifies(secret) && !one.verifies(old));
    for (const [index, came] of one.came.entries()) assert.ok(one.verifies(last, came) !== one.verifies(secret, came), `${index}: one of them, not both`);
    await drop(made);
  });

  scenario(world, "wait for no other one's receiver, whether that is silent, fails, redirects or hangs up", async () => {
    const { one, failing, redirecting, closing, silent } = receivers as Record<string, Receiver>;
    for (const each of Object.values(receivers)) each.came.length = 0;
    failing!.answer = [500, "broken"];
    redirecting!.answer = (_, response) => response.writeHead(307, { location: one!.url }).end();
    closing!.answer = (request) => request.socket.destroy();
    silent!.answer = () => undefined;
    // Of nothing else: the audit log has a new checkpoint at any time.
    const enrolled = (name: string): Promise<Made> => add(name, ["server.enrolled"]);
    const bad = { silent: await enrolled("silent"), failing: await enrolled("failing"), redirecting: await enrolled("redirecting"), closing: await enrolled("closing") };
    const good = await enrolled("one");
    for (const name of ["a", "b", "c"]) await enrol(`beside-${name}`);
    await comes("all three", one!, 3);
    await comes("one at the silent receiver", silent!, 1);
    // None has come by way of the redirect, and the one who is silent still has the first.
    assert.equal(one!.came.length, 3);
    assert.ok(one!.came.every((came) => one!.verifies(good.secret, came)));
    const waiting = await deliveries(bad.silent);
    assert.equal(waiting.length, 3);
    assert.ok(waiting.every(({ state, attempts }) => state === "waiting" && attempts <= 1));
    const errors: Record<string, [number | null, string]> = { failing: [500, "answered_badly"], redirecting: [307, "redirect_refused"], closing: [null, "outbound_cut"] };
    for (const [name, [status, code]] of Object.entries(errors)) {
      const [oldest] = await poll(`${name} is told`, 60_000, async () => {
        const all = (await deliveries(bad[name as keyof typeof bad])).filter(({ error }) => error);
        return all.length > 0 ? all : undefined;
      }, 50);
      assert.deepEqual([oldest!.status, oldest!.error!.code], [status, code], name);
    }
    for (const each of [...Object.values(bad), good]) await drop(each);
  });

  scenario(world, "are told of their own organization, and of no other [S-ISO-07]", async () => {
    const { one, two } = receivers as Record<string, Receiver>;
    const other = `/api/v1/orgs/${(await api.post<{ id: string }>("/api/v1/orgs", { name: "Another" })).id}`;
    for (const each of [one!, two!]) {
      each.came.length = 0;
      each.answer = [204, ""];
    }
    const ours = await add("one");
    const theirs = await api.post<Made>(`${other}/webhooks`, { url: two!.url });
    (await FalseAgent.enrol(await world.controller(), api, other, "theirs")).close();
    await enrol("ours");
    const told = (receiver: Receiver): Came | undefined => receiver.came.find((came) => type(came) === "server.enrolled");
    await poll("each is told of its server", 60_000, async () => (told(one!) && told(two!)) || undefined, 20);
    const org = (came: Came): string => (JSON.parse(came.body) as { data: { organization_id: string } }).data.organization_id;
    for (const [receiver, path] of [[one!, await world.org()], [two!, other]] as const)
      for (const came of receiver.came) assert.equal(`/api/v1/orgs/${org(came)}`, path, came.body);
    assert.ok(one!.verifies(ours.secret, told(one!)) && two!.verifies(theirs.secret, told(two!)));
    await drop(ours);
    await api.call("DELETE", `${other}/webhooks/${theirs.webhook.id}`);
  });

  scenario(world, "go over TLS 1.2 and newer, to whom the certificate is for [S-TLS-04]", async () => {
    for (const [name, says] of [["tls11", /TLS|protocol/i], ["othername", /127\.0\.0\.1|certificate/i], ["stranger", /certificate/i]] as const) {
      const made = await add(name);
      const { state, error } = await ping(made);
      assert.equal(state, "failed", name);
      assert.equal(error?.code, "outbound_tls", name);
      assert.match(error!.message, says, name);
      assert.equal(receivers[name]!.came.length, 0, name);
      await drop(made);
    }
  });

  scenario(world, "take an answer no longer than anybody reads, and wait for none that drips [S-SSRF-07]", async () => {
    const two = receivers.two!;
    const made = await add("two", ["server.revoked"]);
    const piece = Buffer.alloc(64 * 1024, "x");
    let open = 0;
    const whileOpen = (response: ServerResponse, write: () => void, every: number): void => {
      open++;
      const timer = setInterval(write, every);
      response.on("close", () => {
        open--;
        clearInterval(timer);
      });
    };
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const answers: Record<string, [code: string, answer: (response: ServerResponse) => void]> = {
      endless: ["outbound_too_large", (response) => whileOpen(response.writeHead(200), () => response.write(piece), 1)],
      bomb: ["outbound_too_large", (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)],
      headers: ["outbound_too_large", (response) => response.writeHead(200, { "x-long": Array(15).fill("h".repeat(4000)) }).end()],
      drip: ["outbound_unreachable", (response) => whileOpen(response.writeHead(200), () => response.write("x"), 200)],
    };
    for (const [name, [code, answer]] of Object.entries(answers)) {
      two.answer = (_, response) => answer(response);
      const { state, error, status } = await ping(made);
      assert.deepEqual([state, error?.code, status], ["failed", code, null], `${name}: ${error?.message}`);
    }
    await poll("the connections are gone", 30_000, async () => open === 0 || undefined, 20);
    two.answer = [204, ""];
    assert.equal((await ping(made)).state, "delivered");
    await drop(made);
  });

  scenario(world, "are sent after a kill of the controller, with the id that they had", async () => {
    const two = receivers.two!;
    two.came.length = 0;
    two.answer = [503, "later"];
    const made = await add("two", ["server.enrolled"]);
    await enrol("killed");
    await comes("the first attempt", two, 1);
    const controller = await world.controller();
    await controller.kill();
    two.answer = [204, ""];
    await controller.start();
    await comes("another after the start", two, 2);
    const [before, now] = two.came;
    assert.equal(now!.headers["webhook-id"], before!.headers["webhook-id"]);
    assert.equal(now!.body, before!.body);
    assert.ok(two.verifies(made.secret, now));
    await poll("it is delivered", 60_000, async () => (await deliveries(made))[0]?.state === "delivered" || undefined, 50);
    await drop(made);
  });

  scenario(world, "are cut off by a stop of the controller, told as that, and sent again after its start", async () => {
    const silent = receivers.silent!;
    silent.came.length = 0;
    silent.answer = () => undefined;
    const made = await add("silent", ["server.enrolled"]);
    await enrol("stopping");
    await comes("the attempt that is never answered", silent, 1);
    const controller = await world.controller();
    assert.equal(await controller.stop(), 0);
    silent.answer = [204, ""];
    await controller.start();
    await comes("another after the start", silent, 2);
    const [cut, again] = silent.came;
    assert.deepEqual([again!.headers["webhook-id"], again!.body], [cut!.headers["webhook-id"], cut!.body]);
    const [row] = await poll("it is delivered", 60_000, async () => {
      const all = await deliveries(made);
      return all[0]?.state === "delivered" ? all : undefined;
    }, 50);
    const { tries } = await api.get<{ tries: { error: { code: string } | null }[] }>(`${hooks}/${made.webhook.id}/deliveries/${row!.id}`);
    assert.deepEqual(tries.map((one) => one.error?.code), [undefined, "outbound_stopped"], "newest first");
    await drop(made);
  });

  scenario(world, "of a receiver that is gone are disabled, and whoever made one is written to", async () => {
    const one = receivers.one!;
    one.answer = [410, "gone"];
    const made = await add("one", ["server.enrolled"]);
    await enrol("gone");
    const letter = await mail.next(admin.email);
    assert.match(letter.headers, /^Subject: A webhook was disabled\r?$/m);
    const words = letter.text.replaceAll(/\s+/g, " ");
    assert.ok(words.includes(`The webhook to ${new URL(one.url).origin} was disabled.`), words);
    assert.match(words, /answered 410.*Nothing is sent to it until somebody enables it again, at https:\/\//);
    assert.ok(!letter.text.includes(made.secret) && !letter.text.includes("/hook"), "an address may hold a secret");
    const { state, disabled } = await api.get<{ state: string; disabled: { code: string } | null }>(`${hooks}/${made.webhook.id}`);
    assert.deepEqual([state, disabled?.code], ["failing", "gone"]);
    one.answer = [204, ""];
    await drop(made);
  });

  scenario(world, "take no hostile address [S-SSRF-02]", async () => {
    const hostile = JSON.parse(readFileSync(join(root, "tests/hostile/urls.json"), "utf8")) as { url: string; why: string }[];
    assert.ok(hostile.length >= 150);
    for (const { url, why } of hostile) {
      const answer = await api.send<{ code: string; errors?: { field: string }[] }>("POST", hooks, { body: { url } });
      assert.equal(answer.status, 400, `${url} (${why}): ${answer.text}`);
    }
    assert.deepEqual((await api.get<List<unknown>>(hooks)).data, []);
  });
});
