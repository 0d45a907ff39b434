// Child processes: bounded output, a deadline, never a shell.
import { type ChildProcess, spawn } from "node:child_process";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  timeoutMs?: number;
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Also when the exit status is not 0. */
  check?: boolean;
}

const outputLimit = 4 << 20;

/** Runs a command to its end. Throws when it fails (unless `check` is false) with all that it said. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Ran> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (stdout.length < outputLimit) stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < outputLimit) stderr += text;
  });
  child.stdin.on("error", () => undefined); // it may end without reading
  child.stdin.end(options.input ?? "");
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const code = await ended(child);
  clearTimeout(timer);
  const what = `${command} ${args.join(" ")}`.slice(0, 300);
  if (late) throw new Error(`${what}: not done after ${timeoutMs} ms\n${stdout}\n${stderr}`);
  if (code !== 0 && options.check !== false) throw new Error(`${what}: exit status ${code}\n${stdout}\n${stderr}`);
  return { code, stdout, stderr };
}

/** The exit status; 128 and the signal's number where a signal ended it, as shells count. */
export function ended(child: ChildProcess): Promise<number> {
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => done(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
}
