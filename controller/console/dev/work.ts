// Pretends to be an agent: moves operations along so that the console has something to show.
import type { Check, Environment, LogLine, Operation } from "../src/api/types";
import { ago, blankOperation, deploySteps, id, me, now, publish, publishOp, release, server, state } from "./state";

const pace = Number(process.env.STANDIN_PACE ?? 1);
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms * pace));

function log(op: Operation, step: string | null, text: string, level: LogLine["level"] = "info") {
  const lines = state.logs.get(op.id) ?? [];
  state.logs.set(op.id, lines);
  const line: LogLine = { seq: lines.length + 1, time: now(), level, step, text };
  lines.push(line);
  publishOp(op, "log", line);
}

function changed(op: Operation) {
  publish("operation.updated", op);
  publishOp(op, "operation", op);
  const env = state.environments.find((e) => e.id === op.target.id);
  if (env) {
    env.last_operation = { id: op.id, kind: op.kind, state: op.state, created_at: op.created_at, finished_at: op.finished_at };
    publish("environment.updated", env);
  }
}

export function begin(op: Operation, run: () => Promise<void>) {
  state.operations.unshift(op);
  changed(op);
  const target = state.servers.find((s) => s.id === op.server_id);
  void (async () => {
    await sleep(300);
    if (target?.status !== "online") return;
    op.state = "delivered";
    op.delivered_at = now();
    changed(op);
    await sleep(300);
    op.state = "running";
    op.started_at = now();
    changed(op);
    try {
      await run();
      if (op.state === "running") op.state = "succeeded";
    } catch (error) {
      op.state = op.cancel_requested ? "cancelled" : "failed";
      if (!op.cancel_requested) op.error ??= { code: "failed", message: String((error as Error).message), step: op.steps.find((s) => s.state === "failed")?.name ?? null };
    }
    op.finished_at = now();
    changed(op);
  })();
}

export async function step(op: Operation, name: string, texts: string[], each = 420, shown = false) {
  const one = op.steps.find((s) => s.name === name)!;
  if (op.cancel_requested) throw new Error("cancelled");
  one.state = "running";
  one.started_at = now();
  const tell = () => {
    publish("operation.step", { operation_id: op.id, step: one });
    publishOp(op, "step", one);
  };
  tell();
  for (const [i, text] of texts.entries()) {
    await sleep(each);
    if (shown) one.detail = text;
    else log(op, name, text, text.startsWith("WARN") ? "warning" : "info");
    one.percent = Math.round(((i + 1) / texts.length) * 100);
    tell();
  }
  one.state = "done";
  one.finished_at = now();
  tell();
}

const checks = (env: Environment): Check[] => [
  { id: "privileges", title: "Agent and privileges", result: "passed", value: "link and executor answer", need: null, remedy: null },
  { id: "disk", title: "Disk", result: "passed", value: "91.2 GiB free on /var/lib/fairlead", need: "3.0 GiB", remedy: null },
  { id: "memory", title: "Memory", result: "warning", value: "1.1 GiB free", need: "2 GiB", remedy: "Odoo with 2 workers wants 2 GiB. Lower the number of workers, or give the server more memory." },
  { id: "ports", title: "Ports", result: "passed", value: `${env.port} is free`, need: null, remedy: null },
  { id: "postgresql", title: "PostgreSQL", result: "passed", value: "15.8, socket answers", need: "12 or newer", remedy: null },
  { id: "git", title: "Repositories", result: env.branch === "feature/pos" ? "failed" : "passed", value: env.branch === "feature/pos" ? "acme has no branch feature/pos" : "3 repositories reached, branches exist", need: null, remedy: "Push the branch, or change the environment's branch in its settings." },
  { id: "python", title: "Python packages", result: "passed", value: "34 requirements resolve", need: null, remedy: null },
  { id: "integrity", title: "Previous release", result: "passed", value: env.current_release ? "8,412 files as built" : "none yet", need: null, remedy: null },
];

export function preflight(env: Environment) {
  const op = blankOperation(env, "environment.preflight", [["preflight", "Check"]]);
  begin(op, async () => {
    await step(op, "preflight", ["disk: 91.2 GiB free", "postgresql: 15.8", "git: reading branches", "python: resolving"]);
    op.result = { checks: checks(env) };
    if (op.result.checks!.some((c) => c.result === "failed")) {
      op.state = "failed";
      op.error = { code: "preflight_failed", message: "1 of 8 checks failed: acme has no branch feature/pos", step: "preflight" };
    }
  });
  return op;
}

export function deploy(env: Environment) {
  const op = blankOperation(env, "environment.deploy", deploySteps);
  const number = (env.current_release?.number ?? 0) + 1;
  env.status = "deploying";
  begin(op, async () => {
    const one = release(env, number, { state: "building", operation_id: op.id, has_database_snapshot: false }, "[IMP] sale: quotation template");
    try {
      await step(op, "preflight", ["disk: 91.2 GiB free, 3.0 GiB needed", "postgresql: 15.8", "git: 3 branches exist"]);
      state.releases.unshift(one);
      publish("release.updated", one);
      await step(op, "prepare", ["user and role are there"], 200);
      await step(op, "fetch", ["odoo 19.0: receiving objects, 12.4 MiB", "oca-web 19.0: up to date", "acme main: 3 new commits"]);
      await step(op, "build", ["worktree for odoo reused", "venv: 34 packages, 2 new", "WARN phonenumbers: wheel built from source", "manifest: 8,412 files hashed"]);
      await step(op, "configure", ["odoo.conf and 2 variables"], 200);
      await step(op, "snapshot", ["database: template copy, 412 MiB", "filestore: 6,120 files linked"]);
      const texts = Array.from({ length: 14 }, (_, i) => `odoo.modules.loading: loading module acme_${["sale", "stock", "reports", "pos"][i % 4]} (${i + 1}/14)`);
      await step(op, "migrate", texts, 260);
      await step(op, "switch", [`current → releases/${number}`, "unit restarted"]);
      await step(op, "health", ["GET /web/health 200 after 2.1 s", "process up for 10 s"], 900);
      await step(op, "keep", ["release kept; release 8 removed"]);
      const before = env.current_release;
      if (before) Object.assign(before, { state: "kept", has_database_snapshot: true });
      const held = state.releases.find((r) => r.id === before?.id);
      if (held) {
        Object.assign(held, { state: "kept", has_database_snapshot: true });
        publish("release.updated", held);
      }
      one.state = "live";
      env.current_release = one;
      env.status = "running";
      env.pending_changes = [];
      publish("release.updated", one);
    } catch (error) {
      env.status = env.current_release ? "running" : "new";
      one.state = "failed";
      publish("release.updated", one);
      op.steps.filter((s) => s.state === "done" || s.state === "running").forEach((s) => (s.state = "undone"));
      op.outcome = `undone; release ${number - 1} is live`;
      throw error;
    }
  });
  return op;
}

export function rollback(env: Environment, releaseId: string) {
  const op = blankOperation(env, "environment.rollback", [["switch", "Switch"], ["health", "Health"]]);
  env.status = "deploying";
  begin(op, async () => {
    await step(op, "switch", ["stopping", "current link moved", "unit started"]);
    await step(op, "health", ["GET /web/health 200 after 1.8 s"]);
    for (const one of state.releases.filter((r) => r.environment_id === env.id)) {
      if (one.state === "live") one.state = "kept";
      if (one.id === releaseId) {
        one.state = "live";
        env.current_release = one;
      }
      publish("release.updated", one);
    }
    env.status = "running";
  });
  return op;
}

export function simple(env: Environment, act: "start" | "stop" | "restart") {
  const op = blankOperation(env, `environment.${act}`, act === "stop" ? [["stop", "Stop"]] : [[act, act === "start" ? "Start" : "Restart"], ["health", "Health"]]);
  begin(op, async () => {
    await step(op, act, [`systemctl ${act} fairlead-odoo@${env.slug}`]);
    if (act !== "stop") await step(op, "health", ["GET /web/health 200 after 1.9 s"]);
    env.status = act === "stop" ? "stopped" : "running";
  });
  return op;
}

export function deleteMail(env: Environment) {
  const op = blankOperation(env, "mail.delete", [["delete", "Delete captured mail"]]);
  begin(op, () => step(op, "delete", ["1 of 1 messages are deleted."]));
  return op;
}

export function remove(env: Environment) {
  const op = blankOperation(env, "environment.delete", [["stop", "Stop"], ["remove", "Remove"]]);
  env.status = "deleting";
  begin(op, async () => {
    await step(op, "stop", ["unit stopped"]);
    await step(op, "remove", ["releases removed", "user removed"]);
    state.environments = state.environments.filter((e) => e.id !== env.id);
    publish("environment.deleted", { id: env.id });
  });
  return op;
}

export function ping(target: import("../src/api/types").Server) {
  const op = blankOperation(target, "agent.ping", [["ping", "Ping"]]);
  begin(op, async () => step(op, "ping", ["the executor answers"], 120));
  return op;
}

/** A server that enrols by itself some seconds after its token was made. */
export function enrolSoon(token: (typeof state.tokens)[number]) {
  setTimeout(() => {
    const one = server(`web-${state.servers.length + 1}`, token.labels, { status: "unknown", registration_token_id: token.id, enrolled_at: now(), last_seen_at: null });
    state.servers.push(one);
    token.uses++;
    token.status = token.uses >= token.max_uses ? "used_up" : "active";
    publish("server.updated", one);
    setTimeout(() => {
      one.status = "online";
      one.last_seen_at = now();
      publish("server.updated", one);
    }, 2500 * pace);
  }, Number(process.env.STANDIN_ENROL_MS ?? 6000) * pace);
}

export function heartbeat() {
  for (const one of state.servers) {
    if (one.status !== "online") continue;
    one.last_seen_at = now();
    const used = one.facts.cpu!.used_percent! + (Math.random() - 0.5) * 8;
    one.facts.cpu!.used_percent = Math.max(2, Math.min(96, used));
    publish("server.updated", one);
  }
}

export { ago, id, me };
