// Nothing that is kept for one organization is answered to another: by the controller's own memory, by a replay, or by HTTP.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { fillOrg } from "./lib/fill.ts";
import { join, ownOrg, type Person, withKey } from "./lib/people.ts";
import { type Contract, listRoutes, type Listed } from "./lib/schema.ts";
import type { Session } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("what is kept", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n  key_reads_a_minute: 100000\n  key_writes_a_minute: 100000\nplan_of_new_organizations: agency\n");
  let ada: Api, a: string, bob: Person, b: string, ids: Record<string, string>, theirs: Record<string, string>, routes: Listed[];

  before(async () => {
    ada = await world.api();
    a = await world.org();
    bob = await join(ada, a, "bob@example.org", "viewer");
    b = await ownOrg(bob.api, "Bob's");
    await ada.call("DELETE", `${a}/members/${bob.user}`);
    ids = await fillOrg(ada, a);
    theirs = await fillOrg(bob.api, b);
    routes = listRoutes(await ada.get<Contract>("/api/v1/openapi.json")).filter((one) => one.method === "GET" && !one.path.endsWith("/events"));
  });

  const filled = (listed: Listed, of: Record<string, string>): string =>
    listed.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(of[name] ?? "missing")) + (listed.path.endsWith("/export") ? "?format=jsonl" : "");

  scenario(world, "what one organization was just told is told to no other: by memory, by replay, by any cache on the way [S-ISO-03]", async () => {
    // Primed as A, a few times over, by session and by key; then asked as B, by session and by key.
    const all = (await ada.get<{ data: { code: string }[] }>("/api/v1/permissions")).data.map((one) => one.code);
    const keys = { a: (await withKey(ada, a, "rw", all)).key, b: (await withKey(bob.api, b, "rw", all)).key };
    const withBearer = (key: string) => (path: string): Promise<Answer<Problem>> => ada.stranger().send<Problem>("GET", path, { headers: { Authorization: `Bearer ${key}` } });
    const orgRoutes = routes.filter((one) => one.path.startsWith("/api/v1/orgs/{org}"));
    assert.ok(orgRoutes.length > 35, `${orgRoutes.length} routes`);
    const own = [ids.server!, ids.project!, ids.environment!, ids.token!, ids.credential!, ids.operation!, ids.key!, "ada@fairlead.test"];
    const askKeyA = withBearer(keys.a), askKeyB = withBearer(keys.b);
    let answered = 0;
    for (const listed of orgRoutes) {
      const path = filled(listed, ids);
      for (let i = 0; i < 2; i += 1) if ((await ada.send("GET", path)).status === 200) answered += 1;
      await askKeyA(path);
      for (const answer of [await bob.api.send<Problem>("GET", path), await askKeyB(path)]) {
        assert.deepEqual([answer.status, answer.body.code], [404, "not_found"], `${path}: ${answer.text.slice(0, 200)}`);
      }
      // The same under B's own path, which holds things of the same names.
      const mine = await bob.api.send("GET", filled(listed, theirs));
      assert.deepEqual(own.filter((text) => mine.text.includes(text)), [], `${filled(listed, theirs)} tells of A: ${mine.text.slice(0, 2000)}`);
    }
    assert.ok(answered > 50, `A was answered ${answered} times`);

    // A replay is for who asked, of what they asked.
    const headers = { "Idempotency-Key": "the-same" };
    const body = { name: "once" };
    type Made = { registration_token: { id: string }; token: string };
    const first = await ada.send<Made>("POST", `${a}/registration-tokens`, { body, headers });
    const again = await ada.send<Made>("POST", `${a}/registration-tokens`, { body, headers });
    assert.deepEqual([again.headers["idempotency-replayed"], again.body], ["true", first.body]);
    const bobs = await bob.api.send<Made>("POST", `${b}/registration-tokens`, { body, headers });
    assert.equal(bobs.status, 201, bobs.text);
    assert.ok(bobs.body.token !== first.body.token && bobs.headers["idempotency-replayed"] === undefined);
    assert.equal((await bob.api.send("POST", `${a}/registration-tokens`, { body, headers })).status, 404);
    // A key is not its maker: it may reach less.
    const program = await ada.stranger().send<Made>("POST", `${a}/registration-tokens`, { body, headers: { ...headers, Authorization: `Bearer ${keys.a}` } });
    assert.equal(program.status, 201, program.text);
    assert.ok(program.body.token !== first.body.token && program.headers["idempotency-replayed"] === undefined);
    // One person, two organizations: the second is not answered with the first one's.
    const second = await ownOrg(ada, "Ada's other");
    const across = await ada.send<Problem>("POST", `${second}/registration-tokens`, { body, headers });
    assert.deepEqual([across.status, across.body.code], [409, "idempotency_conflict"]);
    assert.ok(!across.text.includes(first.body.token));

    // HTTP: nothing of anybody's may be kept on the way, and nothing is answered by "not modified".
    for (const listed of routes) {
      const path = filled(listed, ids);
      const answer = await ada.send("GET", path, { headers: { "If-None-Match": "*", "If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT" } });
      const control = String(answer.headers["cache-control"]);
      assert.notEqual(answer.status, 304, path);
      if (listed.route["x-permission"] !== "none") {
        assert.equal(control, "no-store", `${path}: ${control}`);
        assert.equal(answer.headers.etag, undefined, path);
      } else {
        assert.ok(!/public|max-age=[1-9]/.test(control), `${path}: ${control}`);
      }
    }
    // What may be kept is the same for everybody.
    for (const path of ["/", "/o/somewhere"]) {
      const [one, other] = [await ada.send("GET", path), await bob.api.send("GET", path)];
      assert.deepEqual([one.status, one.text, one.headers.etag], [200, other.text, other.headers.etag]);
      assert.equal(one.headers["cache-control"], "no-cache");
    }
  });

  scenario(world, "who somebody is in an organization is not kept longer than it is so, nor mixed with another", async () => {
    const eva = await join(ada, a, "eva@example.org", "viewer");
    const own = await ownOrg(eva.api, "Eva's");
    const rights = (session: Session, of: string): string[] => session.orgs.find((one) => of.endsWith(one.id))!.permissions;
    // Asked in turn, so that either is fresh in memory when the other is asked for.
    for (let i = 0; i < 10; i += 1) {
      assert.equal((await eva.api.send("GET", `${a}/registration-tokens`)).status, 403);
      assert.equal((await eva.api.send("GET", `${own}/registration-tokens`)).status, 200);
    }
    const session = await eva.api.get<Session>("/api/v1/session");
    assert.ok(rights(session, a).length < rights(session, own).length);
    const key = await withKey(ada, a, "ro", ["servers.view"]);
    const ask = (): Promise<Answer<Problem>> => ada.stranger().send<Problem>("GET", `${a}/servers`, { headers: { Authorization: `Bearer ${key.key}` } });
    assert.equal((await ask()).status, 200);
    // The very next request knows.
    await ada.call("DELETE", `${a}/api-keys/${key.id}`);
    assert.equal((await ask()).status, 401);
    await ada.call("PATCH", `${a}/members/${eva.user}`, { body: { role: "admin" } });
    assert.equal((await eva.api.send("GET", `${a}/registration-tokens`)).status, 200);
    await ada.call("DELETE", `${a}/members/${eva.user}`);
    assert.equal((await eva.api.send("GET", `${a}/registration-tokens`)).status, 404);
    assert.equal((await eva.api.send("GET", `${own}/registration-tokens`)).status, 200);
  });
});
