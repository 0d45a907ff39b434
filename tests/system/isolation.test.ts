// What is somebody else's is as if it did not exist: every route of the contract is asked with everything right but one id, in its path, its
// body or its query, which belongs to another organization or to a project that the caller is not let into.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { bodies, places, references } from "./lib/bodies.ts";
import { newId } from "./lib/direct.ts";
import { join, letterToken, ownOrg, type Person, withKey } from "./lib/people.ts";
import { type Contract, listRoutes, type Listed, resolve } from "./lib/schema.ts";
import type { Session } from "./lib/types.ts";
import { deafAcme, fillProject, fillWhole, type Ids, type Whole } from "./lib/whole.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

type Send = (method: string, path: string, body?: unknown) => Promise<Answer<Problem>>;

/** One request with one id that is somebody else's. */
interface Attempt {
  listed: Listed;
  /** "{backup}", "storage_id", "?environment". */
  where: string;
  path: string;
  body?: unknown;
  id: string;
  /** The same with an id that nobody has. */
  invented: { path: string; body?: unknown; id: string };
}

/** These stand on a server and are asked of it, so that no id of them is the controller's to look up: what counts is whose server it is. */
const onServers = ["message", "recording", "name"];
/** Good for nobody here, and why. */
const notForUs: Record<string, string> = {
  "POST /api/v1/orgs/{org}/connect/grants/{grant}/redeem": "the grant is for the agency, which has redeemed it",
  "GET /api/v1/terminals/{terminal}": "only the session that asked for a terminal finds it, and only by a WebSocket",
};
/** Answered by a server over its link, which a played agent cannot, or no answer at all but a stream. */
const live = (listed: Listed): boolean => /\/(logs|mail|mail\/\{message\}|recordings|recordings\/\{recording\}|events|ssh|export)$/.test(listed.path) && listed.method === "GET";

describe("whoever may not", () => {
  const world = worldOfSuite(`${deafAcme}
plan_of_new_organizations: agency
rates:
  reads_a_minute: 1000000
  writes_a_minute: 1000000
  key_reads_a_minute: 1000000
  key_writes_a_minute: 1000000
`);
  world.patienceMs = 600_000; // two whole organizations, thousands of requests
  let contract: Contract, routes: Listed[];
  let limited: Person;
  let ours: { api: Api; org: string } & Whole, theirs: { api: Api; org: string } & Whole;

  before(async () => {
    const owner = await world.api();
    const org = await world.org();
    contract = await owner.get<Contract>("/api/v1/openapi.json");
    routes = listRoutes(contract).filter((one) => !["none", "operator"].includes(one.route["x-permission"]) && !one.path.includes("{provider}"));
    const controller = await world.controller();
    const people = { agent: await join(owner, org, "agency@example.org", "viewer"), other: await join(owner, org, "other@example.org", "viewer") };
    const agencyOf = { api: people.agent.api, org: await ownOrg(people.agent.api, "Agency") };
    const theirOrg = await ownOrg(people.other.api, "Other");
    for (const one of Object.values(people)) await owner.call("DELETE", `${org}/members/${one.user}`);
    ours = { api: people.other.api, org: theirOrg, ...(await fillWhole(controller, people.other.api, theirOrg, "ours", agencyOf)) };
    // Before its owner has a second factor, who hands out the letters.
    limited = await join(ours.api, ours.org, "limited@example.org", "viewer", {}, () => letterToken(owner, "limited@example.org"));
    theirs = { api: owner, org, ...(await fillWhole(controller, owner, org, "theirs", agencyOf)) };
  });
  after(() => [ours, theirs].forEach((one) => one?.agent.close()));

  const inPath = (listed: Listed): string[] => [...listed.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  /** What is adopted is no environment of the organization's yet. */
  const keyOf = (listed: Listed, name: string): string => (name === "environment" && listed.path.includes("/found-environments/") ? "found" : name);
  const at = (listed: Listed, ids: Ids): string =>
    listed.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(
      name === "message" ? "1767225600000-0123456789ab" : name === "recording" ? ids.terminal! : ids[keyOf(listed, name)]!));
  const bodyOf = (listed: Listed, ids: Ids): Record<string, unknown>[] => bodies[listed.route.operationId]?.(ids) ?? [];
  const invent = (id: string): string => newId(id.split("_")[0]!);
  const sends = (api: Api): Send => (method, path, body) => api.send<Problem>(method, path, { body });
  const sendsAs = (key: string): Send => {
    const program = ours.api.stranger();
    return (method, path, body) => program.send<Problem>(method, path, { body, headers: { Authorization: `Bearer ${key}` } });
  };

  /** Every way to name one thing of `foreign` where `own` has one; `kinds` are those that the two differ in. */
  function* attempts(own: Ids, foreign: Ids, kinds: string[]): Generator<Attempt> {
    for (const listed of routes) {
      const names = inPath(listed).filter((name) => kinds.includes(keyOf(listed, name)));
      const [body] = bodyOf(listed, own);
      const inPlace = (these: string[]): Attempt => {
        const key = (name: string): string => keyOf(listed, name);
        const other = (name: string): string => foreign[key(name)]!;
        const take = (id: (name: string) => string): string => at(listed, { ...own, ...Object.fromEntries(these.map((name) => [key(name), id(name)])) });
        const last = invent(other(these.at(-1)!));
        return {
          listed, where: these.map((name) => `{${name}}`).join(), path: take(other), body, id: other(these.at(-1)!),
          invented: { path: take((name) => (name === these.at(-1) ? last : invent(other(name)))), body, id: last },
        };
      };
      for (const name of names) yield inPlace([name]);
      if (names.length > 1) yield inPlace(names);

      for (const whole of bodyOf(listed, own)) {
        for (const { path: where, value, put } of places(whole)) {
          const kind = kinds.find((one) => own[one] === value);
          if (!kind || where === "agency") continue; // an agency is somebody else by its nature
          const id = foreign[kind]!, nobodys = invent(id);
          yield { listed, where, path: at(listed, own), body: put(id), id, invented: { path: at(listed, own), body: put(nobodys), id: nobodys } };
        }
      }
      for (const parameter of listed.parameters.filter((one) => one.in === "query")) {
        const prefix = /^\^([a-z]+)_\[/.exec(resolve(contract, parameter.schema).pattern ?? "")?.[1];
        for (const kind of kinds.filter((one) => prefix && foreign[one]!.startsWith(`${prefix}_`)).slice(0, 1)) {
          const id = foreign[kind]!, nobodys = invent(id), ask = (one: string): string => `${at(listed, own)}?${parameter.name}=${one}`;
          yield { listed, where: `?${parameter.name}`, path: ask(id), id, invented: { path: ask(nobodys), id: nobodys } };
        }
      }
    }
  }

  /** What is not as promised about the answers; "" where all is well. */
  function wrongWith(one: Attempt, answer: Answer<Problem>, nobodys: Answer<Problem>, mayBeDenied: boolean): string {
    const { status, body } = answer;
    const denied = status === 403 && mayBeDenied;
    const blamed = status === 400 && body.code === "validation_failed" && body.errors?.some((error) => one.where.replaceAll("[]", "").startsWith(error.field.replaceAll(/\[\d+\]/g, "")));
    const nothing = status === 200 && Array.isArray((body as unknown as { data: unknown[] }).data) && !answer.text.includes(`"id":"`);
    const right = (status === 404 && body.code === "not_found") || denied
      || (!one.where.startsWith("{") && (one.where.startsWith("?") ? nothing : blamed));
    if (!right) return `${status}`;
    // Nor does the answer tell that the id is somebody's.
    const plain = (text: string, id: string): string => text.replaceAll(id, "ID").replaceAll(/"request_id":"[^"]*"/g, "");
    return answer.status === nobodys.status && plain(answer.text, one.id) === plain(nobodys.text, one.invented.id) ? "" : `differs from nobody's, ${nobodys.status} ${nobodys.text}`;
  }

  async function sweep(name: string, send: Send, own: Ids, foreign: Ids, kinds: string[], mayBeDenied: (listed: Listed) => boolean): Promise<{ asked: number; wrong: string[] }> {
    let asked = 0;
    const wrong: string[] = [];
    for (const one of attempts(own, foreign, kinds)) {
      const { method } = one.listed;
      const answer = await send(method, one.path, one.body);
      const nobodys = await send(method, one.invented.path, one.invented.body);
      const what = wrongWith(one, answer, nobodys, mayBeDenied(one.listed));
      if (what) wrong.push(`${name}: ${method} ${one.listed.path} with another's ${one.where}: ${what}: ${answer.text.slice(0, 300)}`);
      asked += 1;
    }
    return { asked, wrong };
  }

  /** What changes by itself: when somebody was last here, how often it was tried. */
  const restless = new Set(["last_used_at", "last_seen_at", "next_attempt_at", "checked_at", "checking", "next_check_at", "last_error"]);
  /** All that the contract lets an owner read, route by route; a terminal waits for half a minute alone. */
  async function shown({ api, org, ids }: { api: Api; org: string; ids: Ids }): Promise<Record<string, unknown>> {
    const all: Record<string, unknown> = {};
    const still = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(still)
        : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).filter(([key]) => !restless.has(key)).map(([key, inner]) => [key, still(inner)])) : value;
    for (const listed of routes.filter((one) => one.method === "GET" && one.path.startsWith("/api/v1/orgs/{org}") && !live(one) && !/\/(audit|metrics|terminals)/.test(one.path))) {
      const answer = await api.send(listed.method, at(listed, { ...ids, org: org.split("/").at(-1)! }));
      assert.equal(answer.status, 200, `GET ${listed.path}: ${answer.text}`);
      all[listed.path] = still(answer.body);
    }
    return all;
  }

  scenario(world, "is asked about here with one of every kind, and with every reference of the contract in a body", async () => {
    const known = [...Object.keys(ours.ids), ...onServers, "terminal"];
    assert.deepEqual([...new Set(routes.flatMap(inPath))].filter((name) => !known.includes(name)), [], "ids in paths");
    for (const listed of routes.filter((one) => one.route.requestBody && inPath(one).length)) {
      const made = bodyOf(listed, ours.ids).flatMap((body) => places(body)).map((one) => one.path);
      assert.ok(bodyOf(listed, ours.ids).length, `${listed.route.operationId} has no body in lib/bodies.ts`);
      assert.deepEqual(references(contract, listed).filter((path) => !made.includes(path)), [], `references in the body of ${listed.route.operationId}`);
    }
  });

  scenario(world, "finds nothing of another organization, by a session or a key: in a path, a body or a query [S-ISO-01] [S-ISO-02] [S-ISO-06]", async () => {
    const all = (await ours.api.get<{ data: { code: string }[] }>("/api/v1/permissions")).data.map((one) => one.code);
    const { key } = await withKey(ours.api, ours.org, "rw", all);
    const entries = async (): Promise<{ id: string }[]> => (await theirs.api.get<{ data: { id: string }[] }>(`${theirs.org}/audit?limit=200`)).data;
    const [mark] = await entries();
    const was = await shown(theirs);
    const wrong: string[] = [];
    for (const [name, send] of [["session", sends(ours.api)], ["key", sendsAs(key)]] as const) {
      const own = { ...ours.ids, terminal: await ours.terminal() };
      const foreign = { ...theirs.ids, terminal: await theirs.terminal() };
      const kinds = Object.keys(foreign).filter((one) => !["name", "agency"].includes(one));
      // A key is told what only a person may, whatever it names.
      const denied = (listed: Listed): boolean => name === "key" && (listed.route["x-step-up"] === true || ["owner", "self"].includes(listed.route["x-permission"]));
      const done = await sweep(name, send, own, foreign, kinds, denied);
      assert.ok(done.asked > 250, `only ${done.asked} requests`);
      wrong.push(...done.wrong);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await shown(theirs), was, "something of the other organization was changed");
    // Nor does its log know of anybody who tried.
    const { user } = await ours.api.get<Session>("/api/v1/session");
    const after = (await entries()).filter((one) => one.id > mark!.id);
    assert.deepEqual(after.filter((one) => JSON.stringify(one).includes(user.id)), []);
  });

  scenario(world, "finds nothing of a project, being a member or a key limited to another: in a path, a body, a query or a list", async () => {
    const controller = await world.controller();
    const { data } = await ours.api.get<{ data: { code: string; reach: string }[] }>("/api/v1/permissions");
    const codes = data.filter((one) => one.reach !== "org").map((one) => one.code);
    const others = await fillProject(controller, ours.api, ours.org, ours.ids, "others");
    const role = await ours.api.post<{ id: string }>(`${ours.org}/roles`, { name: "Everything of a project", permissions: codes });
    const limits = { projects: [ours.ids.project] };
    await ours.api.call("PUT", `${ours.org}/members/${limited.user}/projects`, { body: limits });
    await ours.api.call("PATCH", `${ours.org}/members/${limited.user}`, { body: { role: role.id } });
    const { key } = await withKey(ours.api, ours.org, "rw", codes, limits);
    const was = await shown({ ...ours, ids: { ...ours.ids, ...others } });
    const wrong: string[] = [];
    const kinds = Object.keys(others).filter((one) => one !== "hook");
    for (const [name, send] of [["member", sends(limited.api)], ["key", sendsAs(key)]] as const) {
      const denied = ({ route }: Listed): boolean => !codes.includes(route["x-permission"]);
      const done = await sweep(name, send, { ...ours.ids, terminal: newId("term") }, others, kinds, denied);
      assert.ok(done.asked > 80, `only ${done.asked} requests`);
      wrong.push(...done.wrong);
      for (const listed of routes.filter((one) => one.method === "GET" && codes.includes(one.route["x-permission"]) && !live(one))) {
        const answer = await send("GET", at(listed, { ...ours.ids, terminal: newId("term") }));
        for (const kind of kinds) if (answer.text.includes(others[kind]!)) wrong.push(`${name}: GET ${listed.path} shows ${kind}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await shown({ ...ours, ids: { ...ours.ids, ...others } }), was, "something of the other project was changed");
  });

  scenario(world, "puts nothing in place of production's data: each route that can asks for one permission more", async () => {
    const live = await fillProject(await world.controller(), ours.api, ours.org, ours.ids, "production", "production");
    const ids = { ...ours.ids, ...live };
    const guarded = routes.filter((one) => one.route["x-permission-production"]);
    assert.ok(guarded.length >= 3, `only ${guarded.length} routes`);
    const { data } = await ours.api.get<{ data: { code: string }[] }>("/api/v1/permissions");
    for (const listed of guarded) {
      const more = listed.route["x-permission-production"]!;
      const [body] = bodyOf(listed, ids), [harmless] = bodyOf(listed, ours.ids);
      const send = async (permissions: string[], of: Ids, given: unknown): Promise<Answer<Problem>> => sendsAs((await withKey(ours.api, ours.org, "rw", permissions)).key)(listed.method, at(listed, of), given);
      const all = data.map((one) => one.code), rest = all.filter((one) => one !== more);
      const denied = await send(rest, ids, body);
      assert.deepEqual([denied.status, denied.body.permission], [403, more], `${listed.method} ${listed.path} without ${more}: ${denied.text}`);
      // It waits for the target's name to be typed, so that nothing happens.
      const asked = await send(all, ids, body);
      assert.equal(asked.status, 428, `${listed.method} ${listed.path} with ${more}: ${asked.text}`);
      // Elsewhere nothing more is needed.
      const elsewhere = await send(rest, ours.ids, harmless);
      assert.ok([202, 409].includes(elsewhere.status), `${listed.method} ${listed.path} elsewhere: ${elsewhere.text}`);
    }
  });

  scenario(world, "is told that copying is off by each route of the contract that copies; another organization goes on as before [S-CLONE-01] [S-CLONE-05]", async () => {
    const copying = routes.filter((one) => /clone_disabled/.test(one.route.description ?? ""));
    assert.deepEqual(copying.map((one) => one.route.operationId).sort(), ["cloneEnvironment", "restoreBackup"]);
    const security = await ours.api.get<Record<string, unknown>>(`${ours.org}/security`);
    await ours.api.call("PUT", `${ours.org}/security`, { body: { ...security, clone_enabled: false } });
    const ask = ({ api, ids }: { api: Api; ids: Ids }, listed: Listed, body: unknown): Promise<Answer<Problem>> => api.send<Problem>(listed.method, at(listed, ids), { body });
    for (const listed of copying) {
      for (const body of bodyOf(listed, ours.ids)) {
        const answer = await ask(ours, listed, body);
        assert.deepEqual([answer.status, answer.body.code], [403, "clone_disabled"], `${listed.method} ${listed.path} ${JSON.stringify(body)}: ${answer.text}`);
      }
      const [body] = bodyOf(listed, theirs.ids);
      const others = await ask(theirs, listed, body);
      assert.ok([202, 409].includes(others.status), `${listed.method} ${listed.path}: ${others.text}`);
    }
    await ours.api.call("PUT", `${ours.org}/security`, { body: security });
  });

  scenario(world, "is kept out by the id alone: with one's own each of these requests is answered", async () => {
    /** First what only looks, then what changes, at last what takes away; children before what they belong to. */
    const rank = ({ method, path }: Listed): number =>
      method === "GET" ? 0 : path.endsWith("/sessions/{session}") ? 100 : method === "DELETE" ? 20 - path.split("/").length : /\/(revoke|cancel|finish|end|owner)$/.test(path) ? 2 : 1;
    const wrong: string[] = [];
    for (const listed of routes.filter((one) => inPath(one).length && !live(one) && !(`${one.method} ${one.path}` in notForUs)).sort((a, b) => rank(a) - rank(b))) {
      for (const body of listed.route.requestBody ? bodyOf(listed, ours.ids) : [undefined]) {
        const ids = { ...ours.ids, ...(listed.path.includes("{terminal}") ? { terminal: await ours.terminal() } : {}) };
        const answer = await ours.api.send<Problem>(listed.method, at(listed, ids), { body });
        // What waits for a confirmation, or for something else to end, has been found.
        if (answer.status >= 300 && ![409, 428].includes(answer.status)) wrong.push(`${listed.method} ${listed.path}: ${answer.status} ${answer.text.slice(0, 300)}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
});
