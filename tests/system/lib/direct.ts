// A server's executor without link and controller: operations asked on its local socket, as the link asks them. The
// shortest way to show what a deployment does to a server, and what a crash leaves.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { built, root } from "./paths.ts";
import type { Check } from "./types.ts";

const ask = "/usr/local/lib/fairlead-ask.py";

export interface Source {
  name: string;
  url: string;
  branch: string;
}

export interface Finished {
  outcome: "succeeded" | "failed" | "cancelled" | "expired";
  error: { code: string; message: string; step: string } | null;
  note: string;
  result: {
    preflight?: { checks: Check[] } | null;
    release?: { number: number } | null;
    downtime_ms?: number | null;
  };
}

export interface Told {
  finished: Finished;
  /** The last state of each step, by name. */
  steps: Record<string, string>;
  /** When each step began, in ms of the server's clock. */
  begun: { name: string; begun: number }[];
  log: string;
}

interface Message {
  type: string;
  reports?: {
    operation: string;
    kind: string;
    at_ms: number;
    step?: { name: string; state: string; percent: number };
    lines?: { level: string; step: string; text: string }[];
    finished?: Finished;
  }[];
}

export class Executor {
  #fence = 0;
  constructor(readonly host: Host) {}

  /** Puts the agent of the build and its package's files on a host, not enrolled. */
  static async on(host: Host): Promise<Executor> {
    const files = join(root, "packaging/agent");
    await host.copy(built("agent/fairlead-agent"), "/usr/bin/fairlead-agent");
    await host.copy(files, "/srv/agent");
    await host.copy(join(root, "tests/system/direct/ask.py"), ask);
    await host.sh(`
      chmod 755 /usr/bin/fairlead-agent
      install -D -m 644 /srv/agent/fairlead-*.service /srv/agent/fairlead-*.socket -t /usr/lib/systemd/system
      install -D -m 644 /srv/agent/sysusers.conf /usr/lib/sysusers.d/fairlead-agent.conf
      install -D -m 644 /srv/agent/tmpfiles.conf /usr/lib/tmpfiles.d/fairlead-agent.conf
      install -D -m 644 /srv/agent/policy.yaml /srv/agent/agent.yaml -t /etc/fairlead
      sh /srv/agent/setup
      systemctl enable -q --now fairlead-executor.socket`);
    return new Executor(host);
  }

  /** Asks for an operation; its id. `as` sends one that was sent before, or with the fence of another. */
  async begin(kind: string, args: unknown, as: { id?: string; fence?: number } = {}): Promise<{ id: string; fence: number; told: Promise<Told> }> {
    const id = as.id ?? newId("op");
    const fence = as.fence ?? (this.#fence += 1);
    const message = JSON.stringify({ type: "deliver", operation: { id, kind, fence, deadline_ms: 0, requested_by: "tests", args, secrets: {} } });
    const told = this.#speak([message], id);
    // Who gives up on it (the power is cut) need not catch it.
    told.catch(() => undefined);
    return { id, fence, told };
  }

  async run(kind: string, args: unknown): Promise<Told> {
    return (await this.begin(kind, args)).told;
  }

  /** After a crash: how the operation ended. */
  async follow(id: string): Promise<Told> {
    return this.#speak(["--follow", id], id);
  }

  async #speak(args: string[], id: string): Promise<Told> {
    const said = await this.host.exec(
      ["setpriv", "--reuid", "fairlead", "--regid", "fairlead", "--clear-groups", "python3", ask, ...args], { timeoutMs: 600_000 },
    );
    const told: Told = { finished: undefined as unknown as Finished, steps: {}, begun: [], log: "" };
    for (const line of said.stdout.trim().split("\n")) {
      for (const report of (JSON.parse(line) as Message).reports ?? []) {
        if (report.operation !== id) continue;
        if (report.step?.state === "running" && report.step.percent === 0) told.begun.push({ name: report.step.name, begun: report.at_ms });
        if (report.step) told.steps[report.step.name] = report.step.state;
        for (const one of report.lines ?? []) told.log += `${one.level} ${one.step}: ${one.text}\n`;
        if (report.finished) told.finished = report.finished;
      }
    }
    return told;
  }
}

/** A prefix and a ULID. */
export function newId(prefix: string): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  return `${prefix}_01${Array.from(randomBytes(24), (byte) => alphabet[byte % 32]).join("")}`;
}
