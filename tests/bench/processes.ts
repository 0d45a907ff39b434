// What a process costs, from /proc, and processes of ours that end with us.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

/** Of a process and the threads in it, so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Of all processes there are now whose program's name matches; the kernel knows 15 characters of it. */
export function cpuOf(programs: RegExp): number {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).reduce((sum, pid) => {
    try {
      return programs.test(readFileSync(`/proc/${pid}/comm`, "utf8").trim()) ? sum + cpuSeconds(Number(pid)) : sum;
    } catch {
      return sum; // gone meanwhile
    }
  }, 0);
}

export function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

const started = new Set<ChildProcess>();
process.on("exit", () => started.forEach((child) => child.kill("SIGKILL")));

/** A program in the background, its output in a file; killed at the latest when we end. */
export class Service {
  private constructor(private readonly child: ChildProcess, readonly log: string) {}

  static start(program: string, args: string[], log: string): Service {
    const out = openSync(log, "a");
    const child = spawn(program, args, { stdio: ["ignore", out, out] });
    closeSync(out);
    started.add(child);
    child.once("close", () => started.delete(child));
    return new Service(child, log);
  }

  get pid(): number {
    if (!this.child.pid) throw new Error(`${this.child.spawnfile} did not start`);
    return this.child.pid;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((done) => this.child.once("close", done));
    this.child.kill(signal);
    await gone;
  }
}
