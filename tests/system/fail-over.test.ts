// A controller whose machine is gone, and a copy of it at the second address that servers were told of.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe } from "node:test";
import { Api } from "./lib/api.ts";
import { admin, controllerName, freePort } from "./lib/controller.ts";
import { controllerAddress } from "./lib/host.ts";
import type { Operation, Server } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("a second address", () => {
  let second: number;
  const world = worldOfSuite(async () => {
    second = await freePort(await controllerAddress());
    return `agents:\n  also_at: ["${controllerName}:${second}"]\n`;
  });
  let on: Enrolled, org: string;

  before(async () => {
    on = await world.server("follows");
    org = await world.org();
  });

  /** What the server's own status says of the controller at a port. */
  const seen = async (port: number): Promise<string> =>
    new RegExp(`controller: +${controllerName}:${port} (.*)`).exec(await on.host.sh("fairlead-agent status || true"))?.[1] ?? "";

  scenario(world, "is where servers go when the first does not answer, and the first is where they come back to", async () => {
    const first = await world.controller();
    assert.match(await seen(first.port), /^online since/);
    assert.equal(await seen(second), "not called yet");

    const there = join(world.dir, "there"), back = join(world.dir, "back");
    await first.backup(there);
    await first.kill();
    const copy = first.elsewhere(join(world.dir, "copy"), second);
    await copy.restore(there);
    await copy.start();
    try {
      const api = new Api(await copy.endpoint());
      try {
        await api.call("POST", "/api/v1/session", { body: { email: admin.email, password: admin.password } });
        await poll("the server is online there", 90_000, async () =>
          (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined, 200);
        assert.match(await seen(second), /^online since/);
        assert.match(await seen(first.port), /^away since .*refused/);
        // It does there what it did here.
        const { id } = await api.post<Operation>(`${org}/servers/${on.server.id}/ping`);
        const end = await poll("its operation has ended", 60_000, async () => {
          const one = await api.get<Operation>(`${org}/operations/${id}`);
          return ["succeeded", "failed"].includes(one.state) ? one : undefined;
        }, 200);
        assert.equal(end.state, "succeeded", JSON.stringify(end.error));
        await copy.backup(back);
      } finally {
        api.close();
      }
    } finally {
      await copy.stop();
    }
    await first.restore(back);
    await first.start();
    await world.signInAgain();
    await world.until("the server is back", 90_000, async (api) =>
      (await api.get<Server>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);
    assert.match(await seen(first.port), /^online since/);
    assert.doesNotMatch(await on.host.sh("fairlead-agent status"), /FORKED/);
  });
});
