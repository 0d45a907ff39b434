// Restores, clones and drills whose executor or server is killed: the data are those that came or those that were, and nothing is left.
import assert from "node:assert/strict";
import { after, afterEach, before, describe } from "node:test";
import { accountOf, addStorage, backUp, type Backup, bucketOf, contents, leftovers, restore, setPolicy } from "./lib/backups.ts";
import { CrashPoints, type JournalRecord, KillPoints, victims } from "./lib/crash.ts";
import { difference, healthy, shape } from "./lib/odoo.ts";
import type { S3 } from "./lib/s3.ts";
import type { Environment, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const hours = (n: number): number => n * 3_600_000;

describe("data that come in, under kills", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  const bucket = "swaps";
  let on: Enrolled;
  let shop: Environment, staging: Environment;
  let s3: S3;
  let crash: CrashPoints;
  let backup: Backup;
  /** The source, and the server at rest. */
  let source: string, rest: string;

  before(async () => {
    on = await world.server("swaps", { limit: 8 * 3600 });
    s3 = await bucketOf(world, "s3rver", bucket);
    const project = await world.project("shop");
    shop = await world.environment(project, on.server, "shop");
    staging = await world.environment(project, on.server, "staging");
    for (const one of [shop, staging]) await world.succeeded(await world.deploy(one), 900_000);
    const storage = await addStorage(world, s3, bucket, { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    for (const one of [shop, staging]) await setPolicy(world, one, storage.id);
    // Stopped, so that nothing but the test changes anything.
    await world.succeeded(await world.act(shop, "stop"));
    await sql(shop, "CREATE TABLE whose AS SELECT 'of the shop' AS it");
    await sql(staging, "CREATE TABLE whose AS SELECT 'of staging' AS it");
    backup = await backUp(world, shop);
    await backUp(world, staging); // a safety backup later makes nothing that is new
    source = await contents(on.host, shop);
    crash = await CrashPoints.on(on.host);
    rest = await shape(on.host);
  });
  after(() => s3?.stop());
  // What a test that failed half way left held would hold up all that come after it.
  afterEach(() => (crash as CrashPoints | undefined)?.disarm().catch(() => undefined));

  const sql = async (environment: Environment, text: string): Promise<string> =>
    (await on.host.sh(`runuser -u ${accountOf(environment)} -- psql -At -v ON_ERROR_STOP=1 -c ${JSON.stringify(text)} ${accountOf(environment)}`)).trim();
  const picture = (environment: Environment): Promise<string> =>
    on.host.sh(`cd /var/lib/fairlead/environments/${environment.slug}/filestore/${accountOf(environment)} && find . -type f -name whose -exec cat {} +`);

  const acts: { name: string; begin: () => Promise<Operation>; replaces: boolean }[] = [
    { name: "restore", begin: () => restore(world, backup, staging), replaces: true },
    {
      name: "clone", replaces: true,
      begin: async () => (await world.api()).post(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: staging.id, safety_backup: false, mask: ["contacts"] }),
    },
    { name: "drill", begin: () => world.act(shop, "drill"), replaces: false },
  ];

  /** Staging as it is before each: its own data, and running. */
  async function anew(): Promise<void> {
    await sql(staging, "UPDATE whose SET it = 'of staging'");
    await on.host.sh(`cd /var/lib/fairlead/environments/${staging.slug}/filestore/${accountOf(staging)} && echo 'of staging' >whose && chown ${accountOf(staging)}: whose`);
    assert.equal(await healthy(on.host, staging), true);
    await crash.arm(0);
  }

  async function newOrOld(end: Operation, replaces: boolean, where: string): Promise<void> {
    console.log(`# ${where}: ${end.state} ${JSON.stringify(end.error)}`);
    assert.ok(["succeeded", "failed"].includes(end.state), where);
    const came = replaces && end.state === "succeeded";
    assert.equal(await sql(staging, "SELECT it FROM whose"), came ? "of the shop" : "of staging", where);
    assert.equal((await picture(staging)).trim(), came ? "" : "of staging", where);
    assert.equal(await contents(on.host, shop), source, where);
    assert.equal(await leftovers(on.host), "", where);
    await on.host.sh(`find /var/lib/fairlead/environments/${staging.slug}/filestore -name whose -delete`);
    assert.equal(difference(await shape(on.host), rest), "", where);
    await world.until(`${where}: staging answers`, 180_000, async () => (await healthy(on.host, staging)) || undefined);
  }

  for (const { name, begin, replaces } of acts)
    scenario(world, `a ${name} that is killed after a journal record of any step is there or undone`, async () => {
      await anew();
      const whole = await world.succeeded(await begin());
      await newOrOld(whole, replaces, "not killed");
      const records: JournalRecord[] = await crash.records(
        whole.steps.filter((one) => one.started_at).map((one) => ({ name: one.name, begun: Date.parse(one.started_at!) })));
      assert.ok(records.length > 4, `only ${records.length} records were seen: is the journal where it was?`);
      const points = await KillPoints.of(records, victims);
      for (const victim of victims)
        for (const point of points.for(victim)) {
          await anew();
          await crash.arm(point.number);
          const end = world.finished(await begin());
          const at = await crash.reached(end);
          if (at !== undefined) await crash.kill(victim);
          const where = `${victim} killed at record ${at ?? "none"}, expected ${point.number} in ${point.step}`;
          await newOrOld(await end, replaces, where);
          if (at === undefined && points.all) break;
        }
    }, hours(3));
});
