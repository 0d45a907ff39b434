// The stand-in's roll-outs of the agent: one that stopped, and those that are begun here, which do not get far.
import type { AgentRollout, AgentRolloutServer } from "../src/api/types";
import { ago, id, me, now, publish, state } from "./state";

const offered = { version: "0.2.0", package: "fairlead-agent_0.2.0_amd64.deb", sha256: "b".repeat(64) };

interface Kept {
  rollout: AgentRollout;
  servers: AgentRolloutServer[];
}
const rollouts: Kept[] = [];

function kept(minutes: number, labels: Record<string, string>[], part: Partial<AgentRollout> = {}): Kept {
  const servers = state.servers
    .filter((one) => one.status !== "revoked")
    .map((one): AgentRolloutServer => {
      const found = labels.findIndex((wanted) => Object.entries(wanted).every(([name, value]) => one.labels[name] === value));
      return {
        server_id: one.id, server_name: one.name, stage: found < 0 ? labels.length : found, state: "waiting", from_version: one.agent.version, operation_id: null, problem: null, not_before: null, updated_at: now(),
      };
    })
    .sort((a, b) => a.stage - b.stage || a.server_name.localeCompare(b.server_name));
  return {
    servers,
    rollout: {
      id: id("aro"), version: offered.version, state: "running", reason: null, stage: 0, stages: [...labels, null].map((one) => ({ labels: one, servers: { waiting: 0, updating: 0, healthy: 0, refused: 0, skipped: 0, failed: 0 } })),
      soak_s: 600, healthy_since: null, created_at: ago(minutes), created_by: { id: me.id, email: me.email }, finished_at: null, ...part,
    },
  };
}

/** With the numbers as they are. */
function shown({ rollout, servers }: Kept): AgentRollout {
  rollout.stages.forEach((stage, at) => {
    for (const word of Object.keys(stage.servers) as AgentRolloutServer["state"][]) stage.servers[word] = servers.filter((one) => one.stage === at && one.state === word).length;
  });
  return rollout;
}

export function fillUpdates() {
  const failed = kept(3000, [], { state: "stopped", version: "0.1.9", finished_at: ago(2990) });
  const first = failed.servers[0];
  if (first) {
    Object.assign(first, { state: "failed", problem: "The agent 0.1.9 did not reach the controller within 60 s (its link says nothing of itself), so 0.1.0 was put back." });
    failed.rollout.reason = `${first.server_name}: ${first.problem}`;
  }
  rollouts.push(failed);
}

/** Undefined: none of these. */
export function answerUpdates(method: string, [kind, which, act]: string[], body: { stages?: { labels: Record<string, string> }[]; soak_s?: number }): [number, unknown] | undefined {
  if (kind === "agent-package") return [200, offered];
  if (kind !== "agent-rollouts") return undefined;
  if (!which && method === "GET") return [200, { data: rollouts.map(shown), next_cursor: null }];
  if (!which) {
    const made = kept(0, (body.stages ?? []).map((one) => one.labels), { soak_s: body.soak_s ?? 0 });
    rollouts.unshift(made);
    return [201, shown(made)];
  }
  const one = rollouts.find(({ rollout }) => rollout.id === which);
  if (!one) return undefined;
  const states = { pause: "paused", resume: "running", cancel: "cancelled" } as const;
  if (act && act in states) {
    one.rollout.state = states[act as keyof typeof states];
    if (act === "cancel") one.rollout.finished_at = now();
    publish("agent_rollout.updated", shown(one));
    return [200, shown(one)];
  }
  return [200, { ...shown(one), servers: one.servers }];
}
