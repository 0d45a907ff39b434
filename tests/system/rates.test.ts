// How often one may ask: what guesses cost, and that nobody who works notices. The controller has the limits that it ships with.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe } from "node:test";
import { PlayedAgent } from "./lib/agent.ts";
import { type Answer, Api, type Problem } from "./lib/api.ts";
import { Web } from "./lib/browser.ts";
import { enrolAlone } from "./lib/fill.ts";
import { join, password, withKey } from "./lib/people.ts";
import { makeRequest } from "./lib/pki.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const seconds = (answer: Answer<unknown>): number => Number(answer.headers["retry-after"]);
const wait = (s: number): Promise<void> => new Promise((over) => setTimeout(over, s * 1000));

describe("how often one may ask", () => {
  const world = worldOfSuite();
  let owner: Api, org: string;
  const people = Array.from({ length: 12 }, (_, i) => `person${i}@example.org`);
  const [victim, bob, carl] = people as [string, string, string];

  before(async () => {
    owner = await world.api();
    org = await world.org();
    for (const email of people) (await join(owner, org, email, "viewer")).api.close();
  });

  /** Somebody at an address of their own: 127.0.0.0/8 is all this machine's. */
  function at(address: string): Api {
    return new Api({ ...owner.endpoint, from: address });
  }
  async function tryAt(address: string, email: string, given: string): Promise<Answer<Problem>> {
    const api = at(address);
    const answer = await api.send<Problem>("POST", "/api/v1/session", { body: { email, password: given } });
    api.close();
    return answer;
  }
  /** How many failures there can have been since then: three, and one more after 1 s, 3 s, 7 s … */
  const free = (began: number): number => 3 + Math.floor(Math.log2((Date.now() - began) / 1000 + 1));
  /** How many wait for none before the first that must; at most `most` are sent. */
  async function until429(most: number, send: () => Promise<Answer<unknown>>): Promise<number> {
    for (let i = 0; i < most; i += 1) if ((await send()).status === 429) return i;
    return most;
  }

  scenario(world, "whoever guesses waits after three, at each door; whoever works asks hundreds of times [S-RATE-03]", async () => {
    const person = (await join(owner, org, "works@example.org", "viewer")).api;
    const reads = await until429(2000, () => person.send("GET", "/api/v1/account"));
    const writes = await until429(2000, () => person.send("PATCH", "/api/v1/account", { body: { no_such: true } }));
    assert.ok(reads >= 600 && reads < 1500, `${reads} reads`);
    assert.ok(writes >= 120 && writes < 400, `${writes} writes`);
    const doors: [string, string, unknown][] = [
      ["127.0.1.1", "/api/v1/session", { email: "nobody@example.org", password: "wrong password of nobody" }],
      ["127.0.1.2", "/api/v1/password/forgot", { email: "nobody@example.org" }],
      ["127.0.1.3", "/api/v1/email/resend", { email: "nobody@example.org" }],
      ["127.0.1.4", "/api/v1/session/passkey", { credential: madeUp() }],
      ["127.0.1.5", "/api/v1/agent/enroll", { token: `flt_${"a".repeat(38)}`, csr: await makeRequest(path.join(world.dir, "csr")), name: "x", facts: {} }],
    ];
    for (const [address, door, body] of doors) {
      const api = at(address);
      const began = Date.now();
      const tries = await until429(20, () => api.send("POST", door, { body }));
      api.close();
      assert.ok(tries <= free(began), `${door}: ${tries} before the first 429`);
    }
    person.close();
  });

  /** An answer of a passkey that nobody has. */
  function madeUp(): object {
    const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const bytes = Buffer.alloc(40).toString("base64url");
    const clientDataJSON = text({ type: "webauthn.get", challenge: bytes, origin: owner.origin, crossOrigin: false });
    return { rawId: bytes, type: "public-key", response: { clientDataJSON, authenticatorData: bytes, signature: bytes, userHandle: null } };
  }

  scenario(world, "each failure waits twice as long as the one before, and the right password ends that [S-RATE-04]", async () => {
    let address = 0;
    // Each from another address, so that it is the account that waits.
    const guess = (): Promise<Answer<Problem>> => tryAt(`127.0.2.${(address += 1)}`, victim, `wrong guess number ${address}`);
    /** The waits that guesses meet, held against the number of failures by then: on a slow machine the first may be over before the next guess. */
    const waited = async (times: number): Promise<void> => {
      let failures = 0, since = 0;
      for (let met = 0; met < times;) {
        const asked = Date.now();
        const answer = await guess();
        if (answer.status !== 429) {
          assert.equal(answer.status, 401);
          assert.ok((failures += 1) < 12, "nobody waits");
          since = asked;
          continue;
        }
        const whole = 2 ** (failures - 3), left = seconds(answer);
        assert.ok(failures >= 3 && left <= whole && left >= whole - 1 - (Date.now() - since) / 1000, `${left} s after ${failures} failures`);
        met += 1;
        await wait(left);
      }
    };
    await waited(4);
    assert.equal((await tryAt("127.0.2.100", victim, password)).status, 200);
    // As if nothing had been: two are free again, and the third begins with a second.
    address = 109;
    await waited(1);
    assert.equal((await tryAt("127.0.2.200", victim, password)).status, 200);
  });

  scenario(world, "one account from many addresses and many accounts from one: both wait, and somebody else does not [S-RATE-04]", async () => {
    const grown: number[] = [];
    const began = Date.now();
    const stuffed = await Promise.all([
      // Sixty addresses at one account.
      (async () => {
        const all: number[] = [];
        for (let i = 0; i < 60; i += 1) all.push((await tryAt(`127.0.3.${i + 1}`, carl, `guess ${i} of many`)).status);
        return all;
      })(),
      // One address at sixty accounts, of which ten are somebody's.
      (async () => {
        const all: number[] = [];
        for (let i = 0; i < 60; i += 1) {
          const answer = await tryAt("127.0.4.1", people[2 + (i % 10)] ?? "", `leaked password ${i}`);
          all.push(answer.status);
          if (answer.status === 429) grown.push(seconds(answer));
        }
        return all;
      })(),
      // Meanwhile somebody signs in rightly, again and again, and is never told to wait.
      (async () => {
        const all: number[] = [];
        for (let i = 0; i < 20; i += 1) all.push((await tryAt("127.0.5.1", bob, password)).status);
        return all;
      })(),
    ]);
    const [account, address, other] = stuffed;
    const seen = (statuses: number[]): number => statuses.filter((one) => one === 401).length;
    const most = Math.max(6, free(began));
    assert.ok(seen(account) <= most, `the account was tried ${seen(account)} times`);
    assert.ok(seen(address) <= most, `the address tried ${seen(address)} times`);
    assert.ok(grown.length >= 50, "the address waits whoever it asks for");
    assert.deepEqual(other.filter((one) => one !== 200), [], "somebody else's right password");
  });

  scenario(world, "guesses at the same moment count as many as they are", async () => {
    const statuses = await Promise.all(Array.from({ length: 60 }, (_, i) => tryAt("127.0.6.1", people[2 + (i % 10)]!, `all at once ${i}`)));
    const looked = statuses.filter((one) => one.status === 401).length;
    assert.ok(looked <= 12, `${looked} of 60 were looked at`);
  });

  scenario(world, "a flood of log-ins holds up nobody who only looks", async () => {
    // Eighty at once, each of another address and account: twice as many as there are threads for everything else.
    const flood = { over: 0, all: Array.from({ length: 80 }, (_, i) => tryAt(`127.0.7.${i + 1}`, `flood${i}@example.org`, "not a password of anybody")) };
    for (const one of flood.all) void one.then(() => (flood.over += 1));
    await Promise.race(flood.all); // they are being worked on
    for (let i = 0; i < 20; i += 1) await owner.get(org);
    assert.ok(flood.over <= 40, `twenty looks took as long as ${flood.over} of 80 log-ins`);
    const statuses = (await Promise.all(flood.all)).map((one) => one.status);
    assert.deepEqual(statuses.filter((one) => one !== 401 && one !== 503), []);
    assert.ok(statuses.includes(401));
  });

  describe("and people and programs at work are never told to wait", () => {
    let web: Web, agent: PlayedAgent, environment: Environment, project: { id: string }, server: string;
    before(async () => {
      const machine = await enrolAlone(owner, org, "berlin");
      server = machine.server;
      agent = await PlayedAgent.connect(owner.endpoint, machine);
      const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
      project = await owner.post(`${org}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
      environment = await owner.post(`${org}/environments`, { project_id: project.id, server_id: server, name: "live", type: "development" });
      web = await Web.open(await world.controller());
    });
    after(async () => {
      agent?.close();
      await web?.close();
    });

    scenario(world, "a day's clicking in the console in a minute, and a program that deploys with its key [S-RATE-05]", async () => {
      const page = await web.signedIn();
      const base = new URL(page.url()).pathname;
      const asked: { status: number; method: string; url: string }[] = [];
      page.on("response", (response) => {
        if (response.url().includes("/api/")) asked.push({ status: response.status(), method: response.request().method(), url: response.url() });
      });
      // Every page that the menu has, pages of single things, and a deployment that is watched: as fast as the browser draws them,
      // each by its address, which fetches everything anew as no click does.
      const pages = [
        "", "/environments", `/environments/${environment.id}`, `/environments/${environment.id}/releases`, `/environments/${environment.id}/variables`,
        "/projects", `/projects/${project.id}`, "/servers", `/servers/${server}`, "/operations", "/git-credentials", "/members", "/roles", "/api-keys",
        "/connect", "/audit", "/settings", "/settings/security", "/settings/plan", "/account", "/account/sessions",
      ];
      for (const path of pages) {
        await page.goto(`${base}${path}`);
        await page.getByRole("heading", { level: 1 }).first().waitFor();
        await page.waitForFunction(() => !document.querySelector("[role=status][aria-label=Loading]"));
      }
      await page.goto(`${base}/environments/${environment.id}`);
      for (let i = 0; i < 3; i += 1) {
        const operation = await world.act(environment, "deploy", {});
        await world.succeeded(operation, 60_000);
      }
      assert.ok(asked.length >= 60, `only ${asked.length} requests: this was no work`);
      assert.deepEqual(asked.filter((one) => one.status === 429), []);

      // CI: looks who it is, sets two variables, deploys, follows state and log twice a second, thrice in a row.
      const { key } = await withKey(owner, org, "rw", ["environments.view", "variables.edit", "deployments.create", "operations.view", "operations.log"]);
      const ci = owner.stranger();
      const statuses: number[] = [];
      const as = async <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> => {
        const answer = await ci.send<T>(method, path, { body, headers: { Authorization: `Bearer ${key}` } });
        statuses.push(answer.status);
        return answer;
      };
      for (let round = 0; round < 3; round += 1) {
        await as("GET", "/api/v1/key");
        for (const name of ["COMMIT", "BUILD"]) await as("PUT", `${org}/environments/${environment.id}/variables/${name}`, { value: `${round}` });
        agent.holds = true;
        const deployed = await as<Operation>("POST", `${org}/environments/${environment.id}/deploy`, {});
        assert.equal(deployed.status, 202, deployed.text);
        let state = "";
        for (let look = 0; state !== "succeeded" && look < 60; look += 1) {
          if (look === 15) agent.release();
          state = (await as<Operation>("GET", `${org}/operations/${deployed.body.id}`)).body.state;
          if (look % 5 === 0) await as("GET", `${org}/operations/${deployed.body.id}/log?after=0`);
          await wait(0.5);
        }
        assert.equal(state, "succeeded");
      }
      assert.ok(statuses.length > 60, `${statuses.length} requests`);
      assert.deepEqual(statuses.filter((one) => one >= 400), []);
      ci.close();
    }, 240_000);
  });
});
