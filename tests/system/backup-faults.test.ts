// Backups whose executor, server, bucket or disk fails: whole, or failed by name with nothing left; and reads of them that fail.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import { accountOf, addStorage, backUp, backupOf, backupsOf, bucketOf, contents, keepAll, leftovers, restore, setPolicy } from "./lib/backups.ts";
import { CrashPoints, type JournalRecord, KillPoints, victims } from "./lib/crash.ts";
import { difference, healthy, shape } from "./lib/odoo.ts";
import type { S3 } from "./lib/s3.ts";
import type { Asked, Fault } from "./lib/s3-relay.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const hours = (n: number): number => n * 3_600_000;

describe("a backup under faults", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "faulty";
  let on: Enrolled;
  let shop: Environment;
  let s3: S3;
  let crash: CrashPoints;
  let records: JournalRecord[] = [];
  /** The server at rest. */
  let rest: string;

  before(async () => {
    on = await world.server("faults", { disk: "3G", limit: 8 * 3600 });
    s3 = await bucketOf(world, "swift", bucket);
    shop = await world.environment(await world.project("shop"), on.server, "shop");
    await world.succeeded(await world.deploy(shop), 900_000);
    const storage = await addStorage(world, s3, bucket, { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    await setPolicy(world, shop, storage.id, { retention: { ...keepAll, last: 2 } });
    crash = await CrashPoints.on(on.host);
    // More than are kept, so that the last one clears an older one away as all later ones do.
    for (let round = 0; round < 3; round++) {
      await store();
      await crash.arm(0);
      const { steps } = await world.succeeded(await world.act(shop, "backups"));
      records = await crash.records(steps.filter((one) => one.started_at).map((one) => ({ name: one.name, begun: Date.parse(one.started_at!) })));
    }
    rest = await shape(on.host);
    assert.ok(records.length > 6, `only ${records.length} records were seen: is the journal where it was?`);
  });
  after(() => s3?.stop());
  // What a test that failed half way left held would hold up all that come after it.
  afterEach(async () => {
    if (s3) s3.relay.fault = undefined;
    await (crash as CrashPoints | undefined)?.disarm().catch(() => undefined);
  });

  const files = (): string => `/var/lib/fairlead/environments/${shop.slug}/filestore/${accountOf(shop)}`;
  /** A new file as Odoo names it, too large for one part of an upload, in the place of the one before. */
  const store = (): Promise<string> => on.host.sh(`
    cd ${files()} && find . -type f -size +11M -delete && head -c 12M /dev/urandom >new && name=$(sha1sum new | cut -c1-40)
    mkdir -p \${name:0:2} && mv new \${name:0:2}/$name && chown -R ${accountOf(shop)}: \${name:0:2}`);

  /** The operation is over: what is told of it is what is in the bucket, and nothing else is left of it anywhere. */
  async function wholeOrNothing(end: Operation, where: string): Promise<void> {
    console.log(`# ${where}: ${end.state} ${JSON.stringify(end.error)}`);
    assert.ok(["succeeded", "failed"].includes(end.state), where);
    const made = await backupOf(world, end);
    // Killed behind its seal, it is whole, and told so, although its operation did not come to the end.
    const whole = made.state === "succeeded";
    assert.ok(whole || end.state === "failed", where);
    const kept = (await s3.objects(bucket, `fairlead/${shop.id}/backups/`)).map((one) => one.key.split("/").slice(3));
    assert.equal(kept.some(([id, name]) => id === made.id && name === "manifest.json"), whole, `${where}: the manifest`);
    if (!whole) assert.deepEqual(kept.filter(([id]) => id === made.id), [], where);
    assert.equal(await s3.uploads(bucket), 0, `${where}: uploads`);
    assert.equal(await leftovers(on.host), "", where);
    assert.equal(difference(await shape(on.host), rest), "", where);
  }

  /** Nothing stands in the way of the next one, and what is listed as a backup is one. */
  async function nextIsWhole(where: string): Promise<void> {
    const next = await backUp(world, shop);
    const listed = (await backupsOf(world, shop)).filter((one) => one.state === "succeeded").map((one) => one.id);
    assert.ok(listed.includes(next.id) && listed.length === 2, `${where}: ${listed.join(", ")}`);
    const there = (await s3.objects(bucket, `fairlead/${shop.id}/backups/`)).map((one) => one.key.split("/")[3]!);
    assert.deepEqual([...new Set(there)].sort(), [...listed].sort(), where);
    for (const id of listed) await on.host.sh(`fairlead-agent backup verify ${id} --environment ${shop.slug}`, { timeoutMs: 120_000 });
  }

  for (const victim of victims) {
    scenario(world, `whose ${victim} is killed after a journal record of any step is whole or has failed cleanly`, async () => {
      const points = await KillPoints.of(records, victims);
      for (const point of points.for(victim)) {
        await store();
        await crash.arm(point.number);
        const operation = await world.act(shop, "backups");
        const end = world.finished(operation);
        const at = await crash.reached(end);
        if (at !== undefined) await crash.kill(victim);
        else assert.equal((await end).state, "succeeded", `nothing was killed: ${JSON.stringify((await end).error)}`);
        const where = `${victim} killed at record ${at ?? "none"}, expected ${point.number} in ${point.step}`;
        await wholeOrNothing(await end, where);
        await nextIsWhole(where);
        if (at === undefined && points.all) break;
      }
    }, hours(3));
  }

  const pathOf = ({ url }: Asked): string => new URL(url, "https://s3").pathname;
  const sends = (name: string) => (one: Asked): boolean => one.method === "PUT" && pathOf(one).endsWith(name);
  const [dump, list, manifest] = ["/database.dump.zst.age", "/files.zst.age", "/manifest.json"];
  const keyOf = (one: Asked): string => decodeURIComponent(pathOf(one)).slice(`/${bucket}/`.length);
  const wire: { step: string; what: string; is: (asked: Asked) => boolean; at: "before" | "after" }[] = [
    { step: "database", what: "the dump is sent", is: sends(dump), at: "before" },
    { step: "database", what: "the dump was stored", is: sends(dump), at: "after" },
    { step: "filestore", what: "a part of an upload is sent", is: (one) => one.url.includes("partNumber=2"), at: "before" },
    { step: "filestore", what: "an upload was put together", is: (one) => one.method === "POST" && one.url.includes("uploadId="), at: "after" },
    { step: "filestore", what: "the list was stored", is: sends(list), at: "after" },
    { step: "seal", what: "the manifest is sent", is: sends(manifest), at: "before" },
    { step: "seal", what: "the manifest was stored", is: sends(manifest), at: "after" },
    { step: "retention", what: "the manifest of an old one is gone", is: (one) => one.method === "DELETE" && pathOf(one).endsWith(manifest), at: "after" },
    { step: "retention", what: "old objects go", is: (one) => one.method === "POST" && /[?&]delete/.test(one.url), at: "before" },
  ];

  for (const victim of victims) {
    scenario(world, `whose ${victim} is killed while a request is under way is whole or has failed cleanly, and no upload stays open`, async () => {
      const points = await KillPoints.of(wire.map((one, index) => ({ number: index + 1, step: one.step })), victims, 0);
      for (const { number } of points.for(victim)) {
        const { what, is, at } = wire[number - 1]!;
        await store();
        await crash.arm(0);
        const held = s3.relay.hold(is, at);
        const operation = await world.act(shop, "backups");
        const end = world.finished(operation);
        const over = await Promise.race([held.reached.then(() => undefined), end]);
        assert.equal(over, undefined, `${what}: never asked for: ${JSON.stringify(over)}`);
        if (what.startsWith("a part")) assert.ok(await s3.uploads(bucket) > 0, "an upload is open");
        await crash.kill(victim);
        held.end();
        const where = `${victim} killed when ${what}`;
        await wholeOrNothing(await end, where);
        await nextIsWhole(where);
      }
    }, hours(3));
  }

  /** Asked at each request of one backup; undefined: passed on as it is. */
  type Faults = (asked: Asked) => Fault | undefined | Promise<Fault | undefined>;
  const answer = (status: number, code: string): Fault => ({ kind: "answer", status, code });
  /** From the first request that `is` names on, all are answered so. */
  const from = (is: (asked: Asked) => boolean, fault: Fault): Faults => {
    let begun = false;
    return (asked) => ((begun ||= is(asked)) ? fault : undefined);
  };
  /** Each request once, by its address. */
  const once = (fault: (asked: Asked) => Fault | undefined): Faults => {
    const seen = new Set<string>();
    return (asked) => {
      const first = !seen.has(asked.method + asked.url);
      seen.add(asked.method + asked.url);
      return first ? fault(asked) : undefined;
    };
  };
  const isPart = (one: Asked): boolean => one.url.includes("partNumber=");
  /** Stored, and then something happens to it before the answer is given. */
  const afterwards = (is: (asked: Asked) => boolean, then: (key: string) => Promise<void>): Faults =>
    (asked) => (is(asked) ? { kind: "hold-answer", until: () => then(keyOf(asked)) } : undefined);

  async function under(faults: Faults): Promise<Operation> {
    await store();
    await crash.arm(0);
    const { relay } = s3;
    relay.fault = faults;
    return world.act(shop, "backups").then((one) => world.finished(one)).finally(() => (relay.fault = undefined));
  }

  scenario(world, "goes on where the bucket is slow, cuts, and fails now and then", async () => {
    const passing: [string, Faults][] = [
      ["each request answered by 500 once", once(() => answer(500, "InternalError"))],
      ["each request refused as too many once", once(() => answer(503, "SlowDown"))],
      ["each body cut once", once(({ method }) => (method === "PUT" ? { kind: "cut-request", after: 1000 } : undefined))],
      ["each answer lost once", once(({ method, url }) => (method === "PUT" || url.includes("uploadId=") ? { kind: "lose-answer" } : undefined))],
      ["a checksum that was wrong once", once(({ method }) => (method === "PUT" ? answer(400, "BadDigest") : undefined))],
      ["slow", async () => new Promise((done) => setTimeout(done, 400, undefined))],
    ];
    for (const [what, faults] of passing) {
      const end = await under(faults);
      assert.equal(end.state, "succeeded", `${what}: ${JSON.stringify(end.error)}`);
      await wholeOrNothing(end, what);
    }
    await nextIsWhole("after passing faults");
  }, hours(1));

  scenario(world, "fails by name where the bucket goes on failing, is never said to be whole, and leaves nothing", async () => {
    let lost = "";
    const lasting: [string, Faults, string, RegExp][] = [
      ["500 for a pack", (one) => (isPart(one) ? answer(500, "InternalError") : undefined), "storage_failed", /InternalError \(500\)/],
      ["every part cut", (one) => (one.url.includes("partNumber=2") ? { kind: "cut-request", after: 1000 } : undefined), "storage_unreachable", /packs\//],
      ["a checksum that is always wrong", (one) => (sends(dump)(one) ? answer(400, "BadDigest") : undefined), "storage_damaged", /did not arrive as it was sent/],
      ["a dump that was stored altered", afterwards(sends(dump), (key) => s3.alter(bucket, key)), "storage_damaged", /database\.dump\.zst\.age .* checksum/],
      ["a pack that was stored altered", afterwards((one) => one.method === "POST" && one.url.includes("uploadId="), (key) => s3.alter(bucket, key)), "storage_damaged", /packs\/pck_.* checksum/],
      ["a pack that is lost later", async (one) => {
        if (one.method === "POST" && one.url.includes("uploadId=")) lost = keyOf(one);
        if (lost && sends(list)(one)) await s3.remove(bucket, lost);
        return undefined;
      }, "storage_damaged", /packs\/pck_.* is not there/],
      ["a manifest that was stored altered", afterwards(sends(manifest), (key) => s3.alter(bucket, key)), "storage_damaged", /another manifest/],
      ["keys that expire", from(sends(list), answer(403, "ExpiredToken")), "storage_key_refused", /has expired/],
      ["keys that are taken away", from(isPart, answer(403, "InvalidAccessKeyId")), "storage_key_refused", /does not know the access key/],
      ["a clock that is off", from(isPart, answer(403, "RequestTimeTooSkewed")), "storage_clock_wrong", /Set the clock/],
      ["the bucket gone", from(sends(list), answer(404, "NoSuchBucket")), "storage_bucket_missing", /There is no bucket/],
      ["no room", from(isPart, answer(507, "InsufficientStorage")), "storage_full", /no room/],
    ];
    for (const [what, faults, code, says] of lasting) {
      const end = await under(faults);
      assert.equal(end.state, "failed", what);
      assert.equal(end.error!.code, code, `${what}: ${JSON.stringify(end.error)}`);
      assert.match(end.error!.message, says, what);
      // Where the bucket is out of reach to the end, the next backup clears away.
      const reached = !what.startsWith("keys") && !what.startsWith("the bucket") && !what.startsWith("a clock") && !what.startsWith("no room");
      if (reached) await wholeOrNothing(end, what);
      else await nextIsWhole(what);
      assert.equal(await s3.uploads(bucket), 0, what);
    }
    await nextIsWhole("after lasting faults");
  }, hours(1));

  scenario(world, "fails by name when the whole storage goes in the middle, and the next one clears away what it left", async () => {
    let gone: Promise<void> | undefined;
    const end = await under((one) => {
      if (!sends(list)(one)) return undefined;
      gone ??= s3.suspend();
      return { kind: "silent" };
    }).finally(async () => {
      await gone;
      await s3.resume();
    });
    assert.equal(end.state, "failed");
    assert.equal(end.error!.code, "storage_unreachable", JSON.stringify(end.error));
    assert.equal(await leftovers(on.host), "");
    await nextIsWhole("after the storage was gone");
  });

  scenario(world, "that somebody cancels leaves nothing, and a restore or drill that somebody cancels leaves the data as they were", async () => {
    const backup = await backUp(world, shop);
    const reads = (one: Asked): boolean => one.method === "GET" && pathOf(one).endsWith(dump);
    const acts: { what: string; is: (asked: Asked) => boolean; begin: () => Promise<Operation> }[] = [
      { what: "backup", is: isPart, begin: () => world.act(shop, "backups") },
      { what: "restore", is: reads, begin: () => restore(world, backup, shop, { safety_backup: false }) },
      { what: "drill", is: reads, begin: () => world.act(shop, "drill") },
    ];
    const { relay } = s3;
    await world.succeeded(await world.act(shop, "stop"));
    for (const { what, is, begin } of acts) {
      await store();
      const then = await contents(on.host, shop);
      const held = relay.hold(is, "before");
      const operation = await begin();
      const end = world.finished(operation);
      const over = await Promise.race([held.reached.then(() => undefined), end]);
      assert.equal(over, undefined, `${what}: never asked for: ${JSON.stringify(over)}`);
      await (await world.api()).post(`${await world.org()}/operations/${operation.id}/cancel`);
      held.end();
      assert.equal((await end).state, "cancelled", `${what}: ${JSON.stringify((await end).error)}`);
      assert.equal(await contents(on.host, shop), then, what);
      assert.equal(await s3.uploads(bucket), 0, what);
      assert.equal(await leftovers(on.host), "", what);
    }
    await world.succeeded(await world.act(shop, "start"));
    await nextIsWhole("after cancelled ones");
    await world.until("it runs again", 120_000, async () => (await healthy(on.host, shop)) || undefined);
  });

  const fill = (): Promise<string> => on.host.sh("fallocate -l $(($(df --output=avail -B1 / | tail -n 1) - 65536)) /filler; head -c 65536 /dev/zero >>/filler || true; df --output=avail -B1 / | tail -n 1");
  const free = (): Promise<string> => on.host.sh("rm -f /filler");

  scenario(world, "on a server whose disk is full is whole or fails by name", async () => {
    await store();
    await fill();
    const end = await world.act(shop, "backups").then((one) => world.finished(one)).finally(free);
    if (end.state === "failed") assert.match(`${end.error?.message}`, /No space left on device/);
    await wholeOrNothing(end, "the disk full");
    await nextIsWhole("after the disk was full");
  });

  scenario(world, "is not put in place where it cannot be read to the end: the target stays as it was, and runs", async () => {
    await world.succeeded(await world.act(shop, "stop"));
    const backup = await backUp(world, shop);
    const then = await contents(on.host, shop);
    const reads = (name: string) => (one: Asked): boolean => one.method === "GET" && pathOf(one).includes(name);
    const failing: [string, Faults, string][] = [
      ["a dump that is cut, every time", (one) => (reads(dump)(one) ? { kind: "cut-answer", after: 1000 } : undefined), "storage_unreachable"],
      ["a pack that arrives altered", (one) => (reads("/packs/")(one) ? { kind: "alter-answer" } : undefined), "backup_damaged"],
      ["500 for the packs", (one) => (reads("/packs/pck_")(one) ? answer(500, "InternalError") : undefined), "storage_failed"],
      ["keys that expire", from(reads("/packs/pck_"), answer(403, "ExpiredToken")), "storage_key_refused"],
      ["the bucket gone", from(reads(dump), answer(404, "NoSuchBucket")), "storage_bucket_missing"],
    ];
    for (const [what, faults, code] of failing) {
      for (const begin of [() => restore(world, backup, shop, { safety_backup: false }), () => world.act(shop, "drill")]) {
        s3.relay.fault = faults;
        const end = await begin().then((one) => world.finished(one)).finally(() => (s3.relay.fault = undefined));
        const where = `${end.kind}, ${what}: ${JSON.stringify(end.error)}`;
        console.log(`# ${where}`);
        assert.equal(end.state, "failed", where);
        assert.equal(end.error!.code, code, where);
        assert.equal(await leftovers(on.host), "", where);
      }
      assert.equal(await contents(on.host, shop), then, what);
    }
    // Before it begins; and where something else fills the disk while files come in. (PostgreSQL itself ends when it cannot write its log.)
    await fill();
    const refused = await restore(world, backup, shop, { safety_backup: false }).then((one) => world.finished(one)).finally(free);
    assert.equal(refused.error?.code, "preflight_failed");
    assert.match(refused.error.message, /are free on the disk of \/var\/lib\/fairlead .* Free at least/);
    let filled = false;
    s3.relay.fault = async (one) => {
      if (!reads("/packs/pck_")(one) || filled) return undefined;
      filled = true;
      await fill();
      return undefined;
    };
    const full = await restore(world, backup, shop, { parts: "filestore", safety_backup: false }).then((one) => world.finished(one)).finally(() => {
      s3.relay.fault = undefined;
      return free();
    });
    console.log(`# a disk that is full: ${JSON.stringify(full.error)}`);
    assert.equal(full.state, "failed");
    assert.match(full.error!.message, /No space left on device/);
    assert.equal(await leftovers(on.host), "");
    assert.equal(await contents(on.host, shop), then);
    await world.succeeded(await restore(world, backup, shop, { safety_backup: false }));
    assert.equal(await contents(on.host, shop), then);
    await world.succeeded(await world.act(shop, "start"));
    assert.equal(await healthy(on.host, shop), true);
  }, hours(1));
});
