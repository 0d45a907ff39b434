// The list of domains that an organization lets code and data come from: every field that names a source, by direct HTTP.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { fillOrg } from "./lib/fill.ts";
import { join, ownOrg } from "./lib/people.ts";
import { type Contract, listRoutes, type Schema } from "./lib/schema.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Field {
  /** "POST /api/v1/orgs/{org}/projects addons[].url", as the contract has it. */
  name: string;
  /** Where an error of it is told. */
  blamed: string;
  ask: (api: Api, org: string, url: string) => Promise<Answer<Problem>>;
}

/** Where things are sent to, or what only names something: nothing is fetched from there. */
const noSources = new Set([
  "POST /api/v1/orgs/{org}/webhooks url",
  "PATCH /api/v1/orgs/{org}/webhooks/{webhook} url",
]);

describe("an organization that lists its sources", () => {
  const world = worldOfSuite("\nrates:\n  reads_a_minute: 1000000\n  writes_a_minute: 1000000\n");
  let owner: Api, contractor: Api, org: string, other: string;
  const ids: Record<string, Record<string, string>> = {};
  let number = 0;

  before(async () => {
    owner = await world.api();
    org = await world.org();
    other = await ownOrg(owner, "Other");
    await owner.call("PUT", `${other}/plan`, { body: { plan: "agency" } });
    for (const each of [org, other]) ids[each] = await fillOrg(owner, each);
    // Everything that brings code and data in, and not the security settings.
    const role = await owner.post<{ id: string }>(`${org}/roles`, {
      name: "Contractor",
      permissions: ["org.view", "projects.view", "projects.create", "projects.edit", "environments.view", "deployments.create", "storages.view", "storages.create", "storages.edit", "backups.view", "restores.create", "security.view"],
    });
    contractor = (await join(owner, org, "contractor@example.org", role.id)).api;
  });

  const list = async (domains: string[], of = org): Promise<Answer<Problem>> => {
    const now = await owner.get<Record<string, unknown>>(`${of}/security`);
    return owner.send("PUT", `${of}/security`, { body: { ...now, download_domains: domains } });
  };
  const enable = async (domains: string[], of = org): Promise<void> => assert.equal((await list(domains, of)).status, 200);

  const source = (url: string): unknown => ({ url, branch: "19.0" });
  const listed = (): unknown => source("https://github.com/odoo/odoo.git");
  const fields: Field[] = [
    {
      name: "POST /api/v1/orgs/{org}/projects odoo_source.url", blamed: "odoo_source.url",
      ask: (api, of, url) => api.send("POST", `${of}/projects`, { body: { name: `p${++number}`, odoo_version: "19.0", odoo_source: source(url) } }),
    },
    {
      name: "POST /api/v1/orgs/{org}/projects addons[].url", blamed: "addons[0].url",
      ask: (api, of, url) => api.send("POST", `${of}/projects`, { body: { name: `p${++number}`, odoo_version: "19.0", odoo_source: listed(), addons: [{ name: "a", ...(source(url) as object) }] } }),
    },
    {
      name: "PATCH /api/v1/orgs/{org}/projects/{project} odoo_source.url", blamed: "odoo_source.url",
      ask: (api, of, url) => api.send("PATCH", `${of}/projects/${ids[of]!.project}`, { body: { odoo_source: source(url) } }),
    },
    {
      name: "PATCH /api/v1/orgs/{org}/projects/{project} addons[].url", blamed: "addons[0].url",
      ask: (api, of, url) => api.send("PATCH", `${of}/projects/${ids[of]!.project}`, { body: { odoo_source: listed(), addons: [{ name: "a", ...(source(url) as object) }] } }),
    },
    {
      name: "POST /api/v1/orgs/{org}/storages endpoint", blamed: "endpoint",
      ask: (api, of, url) => api.send("POST", `${of}/storages`, { body: { name: `s${++number}`, provider: "other", endpoint: new URL(url).origin, bucket: "odoo-backups", access_key: "a", secret_key: "s", test_on_server: ids[of]!.server } }),
    },
    {
      name: "PATCH /api/v1/orgs/{org}/storages/{storage} endpoint", blamed: "endpoint",
      ask: (api, of, url) => api.send("PATCH", `${of}/storages/${ids[of]!.storage}`, { body: { endpoint: new URL(url).origin } }),
    },
    {
      name: "POST /api/v1/orgs/{org}/environments/{environment}/imports url", blamed: "url",
      ask: (api, of, url) => api.send("POST", `${of}/environments/${ids[of]!.environment}/imports`, { body: { url } }),
    },
  ];
  /** What comes after the list: it was taken, or an environment is not there yet for an import. */
  const taken = (answer: Answer<Problem>): boolean => (answer.status >= 200 && answer.status < 300) || (answer.status === 409 && answer.body.code === "not_deployed");
  const refused = (answer: Answer<Problem>, field: Field, what: string): void => {
    assert.equal(answer.status, 400, `${field.name}: ${what}: ${answer.status} ${answer.text}`);
    assert.ok(answer.body.errors?.some((one) => one.field === field.blamed), `${field.name}: ${what}: ${answer.text}`);
  };

  scenario(world, "has every field of the contract that names a source in these tests", async () => {
    const contract = await owner.get<Contract>("/api/v1/openapi.json");
    const found: string[] = [];
    const walk = (schema: Schema, path: string, where: string): void => {
      const name = schema.$ref?.split("/").at(-1);
      const whole = name ? contract.components.schemas[name]! : schema;
      for (const [key, inner] of Object.entries(whole.properties ?? {})) {
        const at = path ? `${path}.${key}` : key;
        if (/url$|uri$|endpoint$|issuer$/.test(key)) found.push(`${where} ${at}`);
        walk(inner, at, where);
      }
      for (const one of whole.oneOf ?? []) walk(one, path, where);
      if (whole.items) walk(whole.items, `${path}[]`, where);
    };
    for (const { method, path, route } of listRoutes(contract))
      for (const { schema } of Object.values(route.requestBody?.content ?? {})) walk(schema, "", `${method} ${path}`);
    assert.deepEqual(found.filter((one) => !noSources.has(one)).sort(), fields.map((one) => one.name).sort());
    assert.equal(noSources.size, found.length - fields.length);
  });

  scenario(world, "takes what is listed and refuses what is not, in every one of them; without a list all is taken [S-ALLOW-01] [S-ALLOW-03]", async () => {
    await enable(["github.com", "*.example.org"]);
    for (const field of fields) {
      refused(await field.ask(contractor, org, "https://files.evil.test/odoo.git"), field, "not listed");
      for (const url of ["https://github.com/odoo/addons.git", "https://git.example.org/odoo.git"]) {
        const answer = await field.ask(contractor, org, url);
        assert.ok(taken(answer), `${field.name}: ${url}: ${answer.status} ${answer.text}`);
      }
    }
    await enable([]);
    for (const field of fields) {
      const answer = await field.ask(contractor, org, "https://files.evil.test/odoo.git");
      assert.ok(taken(answer), `${field.name}: ${answer.status} ${answer.text}`);
    }
    // What was saved before the list does not get by it either.
    await enable(["github.com"]);
    const deployed = await contractor.send<Problem>("POST", `${org}/environments/${ids[org]!.environment}/deploy`, { body: {} });
    assert.equal(deployed.status, 400, deployed.text);
    assert.ok(deployed.body.errors?.some((one) => one.field === "addons[0].url"), deployed.text);
    const renamed = await contractor.send<Problem>("PATCH", `${org}/storages/${ids[org]!.storage}`, { body: { name: "renamed" } });
    assert.equal(renamed.status, 400, renamed.text);
    assert.ok(renamed.body.errors?.some((one) => one.field === "endpoint"), renamed.text);
  });

  scenario(world, "says nothing about another organization's [S-ALLOW-04]", async () => {
    await enable(["github.com"]);
    await enable(["gitlab.com"], other);
    for (const field of fields) {
      refused(await field.ask(owner, org, "https://gitlab.com/odoo.git"), field, "the other's domain");
      refused(await field.ask(owner, other, "https://github.com/odoo/addons.git"), field, "the first one's domain");
    }
    await enable([], other);
    for (const field of fields) {
      const answer = await field.ask(owner, other, "https://anywhere.test/odoo.git");
      assert.ok(taken(answer), `${field.name}: ${answer.status} ${answer.text}`);
      refused(await field.ask(owner, org, "https://anywhere.test/odoo.git"), field, "still its own list");
    }
  });

  scenario(world, "is not talked round by a contractor [S-ALLOW-05]", async () => {
    await enable(["github.com", "*.example.org"]);
    const before = await owner.get<{ download_domains: string[] }>(`${org}/security`);
    for (const domains of [[], ["evil.test"], ["github.com", "evil.test"]]) {
      const answer = await contractor.send<Problem>("PUT", `${org}/security`, { body: { ...before, download_domains: domains } });
      assert.deepEqual([answer.status, answer.body.permission], [403, "security.edit"], answer.text);
    }
    assert.deepEqual(await owner.get(`${org}/security`), before);
    const elsewhere = [
      "https://github.com.evil.test/odoo.git", "https://notgithub.com/odoo.git", "https://github.comm/odoo.git", "https://api.github.com/odoo.git",
      "https://example.org/odoo.git", "https://badexample.org/odoo.git", "https://git.example.org.evil.test/odoo.git",
      "https://evil.test/github.com/odoo.git", "https://evil.test/odoo.git?github.com", "https://evil.test/odoo.git#.github.com",
      "https://github.com@evil.test/odoo.git", "https://github.com:x@evil.test/odoo.git", "https://evil.test\\@github.com/odoo.git",
      "https://github.com%2eevil.test/odoo.git", "https://github.com%00.evil.test/odoo.git", "https://github.com .evil.test/odoo.git",
      "https://g\u0456thub.com/odoo.git", "https://xn--gthub-n4a.com/odoo.git", "https://github\u3002com/odoo.git", "https://\uff47ithub.com/odoo.git",
      "https://140.82.121.3/odoo.git", "https://[2606:50c0:8000::153]/odoo.git",
    ];
    for (const field of fields.filter((one) => one.blamed !== "endpoint"))
      for (const url of elsewhere) refused(await field.ask(contractor, org, url), field, url);
    for (const host of ["github.com.evil.test", "notgithub.com", "example.org", "github.com@evil.test", "xn--gthub-n4a.com", "g\u0456thub.com", "140.82.121.3"]) {
      const body = { name: "s", provider: "other", endpoint: `https://${host}`, bucket: "odoo-backups", access_key: "a", secret_key: "s", test_on_server: ids[org]!.server };
      const answer = await contractor.send<Problem>("POST", `${org}/storages`, { body });
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.field], [400, "endpoint"], `${host}: ${answer.text}`);
    }
    // Git has more spellings, and a program of one's own at another port of a listed host is none of those that are listed.
    for (const url of ["git@evil.test:github.com/odoo.git", "git@github.com.evil.test:odoo.git", "ssh://git@evil.test/github.com/odoo.git", "ssh://github.com@evil.test/odoo.git", "https://github.com:8443/odoo.git", "git@github.com@evil.test:odoo.git"])
      for (const field of fields.filter((one) => one.name.includes("projects"))) refused(await field.ask(contractor, org, url), field, url);
    // Nor does the list take what looks like one of its domains, or is more than a domain.
    for (const entry of ["g\u0456thub.com", "xn--gthub-n4a.com", "github.com:443", "https://github.com", "user@github.com", "github.com/odoo", "*", "*.com", "*.*.org", "140.82.121.3", "[::1]", "localhost"]) {
      const answer = await list(["github.com", entry]);
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.field], [400, "download_domains[1]"], `${entry}: ${answer.text}`);
    }
    assert.deepEqual(await owner.get(`${org}/security`), before);
  });
});
