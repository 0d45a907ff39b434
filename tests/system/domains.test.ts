// Claims of host names and their proofs: a real name server whose answers change, real files over TLS and by plain HTTP, a real egress.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import type { Answer, Api, Problem } from "./lib/api.ts";
import { admin } from "./lib/controller.ts";
import { MailServer, tokenOf } from "./lib/mail.ts";
import { Names, Sites } from "./lib/names.ts";
import { folder } from "./lib/paths.ts";
import { join as joined, ownOrg, type Person } from "./lib/people.ts";
import type { List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Domain {
  id: string;
  name: string;
  state: "pending" | "verified" | "failed";
  method: "dns" | "file" | null;
  checking: boolean;
  checked_at: string | null;
  failing_since: string | null;
  last_error: { code: string; message: string } | null;
  challenge: { record: { name: string; value: string }; file: { path: string; url: string; text: string } | null };
}

const nameserver = "127.53.7.1";
const site = "127.53.7.2"; // where the names lead; the operator allows this network

describe("domains", () => {
  const names = new Names();
  const sites = new Sites();
  const world = worldOfSuite(async () => {
    await names.start(nameserver);
    await sites.start(folder(join(world.dir, "sites")), site, ["file.example.org", "both.example.org", "echo.example.org", "moved.example.org"]);
    const egress = await world.egress({ allow: [`${site}/32`], nameserver });
    mail = await MailServer.start(join(world.dir, "mail"));
    return `${mail.config}${egress.settings(sites.ca)}rates:\n  reads_a_minute: 100000\n  writes_a_minute: 100000\n`;
  });
  let api: Api, org: string, mail: MailServer, other: { owner: Api; org: string };

  before(async () => {
    api = await world.api();
    org = await world.org();
    const rival = await joins("rival@example.org", "viewer");
    other = { owner: rival.api, org: await ownOrg(rival.api, "Rival") };
    await api.call("DELETE", `${org}/members/${rival.user}`);
  });
  after(async () => {
    names.stop();
    sites.stop();
    await mail?.stop();
  });

  const joins = (email: string, role: string): Promise<Person> => joined(api, org, email, role, {}, async () => tokenOf((await mail.next(email)).text, "invitation"));
  const claim = (name: string, who: { owner: Api; org: string } = { owner: api, org }): Promise<Domain> => who.owner.post<Domain>(`${who.org}/domains`, { name });
  const refused = (name: string): Promise<Answer<Problem>> => other.owner.send<Problem>("POST", `${other.org}/domains`, { body: { name } });
  /** Has it looked at, and waits until that was done. */
  const look = async (domain: Domain, who: { owner: Api; org: string } = { owner: api, org }): Promise<Domain> => {
    const path = `${who.org}/domains/${domain.id}`;
    await who.owner.post(`${path}/check`);
    return poll(`${domain.name} was looked at`, 60_000, async () => {
      const now = await who.owner.get<Domain>(path);
      return now.checking ? undefined : now;
    }, 50);
  };
  const leads = (name: string): unknown => names.records.set(`A ${name}`, [site]);
  const proves = ({ challenge: { record } }: Domain): unknown => names.records.set(`TXT ${record.name}`, ["v=spf1 -all", record.value]);

  scenario(world, "are proved by a TXT record, in several strings and among others, and by nothing else in its place [S-DOM-04]", async () => {
    const domain = await claim("Shop.Example.ORG.");
    assert.equal(domain.name, "shop.example.org");
    assert.equal(domain.challenge.record.name, "_fairlead-challenge.shop.example.org");
    let now = await look(domain);
    assert.deepEqual([now.state, now.last_error?.code], ["pending", "record_missing"]);
    const { name, value } = domain.challenge.record;
    for (const wrong of [value.slice(0, -1), `${value}x`, value.toUpperCase(), "fairlead-domain="]) {
      names.records.set(`TXT ${name}`, [wrong]);
      now = await look(domain);
      assert.equal(now.state, "pending", wrong);
    }
    names.records.set(`TXT shop.example.org`, [value]); // at the name itself it is no proof
    names.records.delete(`TXT ${name}`);
    assert.equal((await look(domain)).state, "pending");
    proves(domain);
    now = await look(domain);
    assert.deepEqual([now.state, now.method, now.last_error], ["verified", "dns", null]);
    assert.deepEqual(names.asked.filter((one) => one.startsWith("TXT") && !one.startsWith("TXT _fairlead-challenge.")), [], "no other record is asked for");
  });

  scenario(world, "of another organization cannot be claimed, however they are written, and the answer does not say whose they are [S-DOM-02]", async () => {
    const wild = await claim("*.wild.example.net");
    assert.equal(wild.challenge.file, null);
    proves(wild);
    assert.equal((await look(wild)).state, "verified");
    const idn = await claim("bücher.example.net");
    proves(idn);
    assert.equal((await look(idn)).state, "verified");
    const taken = [
      "shop.example.org", "SHOP.EXAMPLE.ORG", "shop.example.org.", "*.shop.example.org", "a.shop.example.org", "a.b.shop.example.org", "example.org", "*.example.org",
      "wild.example.net", "*.wild.example.net", "a.wild.example.net", "example.net", "bücher.example.net", "xn--bcher-kva.example.net", "BÜCHER.example.net", "bücher。example。net", "*.bücher.example.net",
    ];
    for (const name of taken) {
      const answer = await refused(name);
      assert.deepEqual([answer.status, answer.body.code], [409, "domain_taken"], name);
      assert.equal(answer.text.includes(org.split("/").at(-1)!), false);
    }
  });

  scenario(world, "that are only claimed keep nobody out: the first to prove has the name, and a proof that comes later counts for nothing", async () => {
    const squatter = await claim("contested.example.org");
    const rival = { owner: other.owner, org: other.org };
    const elsewhere = await claim("contested.example.com");
    const theirs = await claim("contested.example.com", rival);
    names.records.set(`TXT ${theirs.challenge.record.name}`, [elsewhere.challenge.record.value, theirs.challenge.record.value]);
    assert.equal((await look(theirs, rival)).state, "verified");
    const late = await look(elsewhere);
    assert.deepEqual([late.state, late.last_error?.code], ["pending", "domain_taken"]);
    // A proof of one claim proves no other one, not even of the same name.
    names.records.set(`TXT ${squatter.challenge.record.name}`, [theirs.challenge.record.value]);
    assert.equal((await look(squatter)).last_error?.code, "record_differs");
    // Once it was given up it is free, for whoever still has a proof there.
    await rival.owner.call("DELETE", `${rival.org}/domains/${theirs.id}`);
    assert.equal((await look(elsewhere)).state, "verified");
  });

  scenario(world, "are proved by a file over TLS, or by plain HTTP where the name has no certificate [S-DOM-05]", async () => {
    const secure = await claim("file.example.org");
    leads("file.example.org");
    assert.equal((await look(secure)).state, "pending");
    sites.pages.set(secure.challenge.file!.url, `${secure.challenge.file!.text}\n`);
    const now = await look(secure);
    assert.deepEqual([now.state, now.method], ["verified", "file"]);

    const plain = await claim("plain.example.org"); // not in the certificate
    leads("plain.example.org");
    sites.pages.set(`http://plain.example.org${plain.challenge.file!.path}`, plain.challenge.file!.text);
    assert.equal((await look(plain)).state, "verified");
    assert.ok(sites.asked.includes(`http://plain.example.org${plain.challenge.file!.path}`));
    assert.equal(sites.asked.some((url) => url.startsWith("http://file.example.org")), false, "no plain HTTP where TLS answers");

    // A server that repeats what it is asked for, and one that sends elsewhere.
    const echo = await claim("echo.example.org");
    leads("echo.example.org");
    sites.pages.set(echo.challenge.file!.url, (request, response) => void response.end(request.url));
    assert.equal((await look(echo)).state, "pending");
    const moved = await claim("moved.example.org");
    leads("moved.example.org");
    sites.pages.set(moved.challenge.file!.url, (_, response) => void response.writeHead(302, { location: secure.challenge.file!.url }).end());
    assert.equal((await look(moved)).state, "pending");
  });

  scenario(world, "that lead inside are not asked for a file, by either way", async () => {
    const inside = await claim("inside.example.org");
    for (const address of ["127.0.0.1", "10.0.0.1", "169.254.169.254"]) {
      names.records.set("A inside.example.org", [address]);
      const now = await look(inside);
      assert.deepEqual([now.state, now.last_error?.message.includes("not an address on the internet") || now.last_error?.message.includes("link-local")], ["pending", true], address);
    }
    const egress = await world.egress();
    assert.match(await egress.ask(`GET /challenge/inside.example.org/${"a".repeat(43)} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 403/);
    assert.match(await egress.ask(`CONNECT plain.example.org:80 HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 403/, "port 80 is for challenges alone");
    assert.match(await egress.ask(`GET /challenge/plain.example.org/..%2f..%2fsecret HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400/);
  });

  scenario(world, "lose nothing by name servers that fail, and are told to fail when the record is taken away", async () => {
    const domain = (await api.get<List<Domain>>(`${org}/domains?state=verified`)).data.find(({ name }) => name === "shop.example.org")!;
    const record = `TXT ${domain.challenge.record.name}`;
    for (const failure of ["SERVFAIL", "silent"] as const) {
      names.records.set(record, failure);
      const now = await look(domain);
      assert.deepEqual([now.state, now.failing_since, now.last_error?.code], ["verified", null, "resolver_failed"], failure);
    }
    names.records.delete(record);
    const failing = await look(domain);
    assert.equal(failing.state, "verified");
    assert.notEqual(failing.failing_since, null);
    proves(domain);
    assert.equal((await look(domain)).failing_since, null);
    assert.match((await mail.next(admin.email)).headers, /^Subject: The proof of shop\.example\.org is missing\r?$/m);
  });

  scenario(world, "that were proved by a file begin to fail without it, whatever their name servers do", async () => {
    const domain = (await api.get<List<Domain>>(`${org}/domains?state=verified`)).data.find(({ name }) => name === "file.example.org")!;
    const { record, file } = domain.challenge;
    names.records.set(`TXT ${record.name}`, "SERVFAIL");
    assert.equal((await look(domain)).last_error, null, "the file is enough");
    sites.pages.delete(file!.url);
    const failing = await look(domain);
    assert.deepEqual([failing.state, failing.last_error?.code], ["verified", "file_missing"]);
    assert.notEqual(failing.failing_since, null);
    assert.match((await mail.next(admin.email)).headers, /^Subject: The proof of file\.example\.org is missing\r?$/m);
  });

  scenario(world, "whose claimant has left are told to the owners", async () => {
    const bob = await joins("bob@example.org", "admin");
    const domain = await claim("left.example.org", { owner: bob.api, org });
    proves(domain);
    assert.equal((await look(domain)).state, "verified");
    await api.call("DELETE", `${org}/members/${bob.user}`);
    names.records.delete(`TXT ${domain.challenge.record.name}`);
    assert.notEqual((await look(domain)).failing_since, null);
    assert.match((await mail.next(admin.email)).headers, /^Subject: The proof of left\.example\.org is missing\r?$/m);
    assert.deepEqual(mail.mails.filter(({ to, headers }) => to === bob.email && headers.includes("proof")), []);
  });

  scenario(world, "are of their organization alone, in lists and by id [S-DOM-01]", async () => {
    const { data } = await api.get<List<Domain>>(`${org}/domains`);
    assert.ok(data.length >= 5);
    for (const { id } of data) {
      for (const [method, path] of [["GET", ""], ["DELETE", ""], ["POST", "/check"]] as const) {
        const answer = await other.owner.send<Problem>(method, `${other.org}/domains/${id}${path}`);
        assert.equal(answer.status, 404, `${method} ${path}`);
      }
    }
    const theirs = await other.owner.get<List<Domain>>(`${other.org}/domains`);
    assert.equal(theirs.data.some((one) => data.some(({ id }) => id === one.id)), false);
  });
});
