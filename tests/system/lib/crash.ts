// Stops an agent's executor right after a durable journal record, from outside (see crash/crash.c), and chooses at which.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { root } from "./paths.ts";
import { run } from "./process.ts";
import { type Draw, seeded } from "./seed.ts";

const dir = "/var/lib/fairlead-crash";
const library = "/usr/local/lib/fairlead-crash.so";
const dropIn = "/etc/systemd/system/fairlead-executor.service.d/crash.conf";

export const victims = ["executor", "host"] as const;
export type Victim = (typeof victims)[number];

/** With the step that was under way. */
export interface JournalRecord {
  number: number;
  step: string;
}

export class CrashPoints {
  private constructor(private readonly host: Host) {}

  /** Prepares a host whose agent is installed. */
  static async on(host: Host): Promise<CrashPoints> {
    const made = mkdtempSync(join(tmpdir(), "fairlead-crash-"));
    await run("gcc", ["-shared", "-fPIC", "-O1", "-o", join(made, "crash.so"), join(root, "tests/system/crash/crash.c"), "-ldl"]);
    await host.copy(join(made, "crash.so"), library);
    rmSync(made, { recursive: true });
    await host.write(dropIn, `[Service]\nEnvironment=LD_PRELOAD=${library} FAIRLEAD_CRASH_DIR=${dir}\nReadWritePaths=${dir}\n`);
    await host.sh(`
      mkdir -p ${dir}
      systemctl daemon-reload; systemctl stop fairlead-executor.service || true; systemctl start fairlead-executor.socket`);
    return new CrashPoints(host);
  }

  /** Counts from 0 again and stops at the first record from number `at` on; 0 stops nowhere. */
  async arm(at: number): Promise<void> {
    await this.host.sh(`cd ${dir}; rm -f reached go over records; echo ${at} >at`);
  }

  /** Stops again, at the first record from number `at` on. */
  async next(at: number): Promise<void> {
    await this.host.sh(`cd ${dir}; rm -f reached go over; echo ${at} >at`);
  }

  /** The number of the record that it stopped at; undefined when `over` came first. */
  async reached(over: Promise<unknown>): Promise<number | undefined> {
    let said = false;
    const end = (): void => {
      if (!said) void this.host.sh(`touch ${dir}/over`).catch(() => undefined); // its power may be off by then
    };
    over.then(end, end);
    // It waits at a pipe that nobody writes to, as to start a program fifty times a second would take its share of the machine.
    const look = `cd ${dir}; exec {never}<> <(:); for ((i = 0; i < 15500; i++)); do
      if [[ -s reached ]]; then cat reached; exit; fi
      if [[ -e over ]]; then exit; fi
      read -t 0.02 -u $never || true; done; echo 'neither reached nor over in 310 s' >&2; exit 1`;
    const number = (await this.host.sh(look, { timeoutMs: 340_000 })).trim();
    said = true;
    if (number) return Number(number);
    await this.disarm(); // the record may still come, when what was to be killed has ended
    return undefined;
  }

  /** Lets the executor go on; it stops nowhere until `next`. */
  async release(): Promise<void> {
    await this.host.sh(`touch ${dir}/go`);
  }

  /** The executor alone, or the power of the whole server, which boots again. */
  async kill(victim: Victim): Promise<void> {
    if (victim === "executor") {
      await this.host.sh("systemctl kill -s KILL fairlead-executor.service");
      return;
    }
    await this.host.kill();
    await this.host.boot();
  }

  /** Stops nowhere any more, and lets go whatever is held: also after a test that failed half way. */
  async disarm(): Promise<void> {
    await this.next(0);
    await this.release();
  }

  /** What has been recorded since `arm`, each in the step that had begun by then. `begun` in ms of the server's clock. */
  async records(steps: { name: string; begun: number }[]): Promise<JournalRecord[]> {
    const times = (await this.host.sh(`cat ${dir}/records`)).trim().split("\n").map(Number);
    const inOrder = [...steps].sort((a, b) => a.begun - b.begun);
    return times.map((time, index) => ({
      number: index + 1, step: inOrder.filter((one) => one.begun <= time).at(-1)?.name ?? "accepted",
    }));
  }
}

/**
 * Where to kill. FAIRLEAD_KILL=all: at every record (from number FAIRLEAD_KILL_FROM on), for each victim. Otherwise each step of the operation gets one victim,
 * at one of its records; FAIRLEAD_KILL_POINTS is how many for all victims together, where that shall be more or fewer.
 * Which ones is drawn from FAIRLEAD_KILL_SEED (the commit that is tested): in time every record has its turn.
 */
export class KillPoints {
  readonly all = process.env.FAIRLEAD_KILL === "all";
  private constructor(
    private readonly draw: Draw, private readonly records: JournalRecord[], private readonly victims: readonly string[], private readonly more: number,
  ) {}

  /** `more`: how many records more than these there may be. */
  static async of(records: JournalRecord[], victims: readonly string[], more = 20): Promise<KillPoints> {
    return new KillPoints(await seeded(), records, victims, more);
  }

  /** For one victim, in order. */
  for(victim: string): JournalRecord[] {
    const chosen = this.all ? this.every() : this.drawn().filter((_, index) => this.victims[index % this.victims.length] === victim);
    chosen.sort((a, b) => a.number - b.number);
    console.log(`# ${victim}, ${chosen.length} of ${this.records.length} records: ${chosen.map((one) => `${one.number} ${one.step}`).join(", ")}`);
    return chosen;
  }

  /** Some more than were counted: an operation has a few more or fewer, as its log comes. The test ends at one that is not reached. */
  private every(): JournalRecord[] {
    const last = this.records.at(-1)!;
    const more = Array.from({ length: this.more }, (_, index) => ({ number: last.number + 1 + index, step: last.step }));
    return [...this.records, ...more].filter((one) => one.number >= Number(process.env.FAIRLEAD_KILL_FROM ?? 1));
  }

  /** One of each step in the operation's order, begun anywhere; then again from those that are left. */
  private drawn(): JournalRecord[] {
    const left = new Map<string, JournalRecord[]>();
    for (const one of this.records) left.set(one.step, [...(left.get(one.step) ?? []), one]);
    const names = [...left.keys()];
    const first = this.draw("first", names.length);
    const points = Math.min(Number(process.env.FAIRLEAD_KILL_POINTS ?? names.length), this.records.length);
    const chosen: JournalRecord[] = [];
    for (let turn = 0; chosen.length < points; turn++) {
      const candidates = left.get(names[(first + turn) % names.length]!)!;
      if (candidates.length > 0) chosen.push(...candidates.splice(this.draw(`turn ${turn}`, candidates.length), 1));
    }
    return chosen;
  }
}
