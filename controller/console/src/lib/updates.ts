/** What is said about versions of the agent and their roll-outs. */

import type { AgentPackage, AgentRollout, AgentRolloutServer, Server } from "../api/types";
import { count } from "./format";

/** The agent that can first update itself. */
export const updatesSince = 12;

export function canUpdate({ status, agent }: Pick<Server, "status" | "agent">, offered: Pick<AgentPackage, "version"> | undefined): boolean {
  return status === "online" && (agent.capability ?? 0) >= updatesSince && offered !== undefined && agent.version !== offered.version;
}

/** How many servers have which version, most first; those that are revoked do not count. */
export function versions(servers: Pick<Server, "status" | "agent">[]): [version: string, servers: number][] {
  const found = new Map<string, number>();
  for (const { status, agent } of servers) if (status !== "revoked") found.set(agent.version ?? "unknown", (found.get(agent.version ?? "unknown") ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

export function isOver({ state }: Pick<AgentRollout, "state">): boolean {
  return state !== "running" && state !== "paused";
}

/** What people call a stage: its labels, or that it is the rest. */
export function stageName(stage: Pick<AgentRollout["stages"][number], "labels">): string {
  if (!stage.labels) return "All others";
  return Object.entries(stage.labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

/** "2 of 3 are healthy, 1 waits". */
export function stageWords({ servers }: Pick<AgentRollout["stages"][number], "servers">): string {
  const all = servers.waiting + servers.updating + servers.healthy + servers.refused + servers.skipped + servers.failed;
  if (!all) return "no server";
  const words = [`${servers.healthy} of ${all} ${all === 1 ? "is" : "are"} new`];
  if (servers.updating) words.push(`${servers.updating} at it`);
  if (servers.waiting) words.push(`${servers.waiting} to come`);
  if (servers.failed) words.push(`${servers.failed} failed`);
  if (servers.refused) words.push(`${servers.refused} refused`);
  if (servers.skipped) words.push(`${servers.skipped} left out`);
  return words.join(", ");
}

/** How many servers are of each stage, the rest last: of the first whose labels one has. */
export function stageSizes(servers: Pick<Server, "status" | "labels">[], stages: { labels: Record<string, string> }[]): number[] {
  const sizes = Array.from({ length: stages.length + 1 }, () => 0);
  for (const { status, labels } of servers) {
    if (status === "revoked") continue;
    const at = stages.findIndex((stage) => Object.entries(stage.labels).every(([name, value]) => labels[name] === value));
    sizes[at < 0 ? stages.length : at]!++;
  }
  return sizes;
}

export function soakWords(seconds: number): string {
  if (seconds === 0) return "The next stage begins at once.";
  const text = seconds % 3600 === 0 ? count(seconds / 3600, "hour") : count(Math.round(seconds / 60), "minute");
  return `A stage has to stay connected for ${text} before the next one begins.`;
}

type Tone = "good" | "busy" | "idle" | "warn" | "bad" | "dim";

export const rolloutStates: Record<AgentRollout["state"], [Tone, string]> = {
  running: ["busy", "Running"],
  paused: ["warn", "Paused"],
  stopped: ["bad", "Stopped"],
  succeeded: ["good", "Succeeded"],
  cancelled: ["dim", "Cancelled"],
};

export const memberStates: Record<AgentRolloutServer["state"], [Tone, string]> = {
  waiting: ["idle", "To come"],
  updating: ["busy", "Updating"],
  healthy: ["good", "New"],
  refused: ["warn", "Refused"],
  skipped: ["dim", "Left out"],
  failed: ["bad", "Failed"],
};
