// A terminal from the browser's socket through the controller and the agent's link to a PTY and back; beside it, in the same run and by the same loop
// (typist), `ssh -tt` to the server's network and a PTY of this machine's own.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../system/lib/controller.ts";
import { agentPrivateKib, FloodReader, pidsOf, privateKib, windows } from "../../system/lib/flood.ts";
import { folder } from "../../system/lib/paths.ts";
import { run } from "../../system/lib/process.ts";
import { poll, within } from "../../system/lib/wait.ts";
import { type Enrolled, World } from "../../system/lib/world.ts";
import { cpuOf, Service } from "../processes.ts";
import { runs } from "../site.ts";
import { add, median, percentile, say, spread } from "../table.ts";
import { consoleOf, echoes, type Keys, output } from "../typing.ts";

const bytesTyped = 2000;
const bulkBytes = 100_000_000;
const sessions = 16; // that one person may have

interface End extends Keys {
  programs: RegExp;
}
interface Measured { p50: number; p99: number; rate: number; cpu: number }

async function once(end: End): Promise<Measured> {
  const times = await echoes(end, bytesTyped);
  const before = cpuOf(end.programs);
  const rate = await output(end, bulkBytes);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), rate, cpu: (cpuOf(end.programs) - before) / (bulkBytes / 1e9) };
}

/** OpenSSH in the server's network, as a person would reach it. */
async function sshd(on: Enrolled, dir: string): Promise<{ service: Service; end: End }> {
  for (const name of ["host", "user"]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
  copyFileSync(join(dir, "user.pub"), join(dir, "authorized_keys"));
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd insists on it
  const port = await freePort("127.0.0.1");
  writeFileSync(join(dir, "config"), `ListenAddress ${on.host.ip}:${port}\nHostKey ${dir}/host\nAuthorizedKeysFile ${dir}/authorized_keys\nPermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\nPidFile none\n`);
  const [program, ...args] = on.host.inNetwork("/usr/sbin/sshd", "-D", "-e", "-f", join(dir, "config"));
  const service = Service.start(program!, args, join(dir, "sshd.log"));
  const ssh = ["ssh", "-tt", "-i", join(dir, "user"), "-p", String(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", `root@${on.host.ip}`];
  await poll(`sshd answers (log in ${dir})`, 15_000, async () => ((await run("ssh", [...ssh.slice(2), "true"], { check: false })).code === 0 ? true : undefined));
  return { service, end: { name: "ssh -tt", words: async (what, count) => ({ args: ["ssh", what, String(count), "--", ...ssh] }), programs: /^(sshd|ssh)$/ } };
}

/** Milliseconds from Ctrl-C to the end of a program that floods a reader who takes nothing. */
async function interrupted(open: () => Promise<FloodReader>, flood: string): Promise<number> {
  const shell = await open();
  shell.takesAll = false;
  shell.type(`${flood}\r`);
  await shell.until("a window of it has come", 30_000, () => shell.waiting >= windows.output);
  const [pid] = pidsOf(flood);
  if (!pid) throw new Error(`${flood} does not run`);
  const began = performance.now();
  shell.type("\x03");
  await within("Ctrl-C ends it", 30_000, async (signal) => {
    while (!signal.aborted && existsSync(`/proc/${pid}`)) await new Promise((next) => setImmediate(next));
  });
  const took = performance.now() - began;
  shell.say({ type: "close" });
  await shell.until("it ends", 15_000, () => shell.ended !== undefined);
  shell.close();
  return took;
}

export async function terminal(): Promise<void> {
  const world = new World("\nconnections_per_address: 20000\nrates:\n  reads_a_minute: 1000000000\n  writes_a_minute: 1000000000\n");
  let peer: Service | undefined;
  try {
    const on = await world.server("terminal");
    const [api, controller] = [await world.api(), await world.controller()];
    const flood = "bench-flood";
    await on.host.sh(`cp /usr/bin/yes /usr/local/bin/${flood}`);
    const page = await consoleOf(world, on);
    const ours: End = { ...page, programs: /^fairlead-(contro|agent|termin)/ };
    const open = async (): Promise<FloodReader> => {
      const reader = await FloodReader.open(api, await page.ask());
      await reader.shows(/[$#] $/);
      return reader;
    };
    const ssh = await sshd(on, folder(join(world.dir, "ssh")));
    peer = ssh.service;
    const bare: End = { name: "bare PTY", words: async (what, count) => ({ args: ["pty", what, String(count)] }), programs: /^$/ };
    const ends = [ours, ssh.end, bare];
    const found: Measured[][] = ends.map(() => []);
    // One after the other in each run, so that what disturbs one disturbs all.
    for (let i = 0; i < runs; ++i) for (const [at, end] of ends.entries()) found[at]!.push(await once(end));
    say("echo and bulk: done");
    const of = (at: number, value: (one: Measured) => number): number[] => found[at]!.map(value);
    const peers = (value: (one: Measured) => number, digits: number, unit: string): string => [2, 1].map((at) => `${ends[at]!.name} ${spread(of(at, value), digits)} ${unit}`).join(", ");
    const p50 = median(of(0, (one) => one.p50));
    const p99 = median(of(0, (one) => one.p99));
    add({
      what: "terminal, one byte from the browser's socket to a program on the server and back, p50", peer: peers((one) => one.p50, 2, "ms"), ours: `${spread(of(0, (one) => one.p50), 2)} ms`,
      ratio: `${(p50 / median(of(1, (one) => one.p50))).toFixed(2)} of ssh -tt`, target: "≤ 0.6 ms", met: p50 <= 0.6, cpu: `TLS on both hops; ${bytesTyped} bytes one after another`,
    });
    add({
      what: "the same, p99", peer: peers((one) => one.p99, 2, "ms"), ours: `${spread(of(0, (one) => one.p99), 2)} ms`,
      ratio: `${(p99 / median(of(1, (one) => one.p99))).toFixed(2)} of ssh -tt`, target: "≤ 3 ms", met: p99 <= 3,
    });
    const rate = median(of(0, (one) => one.rate)) / median(of(2, (one) => one.rate));
    add({
      what: "terminal, 100 MB of output", peer: peers((one) => one.rate, 1, "MB/s"), ours: `${spread(of(0, (one) => one.rate))} MB/s`,
      ratio: `${rate.toFixed(2)} of the bare PTY`, target: "≥ 0.9 × bare PTY", met: rate >= 0.9,
      cpu: `CPU s/GB ${spread(of(0, (one) => one.cpu))}, without the program's own; ssh -tt ${spread(of(1, (one) => one.cpu))}`,
    });

    const times: number[] = [];
    for (let i = 0; i < 4 * runs; ++i) times.push(await interrupted(open, flood));
    add({
      what: "terminal, Ctrl-C to the end of a program that floods a reader who takes nothing, the worst", ours: `${Math.max(...times).toFixed(1)} ms`, target: "≤ 100 ms", met: Math.max(...times) <= 100,
      cpu: `median ${median(times).toFixed(1)} ms of ${times.length}`,
    });

    // A typist leaves without a word, and might come back for a minute.
    await world.until("the terminals of before are gone", 120_000, async (_, org) =>
      (await api.get<{ data: unknown[] }>(`${org}/servers/${on.server.id}/terminals`)).data.length === 0 ? true : undefined);
    const memory = async () => ({ agent: (await agentPrivateKib(on.host)).kib, controller: privateKib(controller.pid) });
    const before = await memory();
    const shells: FloodReader[] = [];
    for (let i = 0; i < sessions; ++i) shells.push(await open());
    const idle = await memory();
    for (const shell of shells) {
      shell.takesAll = false;
      shell.type(`${flood}\r`);
    }
    for (const shell of shells) await shell.until("a window of it has come", 60_000, () => shell.waiting >= windows.output);
    const full = await memory();
    const each = (now: typeof before) => ({ agent: (now.agent - before.agent) / sessions, controller: (now.controller - before.controller) / sessions });
    const text = (one: ReturnType<typeof each>) => `agent ${one.agent.toFixed(0)}, controller ${one.controller.toFixed(0)} KiB`;
    const all = each(full).agent + each(full).controller;
    add({
      what: `memory of a terminal whose windows are full (${sessions} of them)`, ours: `${all.toFixed(0)} KiB`, target: "≤ 1 MiB", met: all <= 1024,
      cpu: `${text(each(full))}; of one at its prompt ${text(each(idle))}; private memory of our processes, without the shell`,
    });
    for (const shell of shells) shell.say({ type: "close" });
  } finally {
    await peer?.stop();
    await world.stop();
  }
}
