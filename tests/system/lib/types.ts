// The parts of the contract (proto/openapi.yaml) that these tests look at.

export type OperationState =
  | "queued" | "delivered" | "running" | "succeeded" | "failed" | "cancelled" | "expired" | "unknown";

export const finalStates: readonly OperationState[] = ["succeeded", "failed", "cancelled", "expired"];

export interface Step {
  name: string;
  title: string;
  state: "pending" | "running" | "done" | "failed" | "undone" | "skipped";
  percent: number | null;
  /** The server's clock. */
  started_at: string | null;
  detail: string | null;
}

export interface Check {
  id: string;
  title: string;
  result: "passed" | "warning" | "failed";
  value: string | null;
  need: string | null;
  remedy: string | null;
}

export interface Operation {
  id: string;
  kind: string;
  state: OperationState;
  steps: Step[];
  result: { checks?: Check[]; release_id?: string; downtime_ms?: number; sealed?: string } | null;
  error: { code: string; message: string; step: string | null } | null;
  outcome: string | null;
  cancel_requested: boolean;
}

export interface LogLine {
  seq: number;
  level: string;
  step: string | null;
  text: string;
}

export interface Server {
  id: string;
  name: string;
  status: "online" | "offline" | "unknown" | "revoked";
  facts: Record<string, unknown>;
  terminal_users: string[];
  agent: { version: string | null; capability: number | null };
  certificate: { serial: string; not_after: string; recoveries_left: number };
}

export interface Release {
  id: string;
  number: number;
  state: "building" | "live" | "kept" | "removed" | "failed";
  commits: { repository: string; commit: string; branch: string }[];
  has_database_snapshot: boolean;
  manifest_sha256: string | null;
}

export interface Environment {
  id: string;
  server_id: string;
  project_id: string;
  slug: string;
  name: string;
  port: number;
  url: string | null;
  status: "new" | "deploying" | "running" | "stopped" | "failed" | "unknown" | "deleting";
  status_detail: string | null;
  current_release: Release | null;
  pending_changes: { field: string; summary: string }[];
  connector: { state: "none" | "connected" | "disconnected" | "unknown"; token: { tunnel_id: string } | null };
}

export interface List<T> {
  data: T[];
  next_cursor: string | null;
}

export interface Session {
  user: { id: string; email: string; name: string };
  orgs: { id: string; name: string; plan: string; owner: boolean; permissions: string[] }[];
  controller: { name: string; version: string; fingerprint: string | null; self_signed: boolean };
}
