// Log-ins with a password: how many a second at the cost that Argon2 has, and what those who only look notice of a flood of them.
import { Api } from "../../system/lib/api.ts";
import { join, password } from "../../system/lib/people.ts";
import { cpuSeconds } from "../processes.ts";
import { loadSeconds, runs, type Site } from "../site.ts";
import { add, median, percentile, spread } from "../table.ts";

/**
 * Each with an account of their own, as a flood has (attempts at one account wait for each other), and more of them than the
 * controller has threads.
 */
const people = 48;
/** Who looks, and how often each does: far from what the controller can. */
const lookers = 8;
const everyMs = 20;

async function forSeconds(seconds: number, work: (going: () => boolean) => Promise<void>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await work(() => performance.now() < end);
}

/** Milliseconds that each answer took. */
async function look(apis: Api[], path: string, seconds: number): Promise<number[]> {
  const took: number[] = [];
  await forSeconds(seconds, async (going) => {
    await Promise.all(apis.map(async (api) => {
      while (going()) {
        const begun = performance.now();
        await api.get(path);
        took.push(performance.now() - begun);
        await new Promise((next) => setTimeout(next, everyMs));
      }
    }));
  });
  return took;
}

export async function login(site: Site): Promise<void> {
  const emails = Array.from({ length: people }, (_, i) => `login${i}@example.org`);
  for (const email of emails) (await join(site.api, site.org, email, "viewer")).api.close();
  const doors = emails.map(() => new Api(site.api.endpoint));
  const watching = await Promise.all(Array.from({ length: lookers }, async () => {
    const api = new Api(site.api.endpoint);
    api.cookie = site.api.cookie;
    await api.get(site.org);
    return api;
  }));
  const signIn = (i: number): Promise<unknown> => doors[i]!.call("POST", "/api/v1/session", { body: { email: emails[i], password } });

  const alone: number[] = [];
  for (let i = 0; i < 10; ++i) {
    const begun = performance.now();
    await signIn(i % people);
    alone.push(performance.now() - begun);
  }
  const rates: number[] = [], cpus: number[] = [];
  const quiet: [number, number][] = [], flooded: [number, number][] = [];
  for (let i = 0; i < runs; ++i) {
    const before = await look(watching, site.org, loadSeconds);
    quiet.push([percentile(before, 0.5), percentile(before, 0.99)]);
    let done = 0;
    let last: number[] = [];
    const cpu = cpuSeconds(site.controller.pid);
    const begun = performance.now();
    await forSeconds(loadSeconds, async (going) => {
      await Promise.all([
        ...emails.map(async (_, one) => {
          while (going()) {
            await signIn(one);
            done += 1;
          }
        }),
        look(watching, site.org, loadSeconds).then((took) => (last = took)),
      ]);
    });
    rates.push((done * 1000) / (performance.now() - begun));
    cpus.push(((cpuSeconds(site.controller.pid) - cpu) * 1000) / done);
    flooded.push([percentile(last, 0.5), percentile(last, 0.99)]);
  }
  const of = (list: [number, number][], which: 0 | 1): number[] => list.map((one) => one[which]);
  add({
    what: `log-ins with a password, ${people} people at once`, ours: `${spread(rates)}/s`, target: "–", met: undefined,
    cpu: `one alone ${spread(alone, 0)} ms; ${median(cpus).toFixed(0)} ms of the controller's CPU each, with the looking`,
  });
  for (const [which, name] of [[0, "p50"], [1, "p99"]] as const) {
    const [without, during] = [median(of(quiet, which)), median(of(flooded, which))];
    add({
      what: `authenticated GET during them, ${name} (${lookers} people, one each ${everyMs} ms)`, peer: `without them ${spread(of(quiet, which))} ms`,
      ours: `${spread(of(flooded, which))} ms`, ratio: (during / without).toFixed(2),
      // Whoever waited behind a password would wait as long as one takes.
      target: "less than one log-in takes", met: during < median(alone),
    });
  }
  for (const api of [...doors, ...watching]) api.close();
}
