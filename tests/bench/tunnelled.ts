// A site on a server that lets nothing in: behind Fairlead's tunnel, and by the other ways of ways.ts. For the rows that compare them.
import { join } from "node:path";
import { putDomain } from "../system/lib/domains.ts";
import { run } from "../system/lib/process.ts";
import { odooUnits } from "../system/lib/stand-in-site.ts";
import { poll } from "../system/lib/wait.ts";
import { type Enrolled, World } from "../system/lib/world.ts";
import { type Way, Ways } from "./ways.ts";

const name = "site.tunnel.test";

export interface Site {
  world: World;
  on: Enrolled;
  ways: Ways;
  ours: Way;
}

/** `bigBytes`: of the file "big"; "part" has a tenth of it. All of it goes when `measure` returns. */
export async function tunnelled(bigBytes: number, measure: (site: Site) => Promise<void>): Promise<void> {
  const world = new World("\nconnections_per_address: 20000\nrates:\n  reads_a_minute: 1000000000\n  writes_a_minute: 1000000000\n");
  let ways: Ways | undefined;
  try {
    const on = await world.server("tunnel");
    const environment = await world.environment(await world.project("tunnel"), on.server, "site", { exposure: "tunnel", domains: [name] });
    await world.succeeded(await world.deploy(environment), 900_000);
    const { address, port } = await world.controller();
    await putDomain(await world.controller(), await world.org(), name);
    await on.host.sh(odooUnits("stop", environment));
    ways = await Ways.make(on.host, join(world.dir, "ways"), address, name, environment.port, bigBytes);
    await measure({ world, on, ways, ours: { name: "fairlead", url: `https://${name}:${port}`, address, programs: /^fairlead-(contro|agent)/ } });
  } finally {
    await ways?.stop();
    await world.stop();
  }
}

export async function answers(way: Way): Promise<void> {
  const { hostname, port } = new URL(way.url);
  await poll(`the site answers by ${way.name}`, 30_000, async () =>
    (await run("curl", ["-fsSk", "-m", "10", "-o", "/dev/null", "--resolve", `${hostname}:${port}:${way.address}`, `${way.url}/small`], { check: false })).code === 0 || undefined);
}
