// Many agents: what an idle link costs, how fast links come, how soon all are back.
import type { Linked } from "../fleet.ts";
import { mosquitto } from "../peers.ts";
import { cpuSeconds, residentKib } from "../processes.ts";
import { manyAgents, runs, type Site } from "../site.ts";
import { add, median, say, spread } from "../table.ts";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const atOnce = 64;
/** A link that lasted longer starts its backoff anew. */
const goodLink = 62_000;

function all(linked: Linked, wanted: number): Linked {
  if (linked.online !== wanted) throw new Error(`${linked.online} of ${wanted} agents are online; ${linked.failed} tries failed: ${linked.failure}`);
  return linked;
}

/** Fresh program, all links, a minute of nothing but heartbeats, then with what agents measure. */
export async function idle(site: Site): Promise<void> {
  await site.enrol(manyAgents);
  await site.controller.stop();
  await site.controller.start();
  const { pid } = site.controller;
  const before = residentKib(pid);
  await site.fleet.ask("facts", "off");
  all(await site.fleet.ask<Linked>("start", manyAgents, atOnce), manyAgents);
  await pause(10_000);
  const each = (residentKib(pid) - before) / manyAgents;
  const share = await cpuOver(pid, 45_000);
  const memory = residentKib(pid);

  const peer = await mosquitto(site.dir);
  const peerBefore = residentKib(peer.service.pid);
  await site.fleet.ask("mqtt", peer.port, manyAgents, atOnce);
  await pause(2_000);
  const peerEach = (residentKib(peer.service.pid) - peerBefore) / manyAgents;
  const peerShare = await cpuOver(peer.service.pid, 45_000);
  await peer.service.stop();
  add({
    what: `controller memory per idle mTLS agent, ${manyAgents} connected, whole controller`, peer: `mosquitto ${peerEach.toFixed(1)} KiB`,
    ours: `${each.toFixed(1)} KiB`, ratio: (each / peerEach).toFixed(2), target: "≤ 24 KiB", met: each <= 24,
    cpu: `${(memory / 1024).toFixed(0)} MiB in all, ${(before / 1024).toFixed(0)} before`,
  });
  add({
    what: "CPU of one core for their heartbeats each 15 s", peer: `mosquitto ${peerShare.toFixed(1)} %`, ours: `${share.toFixed(1)} %`,
    ratio: (share / peerShare).toFixed(2), target: "< 10 %", met: share < 10,
  });

  await site.hangUp();
  await site.fleet.ask("facts", "on");
  all(await site.fleet.ask<Linked>("start", manyAgents, atOnce), manyAgents);
  await pause(32_000);
  const working = await cpuOver(pid, 45_000);
  add({
    what: `the same with facts each 30 s (${Math.round(manyAgents / 30)} durable writes/s)`, ours: `${working.toFixed(1)} %`, target: "–", met: undefined,
    cpu: `${((residentKib(pid) - before) / manyAgents).toFixed(1)} KiB an agent, events and caches included`,
  });
  await site.hangUp();
}

async function cpuOver(pid: number, ms: number): Promise<number> {
  const began = Date.now();
  const cpu = cpuSeconds(pid);
  await pause(ms);
  return ((cpuSeconds(pid) - cpu) * 100_000) / (Date.now() - began);
}

/** From TCP to the welcome, 64 at a time; each hello is durable. mosquitto stores nothing. */
export async function links(site: Site): Promise<void> {
  const count = Math.min(manyAgents, 3000);
  await site.enrol(count);
  await site.fleet.ask("facts", "off");
  const peer = await mosquitto(site.dir);
  for (const kind of ["full", "resumed"]) {
    const ours: number[] = [], cpus: number[] = [], theirs: number[] = [], theirCpus: number[] = [];
    await site.fleet.ask<Linked>("start", count, atOnce);
    await site.hangUp();
    for (let run = 0; run < runs; ++run) {
      if (kind === "full") await site.fleet.ask("forget");
      let cpu = cpuSeconds(site.controller.pid);
      const linked = all(await site.fleet.ask<Linked>("start", count, atOnce), count);
      if (kind === "resumed" && linked.resumed !== count) say(`only ${linked.resumed} of ${count} links were resumed`);
      ours.push(count / linked.seconds);
      cpus.push(((cpuSeconds(site.controller.pid) - cpu) * 1000) / count);
      await site.hangUp();
      if (kind === "resumed") continue; // mosquitto gives no tickets to clients with certificates
      cpu = cpuSeconds(peer.service.pid);
      const told = await site.fleet.ask<{ seconds: number }>("mqtt", peer.port, count, atOnce);
      theirs.push(count / told.seconds);
      theirCpus.push(((cpuSeconds(peer.service.pid) - cpu) * 1000) / count);
      await site.fleet.ask("mqtt-stop");
    }
    const full = kind === "full";
    add({
      what: `new mTLS links, ${full ? "full handshakes" : "resumed by ticket"}, with durable hello`,
      peer: full ? `mosquitto ${spread(theirs, 0)}/s` : "–", ours: `${spread(ours, 0)}/s`, ratio: full ? (median(ours) / median(theirs)).toFixed(2) : "–",
      target: full ? "≥ 700/s" : "–", met: full ? median(ours) >= 700 : undefined,
      cpu: `${median(cpus).toFixed(2)} ms of the controller's CPU each${full ? `; mosquitto ${median(theirCpus).toFixed(2)} ms` : ""}; the fake agents need the other core`,
    });
  }
  await peer.service.stop();
  await site.fleet.ask("facts", "on");
}

/** The controller ends and comes again under all its agents, which have the real agent's backoff. */
export async function reconnect(site: Site): Promise<void> {
  await site.enrol(manyAgents);
  const times: number[] = [], from: number[] = [], cpus: number[] = [];
  for (let run = 0; run < Math.min(runs, 3); ++run) {
    all(await site.fleet.ask<Linked>("start", manyAgents, atOnce), manyAgents);
    await pause(goodLink);
    const began = Date.now();
    await site.controller.stop();
    await site.controller.start();
    from.push((Date.now() - began) / 1000);
    const back = all(await site.fleet.ask<Linked>("await", manyAgents, 120), manyAgents);
    times.push(back.seconds);
    cpus.push(cpuSeconds(site.controller.pid));
    say(`restart: ${back.failed} tries failed (${back.failure}), ${back.resumed} resumed; outage p50 ${(back.outage.p50_ms / 1000).toFixed(1)} s, p99 ${(back.outage.p99_ms / 1000).toFixed(1)} s`);
  }
  add({
    what: `${manyAgents} agents back after a controller restart`, ours: `${spread(times)} s`, target: "≤ 20 s", met: median(times) <= 20,
    cpu: `from "ready" on; stopping and starting took ${spread(from)} s before; ${median(cpus).toFixed(1)} CPU s`,
  });

  await pause(goodLink);
  const cut = await site.fleet.ask<Linked>("cut", Math.min(500, manyAgents));
  add({
    what: `an agent back after its link was cut (${cut.outage.count} cut at once under ${manyAgents})`,
    ours: `p50 ${cut.outage.p50_ms.toFixed(0)} ms, p99 ${cut.outage.p99_ms.toFixed(0)} ms`, target: "p99 ≤ 5 s", met: cut.outage.p99_ms <= 5000,
    cpu: "the real agent's backoff, seen by the agent",
  });
  await site.hangUp();
}
