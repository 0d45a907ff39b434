// The running controller against its contract, and against input of every wrong kind.
import assert from "node:assert/strict";
import { connect } from "node:tls";
import { join } from "node:path";
import { before, describe } from "node:test";
import type { Answer, Api, Event, Problem } from "./lib/api.ts";
import { fillOrg } from "./lib/fill.ts";
import { root } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { type Contract, type Listed, listRoutes, type Parameter, resolve, sample, type Schema, wrong } from "./lib/schema.ts";
import type { List } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the controller's API", () => {
  // Thousands of requests in a minute: the limits have tests of their own.
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 1000000\n  writes_a_minute: 1000000\n");
  let api: Api;
  let contract: Contract;
  let routes: Listed[];
  /** Real ids for the parts of a path. */
  const ids: Record<string, string> = { file: "SHA256SUMS", name: "SAMPLE" };

  before(async () => {
    api = await world.api();
    contract = await api.get<Contract>("/api/v1/openapi.json");
    routes = listRoutes(contract);
    Object.assign(ids, await fillOrg(api, await world.org()));
  });

  const at = (listed: Listed, more: Record<string, string> = {}): string =>
    listed.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(more[name] ?? ids[name] ?? "missing"));

  /** Headers that let a request get past the confirmation to what is tested. */
  const confirmation = { "X-Confirm": "no-such-name" };

  const bodySchema = (listed: Listed): Schema | undefined => listed.route.requestBody?.content["application/json"]?.schema;

  function isProblem(answer: Answer<unknown>, what: string): Problem {
    const problem = answer.body as Problem;
    assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
    assert.match(String(answer.headers["content-type"]), /^application\/problem\+json/, what);
    for (const key of ["type", "title", "detail", "code", "request_id"] as const) {
      assert.equal(typeof problem[key], "string", `${what}: no ${key} in ${answer.text}`);
    }
    assert.equal(problem.status, answer.status, what);
    return problem;
  }

  /** What is stored, as far as the API shows it. Sign-ins and refusals of this test itself are not in it. */
  async function stored(): Promise<string> {
    const org = await world.org();
    let text = JSON.stringify((await api.get<{ counts: object }>(org)).counts);
    for (const list of ["servers", "registration-tokens", "api-keys", "connect/grants", "git-credentials", "projects", "environments", "storages", "backups", "operations"]) {
      text += `\n${JSON.stringify((await api.get<List<unknown>>(`${org}/${list}?limit=200`)).data)}`;
    }
    return text + JSON.stringify(await api.get(`${org}/environments/${ids.environment}/variables`));
  }

  scenario(world, "is the contract of the source, and each of its routes is there", async () => {
    const source = await run("python3", ["-c", "import json, sys, yaml; json.dump(yaml.load(open(sys.argv[1]), Loader=yaml.BaseLoader), sys.stdout, sort_keys=True)", join(root, "proto/openapi.yaml")]);
    const paths = (JSON.parse(source.stdout) as Contract).paths;
    assert.deepEqual(Object.keys(contract.paths).sort(), Object.keys(paths).sort());
    for (const [path, item] of Object.entries(paths)) {
      assert.deepEqual(Object.keys(contract.paths[path]!).sort(), Object.keys(item).sort(), path);
    }
    for (const listed of routes) {
      assert.ok(listed.route["x-permission"], `${listed.method} ${listed.path} names no permission`);
      const answer = await api.stranger().send("OPTIONS", at(listed));
      assert.equal(answer.status, 405, `OPTIONS ${listed.path}: a path of the contract takes other methods: ${answer.text}`);
      // A fixed path may stand where another route has an id: "passkeys/options" beside "passkeys/{passkey}".
      const fits = (pattern: string): boolean => new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(listed.path);
      const methods = [...new Set(routes.filter((one) => fits(one.path)).map((one) => one.method))];
      const allowed = String(answer.headers.allow).split(", ");
      assert.deepEqual(allowed.filter((one) => one !== "HEAD").sort(), methods.sort(), `Allow of ${listed.path}`);
    }
    assert.equal((await api.send("GET", "/api/v1/no-such-thing")).status, 404);
  });

  scenario(world, "lets nobody in who is not signed in, and tells nothing", async () => {
    const stranger = api.stranger();
    for (const listed of routes.filter((one) => one.route["x-permission"] !== "none")) {
      const problem = isProblem(await stranger.send(listed.method, at(listed), { headers: confirmation }), `${listed.method} ${listed.path}`);
      assert.equal(problem.code, "unauthenticated", listed.path);
    }
  });

  scenario(world, "refuses a change that does not come from its own pages", async () => {
    const changes = routes.filter((one) => one.method !== "GET" && one.route["x-permission"] !== "none");
    for (const listed of changes) {
      for (const from of [{ "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" }, { "Sec-Fetch-Site": "same-site", Origin: "https://other.fairlead.test" }]) {
        const answer = await api.send(listed.method, at(listed), { body: {}, headers: { ...confirmation, ...from } });
        assert.equal(answer.status, 403, `${listed.method} ${listed.path} ${JSON.stringify(from)}: ${answer.text}`);
      }
    }
  });

  // Those of other organizations, real ones: isolation.test.ts.
  scenario(world, "answers ids of nothing with 404, and what is no id with a problem", async () => {
    const other = "01JD8Q4M3N7V5X2K9B6T0W1YHZ";
    const prefix = Object.fromEntries(Object.entries(ids).flatMap(([name, id]) => {
      const found = /^([a-z]+)_[0-9A-Z]{26}$/.exec(id);
      return found && name !== "recording" ? [[name, found[1]!]] : []; // of recordings their server alone knows
    }));
    assert.ok(Object.keys(prefix).length > 20, `ids of ${Object.keys(prefix).join(" ")} alone`);
    for (const listed of routes.filter((one) => one.route["x-permission"] !== "none")) {
      for (const parameter of listed.parameters.filter((one) => one.in === "path" && prefix[one.name])) {
        const body = bodySchema(listed) ? sample(contract, bodySchema(listed)!) : undefined;
        for (const id of [`${prefix[parameter.name]}_${other}`, "nonsense", "..%2F..%2Fetc", `${prefix[parameter.name]}_${"Z".repeat(5000)}`]) {
          const answer = await api.send(listed.method, at(listed, { [parameter.name]: id }), { body, headers: confirmation });
          const problem = isProblem(answer, `${listed.method} ${listed.path} with ${parameter.name}=${id.slice(0, 60)}`);
          // Whether there is an organization, those who look after the installation are not told either.
          const code = listed.route["x-permission"] === "operator" && parameter.name === "id" ? "support_not_granted" : "not_found";
          if (id.endsWith(other)) assert.equal(problem.code, code, `${listed.method} ${listed.path}: ${answer.text}`);
        }
      }
    }
  });

  scenario(world, "answers bodies of every wrong kind with a problem that names the field, and stores nothing", async () => {
    const was = await stored();
    for (const listed of routes.filter(bodySchema)) {
      const what = `${listed.method} ${listed.path}`;
      const path = at(listed);
      const send = (raw: string | Buffer, headers: Record<string, string> = {}): Promise<Answer<unknown>> =>
        api.send(listed.method, path, { raw, headers: { ...confirmation, ...headers } });
      const schema = resolve(contract, bodySchema(listed)!);
      const good = sample(contract, schema) as Record<string, unknown>;

      for (const raw of ["{", "{]", "nul", '{"a":1}}', '{"a":1,"a":2}x', "\ufeff{}x", "[]", '"text"', "17", "null", "true"]) {
        isProblem(await send(raw), `${what} with ${raw}`);
      }
      isProblem(await send(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])), `${what} with bytes that are not UTF-8`);
      isProblem(await send("[".repeat(40) + "]".repeat(40)), `${what} nested deeply`);
      isProblem(await send(`{"x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), `${what} nested absurdly`);
      assert.equal(isProblem(await send(`{"x":"${"x".repeat(1 << 20)}"}`), `${what} over 1 MiB`).code, "body_too_large");

      const text = isProblem(await send(JSON.stringify(good), { "Content-Type": "text/plain" }), `${what} as text`);
      assert.equal(text.status, 415, `${what} as text: ${text.detail}`);
      assert.equal(text.code, "unsupported_media_type", what);

      const named = (answer: Answer<unknown>, field: string, why: string): void => {
        const problem = isProblem(answer, `${what}: ${field} ${why}`);
        if (problem.code === "validation_failed") {
          assert.ok(problem.errors?.some((error) => error.field.startsWith(field) || error.field === "(document)"), `${what}: ${field} ${why}: ${answer.text}`);
        }
      };
      named(await send(JSON.stringify({ ...good, no_such_member: 1 })), "no_such_member", "is unknown");
      for (const key of schema.required ?? []) {
        const { [key]: _, ...rest } = good;
        named(await send(JSON.stringify(rest)), key, "is missing");
      }
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        // null in place of an optional member counts as its absence.
        const optional = !schema.required?.includes(key);
        for (const bad of wrong(contract, property).filter((one) => !(optional && one.value === null))) {
          named(await send(JSON.stringify({ ...good, [key]: bad.value })), key, `is ${bad.why}`);
        }
      }
    }
    assert.equal(await stored(), was);
  }, 1_200_000);

  scenario(world, "answers parameters of every wrong kind with a problem", async () => {
    const was = await stored();
    /** Stands for all that the contract does not name. */
    const any = (one: Parameter): boolean => one.in === "query" && resolve(contract, one.schema).type === "object";
    for (const listed of routes.filter((one) => !/\/events$/.test(one.path))) {
      for (const parameter of listed.parameters.filter((one) => one.in === "query" && !any(one))) {
        // All that a query can hold is text: what makes it wrong is its length, its characters, or that it is no number.
        const text = resolve(contract, parameter.schema).type === "string";
        const unfit = text ? ["too long", "control characters", "not among the allowed"] : ["null", "a fraction", "huge", "too small", "too big", "an object"];
        for (const { value } of wrong(contract, parameter.schema).filter((one) => unfit.includes(one.why))) {
          const bad = typeof value === "object" ? "[object]" : String(value);
          const answer = await api.send(listed.method, `${at(listed)}?${parameter.name}=${encodeURIComponent(bad)}`, { headers: confirmation });
          isProblem(answer, `${listed.method} ${listed.path}?${parameter.name}=${bad.slice(0, 60)}`);
        }
      }
    }
    for (const listed of routes.filter((one) => !one.route["x-key-alone"] && !one.parameters.some(any))) {
      const what = `${listed.method} ${listed.path}?no_such_parameter`;
      const problem = isProblem(await api.send(listed.method, `${at(listed)}?no_such_parameter=1`, { headers: confirmation }), what);
      assert.equal(problem.status, 400, `${what}: ${problem.detail}`);
      assert.deepEqual(problem.errors?.map((one) => one.field), ["no_such_parameter"], what);
    }
    assert.equal(await stored(), was);
  });

  scenario(world, "takes each value of a parameter that the contract names, and refuses none of them", async () => {
    for (const listed of routes.filter((one) => one.method === "GET" && !/\/events$/.test(one.path))) {
      for (const parameter of listed.parameters.filter((one) => one.in === "query")) {
        for (const value of resolve(contract, parameter.schema).enum ?? []) {
          const answer = await api.send<Problem>("GET", `${at(listed)}?${parameter.name}=${encodeURIComponent(String(value))}`);
          assert.notEqual(answer.status, 400, `${listed.path}?${parameter.name}=${String(value)}: ${answer.text}`);
        }
      }
    }
  });

  scenario(world, "tells a reader of events whose last one is too old to begin anew, and resumes from there", async () => {
    const org = await world.org();
    /** The first that comes; the audit log has a new checkpoint at any time. */
    const first = async (last: string): Promise<Event> => {
      for await (const event of api.events(`${org}/events`, AbortSignal.timeout(60_000), last)) if (event.event !== "audit.checkpoint") return event;
      throw new Error("no event within 60 s");
    };
    const reset = await first("1");
    assert.equal(reset.event, "reset");
    // What happens while nobody reads is told to who comes back with the id that the reset had.
    await api.call("PATCH", `${org}/projects/${ids.project}`, { body: { name: "Contract" } });
    assert.equal((await first(reset.id)).event, "project.updated");
    assert.equal((await api.send("GET", `${org}/events`, { headers: { "Last-Event-ID": "yesterday" } })).status, 400);
  });

  scenario(world, "takes a POST with the same Idempotency-Key once, and another body with it not at all", async () => {
    const org = await world.org();
    const headers = { "Idempotency-Key": "the-same" };
    const body = { name: "once" };
    const first = await api.send<{ registration_token: { id: string } }>("POST", `${org}/registration-tokens`, { body, headers });
    const again = await api.send("POST", `${org}/registration-tokens`, { body, headers });
    assert.equal(first.status, 201);
    assert.deepEqual(again.body, first.body);
    const other = await api.send("POST", `${org}/registration-tokens`, { body: { name: "other" }, headers });
    assert.equal(isProblem(other, "another body").code, "idempotency_conflict");
  });

  scenario(world, "keeps its head with broken HTTP, and closes what is idle or endless", async () => {
    const { address, port, name, ca } = api.endpoint;
    const talk = (bytes: string): Promise<string> => new Promise((done, failed) => {
      let said = "";
      const socket = connect({ host: address, port, servername: name, ca }, () => socket.write(bytes));
      socket.setEncoding("latin1").setTimeout(60_000, () => socket.destroy());
      socket.on("data", (text: string) => (said += text)).on("close", () => done(said)).on("error", (error: Error & { code?: string }) =>
        error.code === "ECONNRESET" || error.code === "EPIPE" ? done(said) : failed(error));
    });
    const host = `Host: ${name}:${port}\r\n`;
    const cases: [string, string][] = [
      ["nonsense", "\u0000\u0001\u0002 nonsense\r\n\r\n"],
      ["no host", "GET /healthz HTTP/1.1\r\n\r\n"],
      ["a header of 100 kB", `GET /healthz HTTP/1.1\r\n${host}X: ${"x".repeat(100_000)}\r\n\r\n`],
      ["ten thousand headers", `GET /healthz HTTP/1.1\r\n${host}${"X: y\r\n".repeat(10_000)}\r\n`],
      ["two lengths", `POST /api/v1/session HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   `],
      ["a length and chunks", `POST /api/v1/session HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      ["a negative length", `POST /api/v1/session HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`],
      ["a broken chunk", `POST /api/v1/session HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`],
      ["a long target", `GET /${"a".repeat(70_000)} HTTP/1.1\r\n${host}\r\n`],
    ];
    for (const [what, bytes] of cases) {
      const said = await talk(bytes);
      assert.match(said, /^$|^HTTP\/1\.1 4\d\d /, `${what}: ${said.slice(0, 200)}`);
    }
    assert.equal((await api.send("GET", "/healthz")).status, 200);
    const begun = Date.now();
    await talk(`GET /healthz HTTP/1.1\r\n${host}X-Slow: `);
    assert.ok(Date.now() - begun < 59_000, "half a request was waited for over a minute");
  });
});
