// Copies of an environment on a disk whose file system can share blocks between files.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { accountOf } from "./lib/backups.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("a clone where files can share blocks", () => {
  const world = worldOfSuite();

  scenario(world, "takes no room for the files on the disk, and each environment has its own: what is written to one is not in the other", async () => {
    const { host, server } = await world.server("xfs", { disk: "4G", sharedBlocks: true });
    const project = await world.project("xfs");
    const [shop, copy] = [await world.environment(project, server, "shop"), await world.environment(project, server, "copy")];
    for (const one of [shop, copy]) {
      await world.succeeded(await world.deploy(one), 600_000);
      await world.succeeded(await world.act(one, "stop"));
    }
    const folder = (of: typeof shop): string => `/var/lib/fairlead/environments/${of.slug}/filestore/${accountOf(of)}`;
    await host.sh(`mkdir -p ${folder(shop)}/ab && cd ${folder(shop)}/ab && for i in 1 2 3 4; do head -c 100M /dev/urandom >ab$i; done; chown -R ${accountOf(shop)}: . && sync`);
    const used = async (): Promise<number> => Number(await host.sh("sync; df --output=used -B1 / | tail -n 1"));
    const before = await used();
    await world.succeeded(await (await world.api()).post(`${await world.org()}/environments/${shop.id}/clone`, { target_environment_id: copy.id, safety_backup: false }), 600_000);

    const more = (await used()) - before;
    assert.ok(more < 200 << 20, `${more} more bytes are used for a copy of 400 MiB`);
    const sums = (of: typeof shop): Promise<string> => host.sh(`cd ${folder(of)}/ab && sha256sum ab*`);
    const was = await sums(shop);
    assert.equal(await sums(copy), was);
    assert.equal((await host.sh(`stat -c '%U %h' ${folder(copy)}/ab/ab1`)).trim(), `${accountOf(copy)} 1`);
    await host.sh(`runuser -u ${accountOf(copy)} -- sh -c 'echo changed >>${folder(copy)}/ab/ab1'`);
    assert.equal(await sums(shop), was);
  }, 900_000);
});
