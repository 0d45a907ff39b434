// The API under load from wrk, nginx's static file beside it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { List, Server } from "../../system/lib/types.ts";
import { run } from "../../system/lib/process.ts";
import { controllerName } from "../../system/lib/controller.ts";
import { nginx } from "../peers.ts";
import { cpuSeconds } from "../processes.ts";
import { loadSeconds, runs, type Site } from "../site.ts";
import { add, median, spread } from "../table.ts";

const connections = 64;

interface Load {
  rate: number;
  p99: number;
}

async function wrk(url: string, args: string[] = []): Promise<Load> {
  const said = (await run("wrk", ["-t1", `-c${connections}`, `-d${loadSeconds}s`, "--latency", ...args, url], { timeoutMs: 120_000 })).stdout;
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(said) ?? /Socket errors: (.*)/.exec(said);
  if (bad) throw new Error(`wrk ${url}: ${bad[0]}`);
  const latency = /99%\s+([\d.]+)(us|ms|s)/.exec(said)!;
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(said)![1]), p99: Number(latency[1]) * { us: 0.001, ms: 1, s: 1000 }[latency[2] as "us" | "ms" | "s"] };
}

export async function http(site: Site): Promise<void> {
  await site.enrol(64);
  const { data } = await site.api.get<List<Server>>(`${site.org}/servers?limit=64`);
  const path = `${site.org}/servers/${data[0]!.id}`;
  const body = JSON.stringify(await site.api.get(path));
  const base = `https://${site.controller.address}:${site.controller.port}`;
  const host = ["-H", `Host: ${controllerName}:${site.controller.port}`, "-H", `Cookie: ${site.api.cookie}`, "-H", `Origin: ${site.api.origin}`];
  const { pid } = site.controller;
  const peer = await nginx(site.dir, body);
  const static_ = `https://127.0.0.1:${peer.port}/answer.json`;

  const ours: Load[] = [], theirs: Load[] = [], cpus: number[] = [];
  await wrk(base + path, host);
  for (let i = 0; i < runs; ++i) {
    theirs.push(await wrk(static_));
    const cpu = cpuSeconds(pid);
    const load = await wrk(base + path, host);
    cpus.push(((cpuSeconds(pid) - cpu) * 1000) / (load.rate * loadSeconds));
    ours.push(load);
  }
  await peer.service.stop();
  const rate = median(ours.map((one) => one.rate));
  const ratio = rate / median(theirs.map((one) => one.rate));
  add({
    what: `authenticated GET over TLS, ${connections} connections (a server, ${body.length} bytes)`, peer: `nginx static ${spread(theirs.map((one) => one.rate), 0)}/s`,
    ours: `${spread(ours.map((one) => one.rate), 0)}/s`, ratio: ratio.toFixed(2), target: "≥ 0.5 × nginx", met: ratio >= 0.5,
    cpu: `${median(cpus).toFixed(3)} ms of the controller's CPU each`,
  });
  const p99 = median(ours.map((one) => one.p99));
  add({
    what: "the same, p99", peer: `nginx ${spread(theirs.map((one) => one.p99))} ms`, ours: `${spread(ours.map((one) => one.p99))} ms`,
    target: "≤ 7 ms", met: p99 <= 7,
  });

  // Another label for another server each time: read, changed, audited, told to who watches.
  const script = join(site.dir, "write.lua");
  writeFileSync(script, `
local ids = { ${data.map((one) => `"${one.id}"`).join(", ")} }
local n = 0
function request()
  n = n + 1
  return wrk.format("PATCH", "${site.org}/servers/" .. ids[n % #ids + 1], nil, '{"labels":{"run":"' .. n .. '"}}')
end
`);
  const writes: Load[] = [], writeCpus: number[] = [];
  for (let i = 0; i < runs; ++i) {
    const cpu = cpuSeconds(pid);
    const load = await wrk(base, [...host, "-H", "Content-Type: application/json", "-s", script]);
    writeCpus.push(((cpuSeconds(pid) - cpu) * 1000) / (load.rate * loadSeconds));
    writes.push(load);
  }
  const written = median(writes.map((one) => one.rate));
  add({
    what: `durable writes through the API, ${connections} connections`, ours: `${spread(writes.map((one) => one.rate), 0)}/s`, target: "≥ 3,000/s", met: written >= 3000,
    cpu: `PATCH of a server with audit entry; p99 ${spread(writes.map((one) => one.p99))} ms, ${median(writeCpus).toFixed(3)} ms of the controller's CPU each`,
  });
}
