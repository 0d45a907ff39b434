// The controller away, killed, or set back to an older copy; the link cut in the middle of work.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe } from "node:test";
import { demo, effects, healthy } from "./lib/odoo.ts";
import type { Environment, Operation, OperationState, Server } from "./lib/types.ts";
import { seeded } from "./lib/seed.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("without its controller", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;

  before(async () => {
    on = await world.server("alone");
    environment = await world.environment(await world.project("alone"), on.server, "alone");
    await world.succeeded(await world.deploy(environment), 900_000); // the first builds all, on a machine that may be busy
  });

  const online = (): Promise<true> => world.until("the server is online again", 90_000, async (api, org) =>
    (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);

  const residentKiB = async (): Promise<number> =>
    Number((await on.host.sh("cat $(pgrep -x fairlead-agent | sed 's|.*|/proc/&/status|') 2>/dev/null | awk '/VmRSS/{s+=$2} END{print s}' || true")).trim());

  scenario(world, "a server serves on, its agent's memory stays flat, and all is told on return [S-AVAIL-01] [S-AVAIL-02]", async () => {
    const controller = await world.controller();
    // It goes when it has nothing to do, and so the memory is the link's.
    await poll("the executor has gone", 60_000, async () =>
      (await on.host.sh("systemctl show -P ActiveState fairlead-executor")).trim() === "inactive" ? true : undefined, 500);
    const memory = await residentKiB();
    await controller.stop();
    const end = Date.now() + 45_000;
    while (Date.now() < end) {
      assert.equal(await healthy(on.host, environment), true);
      await new Promise((next) => setTimeout(next, 1000));
    }
    assert.ok((await residentKiB()) < memory + 512, `${memory} KiB before, ${await residentKiB()} KiB after`);
    // Things happen on the server while nobody looks.
    await on.host.sh(`systemctl stop fairlead-odoo@${environment.slug}`);
    await controller.start();
    await online();
    await world.until("it tells that Odoo is down", 60_000, async () => ((await world.look(environment)).status !== "running" ? true : undefined));
    await world.succeeded(await world.act(environment, "start"));
    assert.equal(await healthy(on.host, environment), true);
  });

  scenario(world, "a deployment under way goes on to its end, and the controller learns it once it is back [X-OPS-01]", async () => {
    const controller = await world.controller();
    await (await world.git()).commit("alone", "v2");
    const operation = await world.deploy(environment);
    await begun(operation, "build");
    await controller.kill();
    await poll("the new code answers", 120_000, async () => ((await demo(on.host, environment)).code === "v2" ? true : undefined), 500);
    await controller.start();
    const end = await world.finished(operation, 120_000);
    assert.equal(end.state, "succeeded");
    assert.equal((await world.look(environment)).current_release?.number, 2);
  });

  scenario(world, "a link that is cut in the middle makes the state unknown, never done, and then true [X-OPS-01]", async () => {
    await (await world.git()).commit("alone", "dies");
    const operation = await world.deploy(environment);
    await begun(operation, "fetch");
    const { address, port } = await world.controller();
    await on.host.sh(`nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'
      nft add rule inet cut out ip daddr ${address} tcp dport ${port} drop`);
    const seen: OperationState[] = [];
    try {
      await world.until("the state is unknown", 90_000, async (api, org) => {
        const { state } = await api.get<Operation>(`${org}/operations/${operation.id}`);
        if (seen.at(-1) !== state) seen.push(state);
        return state === "unknown" ? true : undefined;
      });
      assert.ok(!seen.includes("succeeded"));
    } finally {
      await on.host.sh("nft delete table inet cut");
    }
    assert.equal((await world.finished(operation, 180_000)).state, "failed");
    assert.equal((await demo(on.host, environment)).code, "v2");
  });

  scenario(world, "killed at random points it comes back with true states, and nothing runs twice [S-AVAIL-03] [X-OPS-02]", async () => {
    const controller = await world.controller();
    const draw = await seeded();
    for (let round = 0; round < 5; round++) {
      await (await world.git()).commit("alone", round % 2 ? "v2" : "fix");
      const operation = await world.deploy(environment, { update: "none" });
      const after = draw(`round ${round}`, 12_000);
      console.log(`# killed ${after} ms after the order`);
      await new Promise((next) => setTimeout(next, after));
      await controller.kill();
      await controller.start();
      assert.equal((await world.finished(operation, 180_000)).state, "succeeded");
      assert.equal(await effects(on.host, operation), 1);
      assert.equal((await demo(on.host, environment)).code, round % 2 ? "v2" : "fix");
    }
  });

  scenario(world, "set back to an older copy of its store it learns the truth from the server, and nothing runs twice [S-AVAIL-03] [X-OPS-02]", async () => {
    const controller = await world.controller();
    // In the copy one deployment is queued that the server has done since, and of another there is no word.
    const copy = join(world.dir, "controller.backup");
    let queued: Operation;
    await on.host.sh("systemctl stop fairlead-link.service");
    try {
      await world.until("the server is away", 60_000, async (api, org) =>
        (await api.get<Server>(`${org}/servers/${on.server.id}`)).status !== "online" ? true : undefined);
      await (await world.git()).commit("alone", "fix");
      queued = await world.deploy(environment, { update: "none" });
      assert.equal(queued.state, "queued");
      await controller.backup(copy);
    } finally {
      await on.host.sh("systemctl start fairlead-link.service");
    }
    await world.succeeded(queued);
    await (await world.git()).commit("alone", "v2");
    const later = await world.succeeded(await world.deploy(environment, { update: "none" }));
    const { number } = (await world.look(environment)).current_release!;

    await controller.stop();
    await controller.restore(copy);
    await controller.start();
    await world.signInAgain();
    assert.equal((await world.finished(queued)).state, "succeeded");
    await world.until("the release is known", 60_000, async () => ((await world.look(environment)).current_release?.number === number ? true : undefined));
    assert.deepEqual([await effects(on.host, queued), await effects(on.host, later)], [1, 1]);
    assert.equal((await demo(on.host, environment)).code, "v2");
    await (await world.git()).commit("alone", "fix");
    await world.succeeded(await world.deploy(environment, { update: "none" }));
    assert.equal((await demo(on.host, environment)).code, "fix");
  });

  async function begun(operation: Operation, step: string): Promise<void> {
    await world.until(`${step} has begun`, 120_000, async (api, org) =>
      (await api.get<Operation>(`${org}/operations/${operation.id}`)).steps.some((one) => one.name === step && one.state !== "pending") ? true : undefined);
  }
});
