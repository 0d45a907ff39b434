// The export of a long audit log to a reader who stops in the middle. FAIRLEAD_AUDIT_ENTRIES makes it longer.
import assert from "node:assert/strict";
import { createWriteStream, readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request } from "node:https";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { describe } from "node:test";
import type { Api } from "./lib/api.ts";
import { controllerName } from "./lib/controller.ts";
import { built } from "./lib/paths.ts";
import { run } from "./lib/process.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const entries = Number(process.env.FAIRLEAD_AUDIT_ENTRIES ?? 100_000);
const mib = 1 << 20;

describe("an audit log of many entries", () => {
  const world = worldOfSuite("\nplan_of_new_organizations: agency\nrates:\n  reads_a_minute: 100000000\n  writes_a_minute: 100000000\n");

  const size = async (api: Api, org: string): Promise<number> => (await api.get<{ data: { seq: number }[] }>(`${org}/audit?limit=1`)).data[0]!.seq + 1;

  /** Changes of one project's name, through the API, until the log has so many entries. */
  async function grow(api: Api, org: string): Promise<void> {
    const controller = await world.controller();
    const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
    const { id } = await api.post<{ id: string }>(`${org}/projects`, { name: "Shop", odoo_version: "19.0", odoo_source: source });
    const script = join(world.dir, "write.lua");
    writeFileSync(script, `local n = 0\nfunction request()\n  n = n + 1\n  return wrk.format("PATCH", "${org}/projects/${id}", nil, '{"name":"Shop ' .. n .. '"}')\nend\n`);
    const headers = [`Host: ${controllerName}:${controller.port}`, `Cookie: ${api.cookie}`, `Origin: ${api.origin}`, "Content-Type: application/json"];
    while ((await size(api, org)) < entries) {
      const said = (await run("wrk", ["-t1", "-c32", "-d5s", "-s", script, ...headers.flatMap((one) => ["-H", one]), `https://${controller.address}:${controller.port}`], { timeoutMs: 120_000 })).stdout;
      assert.doesNotMatch(said, /Non-2xx|Socket errors: (connect|read|write) [1-9]/, said);
    }
  }

  scenario(world, "goes out whole to a reader who stops in the middle, in memory that does not grow with it", async () => {
    const api = await world.api();
    const org = await world.org();
    await grow(api, org);
    const { pid, config } = await world.controller();
    const status = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
    writeFileSync(`/proc/${pid}/clear_refs`, "5"); // the most that it ever had begins anew
    const before = status("VmRSS");

    const { address, port, name, ca } = api.endpoint;
    const asked = request({ host: address, port, servername: name, ca, path: `${org}/audit/export?format=jsonl`, headers: { Host: `${name}:${port}`, Cookie: api.cookie } });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    assert.equal(answer.statusCode, 200);
    // Nobody reads: what the sockets hold is full, and the controller goes on with everything else.
    answer.pause();
    for (let i = 0; i < 500; ++i) await api.get(`${org}/audit?limit=200`);
    const stalled = status("VmHWM") - before;
    const file = join(world.dir, "export.jsonl");
    await pipeline(answer, createWriteStream(file));
    const whole = status("VmHWM") - before;

    const bytes = statSync(file).size;
    console.log(`# ${entries} entries: ${(bytes / mib).toFixed(0)} MiB; memory grew by ${(stalled / mib).toFixed(1)} MiB while nobody read, ${(whole / mib).toFixed(1)} in all`);
    assert.ok(bytes > 400 * entries, `${bytes} bytes`);
    assert.ok(whole < 24 * mib, `memory grew by ${whole} bytes for an export of ${bytes}`);
    const tool = built("controller/fairlead-controller");
    const key = (await run(tool, ["audit", "key", "--config", config])).stdout.trim();
    const verified = await run(tool, ["audit", "verify", file, "--key", key], { timeoutMs: 120_000 });
    const head = JSON.parse((await run("head", ["-n1", file])).stdout) as { size: number };
    assert.ok(head.size >= entries, `${head.size} entries`);
    assert.match(verified.stdout, new RegExp(`\\b${head.size}\\b`), verified.stdout);
  }, 1_200_000);
});
