// Backup and restore at the size of a real company: a database of 1 GB and 100,000 files, wiped and put back.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { accountOf, addStorage, backUp, type Backup, bucketOf, contents, leftovers, restore, setPolicy } from "./lib/backups.ts";
import { type Cost, costOf, growDatabase, growFilestore } from "./lib/bulk.ts";
import { healthy } from "./lib/odoo.ts";
import { run } from "./lib/process.ts";
import type { S3 } from "./lib/s3.ts";
import type { Environment } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

const databaseBytes = 1e9;
const files = 100_000;
const mib = 1 << 20;

describe("an environment of real size", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let shop: Environment;
  let s3: S3;
  let backup: Backup;
  let then: string;

  before(async () => {
    on = await world.server("big", { disk: "12G" });
    s3 = await bucketOf(world, "s3rver", "big");
    shop = await world.environment(await world.project("shop"), on.server, "shop");
    await world.succeeded(await world.deploy(shop));
    const storage = await addStorage(world, s3, "big", { test_on_server: on.server.id });
    await world.succeeded({ id: storage.test_operation_id! });
    await setPolicy(world, shop, storage.id);
    await world.succeeded(await world.act(shop, "stop"));
    await growDatabase(on.host, shop, databaseBytes);
    await growFilestore(on.host, shop, files, 4096);
    then = await contents(on.host, shop, 300_000);
  });
  after(() => s3?.stop());

  const diskOfController = async (): Promise<number> =>
    Number((await run("du", ["-sb", (await world.controller()).dir])).stdout.split("\t")[0]);

  /** The cost of some work, with how much the controller's folder grew by. */
  const watched = async (work: () => Promise<unknown>): Promise<Cost & { kept: number }> => {
    const { address, port } = await world.controller();
    const before = await diskOfController();
    const cost = await costOf(on.host, { controller: { address, port }, bucket: s3.relay }, ["fairlead-agent"], work);
    return { ...cost, kept: (await diskOfController()) - before };
  };

  /** What went to the bucket or came from there went past the controller, in little memory. */
  const straight = (cost: Cost & { kept: number }): void => {
    const told = JSON.stringify(cost);
    assert.ok(cost.bytes.bucket! > 300 * mib, told);
    assert.ok(cost.bytes.controller! > 0 && cost.bytes.controller! < mib, told);
    assert.ok(cost.kept < 4 * mib, told);
    assert.ok(cost.memory.together > 1024 && cost.memory.together < 64 * 1024, told);
    assert.ok(cost.memory.each["fairlead-agent worker"]! > 0, told);
  };

  scenario(world, "goes into the bucket from the server itself: next to nothing reaches the controller [S-BAK-04]", async () => {
    const cost = await watched(async () => (backup = await backUp(world, shop)));
    assert.equal(backup.state, "succeeded");
    assert.ok(backup.database_bytes >= databaseBytes, `${backup.database_bytes}`);
    assert.ok(backup.files >= files, `${backup.files}`);
    assert.equal(backup.missing_files, 0);
    straight(cost);
  });

  scenario(world, "comes back from there whole after it was wiped, every row and every byte, and past the controller again [S-BAK-04]", async () => {
    const account = accountOf(shop);
    await on.host.sh(`
      runuser -u postgres -- dropdb ${account}
      rm -rf /var/lib/fairlead/environments/${shop.slug}/filestore/${account}`, { timeoutMs: 300_000 });
    const cost = await watched(async () => {
      await world.succeeded(await restore(world, backup, shop, { safety_backup: false }));
    });
    straight(cost);
    assert.equal(await contents(on.host, shop, 300_000), then);
    assert.equal(await leftovers(on.host), "");
    await world.succeeded(await world.act(shop, "start"));
    assert.equal(await healthy(on.host, shop), true);
  });
});
