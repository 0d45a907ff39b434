import { Badge } from "@mantine/core";
import type { Backup, Check, Environment, EnvironmentType, Operation, OperationKind, OperationState, Release, Server, Storage } from "../api/types";
import { count } from "../lib/format";

type Tone = "good" | "busy" | "idle" | "warn" | "bad" | "dim";

/** A lamp and a word. The word carries the meaning; the colour repeats it. */
export function Lamp({ tone, children, pulse }: { tone: Tone; children: string; pulse?: boolean }) {
  return (
    <span className="fl-lamp" data-tone={tone} data-pulse={pulse || undefined}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}

const servers: Record<Server["status"], [Tone, string]> = {
  online: ["good", "Online"],
  offline: ["bad", "Offline"],
  unknown: ["warn", "Unknown"],
  revoked: ["dim", "Revoked"],
};

export function ServerLamp({ status }: { status: Server["status"] }) {
  const [tone, word] = servers[status];
  return <Lamp tone={tone}>{word}</Lamp>;
}

const environments: Record<Environment["status"], [Tone, string, boolean?]> = {
  new: ["idle", "Not deployed"],
  deploying: ["busy", "Deploying", true],
  running: ["good", "Running"],
  stopped: ["idle", "Stopped"],
  failed: ["bad", "Failed"],
  unknown: ["warn", "Unknown"],
  deleting: ["busy", "Deleting", true],
};

export function EnvironmentLamp({ status }: { status: Environment["status"] }) {
  const [tone, word, pulse] = environments[status];
  return (
    <Lamp tone={tone} pulse={pulse}>
      {word}
    </Lamp>
  );
}

const operations: Record<OperationState, [Tone, string, boolean?]> = {
  queued: ["idle", "Queued"],
  delivered: ["busy", "Delivered", true],
  running: ["busy", "Running", true],
  succeeded: ["good", "Succeeded"],
  failed: ["bad", "Failed"],
  cancelled: ["dim", "Cancelled"],
  expired: ["warn", "Expired"],
  unknown: ["warn", "Unknown"],
};

/** State of an operation. A pre-flight that ran to its end has done its work, but what people want to know is what it found. */
export function OperationLamp({ operation: { state, result, kind } }: { operation: Pick<Operation, "state" | "kind"> & { result?: Operation["result"] } }) {
  if (kind === "environment.preflight" && state === "succeeded" && result?.checks) {
    const of = (which: Check["result"]) => result.checks!.filter((check) => check.result === which).length;
    if (of("failed")) return <Lamp tone="bad">{`${count(of("failed"), "check")} failed`}</Lamp>;
    return of("warning") ? <Lamp tone="warn">{count(of("warning"), "warning")}</Lamp> : <Lamp tone="good">Passed</Lamp>;
  }
  const [tone, word, pulse] = operations[state];
  return (
    <Lamp tone={tone} pulse={pulse}>
      {word}
    </Lamp>
  );
}

const kinds: Record<OperationKind, string> = {
  "environment.preflight": "Pre-flight",
  "environment.deploy": "Deploy",
  "environment.rollback": "Roll back",
  "environment.start": "Start",
  "environment.stop": "Stop",
  "environment.restart": "Restart",
  "environment.delete": "Delete",
  "environment.clone": "Clone into",
  "storage.test": "Test a storage",
  "backup.configure": "Set the backup policy",
  "backup.create": "Back up",
  "backup.delete": "Remove a backup",
  "backup.restore": "Restore into",
  "backup.drill": "Drill",
  "import.analyse": "Look at an import",
  "import.run": "Import into",
  "import.discard": "Remove an import",
  "ssh_keys.set": "Set the SSH keys of",
  "mail.configure": "Set how long captured mail stays of",
  "mail.delete": "Delete captured mail of",
  "odoo.users": "List the users of",
  "odoo.login": "Log in to",
  "agent.update": "Update the agent of",
  "backup.recipient": "Ask for the key of",
  "backup.grant": "Grant a backup of",
  "agent.ping": "Ping",
};

/** Who began an operation: a person, a schedule, root on the server, or Fairlead itself. */
export function askedBy({ requested_by, origin }: Pick<Operation, "requested_by" | "origin">): string {
  if (requested_by) return requested_by.email;
  return origin === "schedule" ? "its schedule" : origin === "root" ? "root on the server" : origin === "push" ? "a push" : "Fairlead";
}

export function kindName(kind: OperationKind): string {
  return kinds[kind] ?? kind;
}

const types: Record<EnvironmentType, [string, string]> = {
  production: ["brass", "Production"],
  staging: ["petrol", "Staging"],
  development: ["gray", "Development"],
};

export function TypeBadge({ type }: { type: EnvironmentType }) {
  const [color, word] = types[type];
  return (
    <Badge variant="light" color={color} size="sm" className="fl-type">
      {word}
    </Badge>
  );
}

const releases: Record<Release["state"], [Tone, string, boolean?]> = {
  building: ["busy", "Building", true],
  live: ["good", "Live"],
  kept: ["idle", "Kept"],
  removed: ["dim", "Removed"],
  failed: ["bad", "Failed"],
};

export function ReleaseLamp({ state }: { state: Release["state"] }) {
  const [tone, word, pulse] = releases[state];
  return (
    <Lamp tone={tone} pulse={pulse}>
      {word}
    </Lamp>
  );
}

const backups: Record<Backup["state"], [Tone, string, boolean?]> = {
  running: ["busy", "Running", true],
  succeeded: ["good", "Good"],
  failed: ["bad", "Failed"],
  removed: ["dim", "Removed"],
};

export function BackupLamp({ state }: { state: Backup["state"] }) {
  const [tone, word, pulse] = backups[state];
  return (
    <Lamp tone={tone} pulse={pulse}>
      {word}
    </Lamp>
  );
}

const storages: Record<Storage["state"], [Tone, string]> = {
  untested: ["idle", "Not tested"],
  working: ["good", "Working"],
  failed: ["bad", "Failed"],
};

export function StorageLamp({ state }: { state: Storage["state"] }) {
  const [tone, word] = storages[state];
  return <Lamp tone={tone}>{word}</Lamp>;
}
