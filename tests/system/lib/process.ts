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

/** Characters of each stream. Nothing is cut off silently: a command that says more is ended, and fails. */
const outputLimit = 64 << 20;
const shown = 100_000;

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
  let fault = "";
  const end = (why: string): void => {
    fault ||= why;
    child.kill("SIGKILL");
    // What it started may still hold these.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const bounded = (text: string): void => {
    if (text.length > outputLimit) end(`said more than ${outputLimit} characters`);
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => bounded((stdout += text)));
  child.stderr.setEncoding("utf8").on("data", (text: string) => bounded((stderr += text)));
  child.stdin.on("error", () => undefined); // it may end without reading
  child.stdin.end(options.input ?? "");
  const timer = setTimeout(() => end(`not done after ${timeoutMs} ms`), timeoutMs);
  const code = await ended(child);
  clearTimeout(timer);
  const what = `${command} ${args.join(" ")}`.slice(0, 300);
  if (code !== 0 && options.check !== false) fault ||= `exit status ${code}`;
  if (fault) throw new Error(`${what}: ${fault}\n${stdout.slice(-shown)}\n${stderr.slice(-shown)}`);
  return { code, stdout, stderr };
}

/** The exit status; 128 and the signal's number where a signal ended it, as shells count. */
export function ended(child: ChildProcess): Promise<number> {
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code, signal) => done(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
}
