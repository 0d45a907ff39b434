// Made-up measurements and alerts.
import type { Alert, AlertRule, Measurements } from "../src/api/types";
import { kindOrder, kinds } from "../src/lib/alerts";

type Wave = (x: number) => number;
const wave = (middle: number, swing: number, speed: number): Wave => (x) => Math.max(0, middle + swing * Math.sin(x * speed) + swing * 0.3 * Math.sin(x * speed * 5.3));

const ofServer: Record<string, Wave> = {
  cpu_percent: wave(26, 14, 1),
  memory_used_bytes: wave(3.6e9, 4e8, 0.5),
  swap_used_bytes: wave(5e7, 1e6, 0.1),
  disk_free_bytes: wave(5.8e10, 3e9, 0.03),
  load1: wave(0.8, 0.4, 1),
  network_in_bytes_per_s: wave(40_000, 30_000, 1.3),
  network_out_bytes_per_s: wave(160_000, 120_000, 1.3),
  pg_connections: wave(14, 6, 0.7),
  pg_active: wave(1.5, 1.5, 2),
  pg_slow: wave(0.1, 0.4, 0.9),
  pg_waiting: wave(0, 0.3, 0.8),
  pg_idle_in_transaction: wave(0, 0.2, 0.4),
  pg_longest_s: wave(0.8, 2, 1.7),
  pg_transactions_per_s: wave(240, 150, 1),
  pg_bytes: wave(1.2e10, 1e8, 0.02),
};
const ofEnvironment: Record<string, Wave> = {
  up: () => 1,
  memory_bytes: wave(7e8, 8e7, 0.6),
  cpu_percent: wave(18, 12, 1),
  processes: () => 6,
  requests_per_s: wave(4, 3, 1),
  failures_per_s: wave(0, 0.01, 0.7),
  request_ms: wave(120, 50, 1.1),
  requests_under_way: wave(0.5, 0.4, 1),
  connections: wave(6, 3, 0.7),
  slow: wave(0.1, 0.3, 0.9),
  waiting: () => 0,
  database_bytes: wave(3.1e9, 2e7, 0.02),
  cron_late: wave(0, 0.5, 0.2),
  cron_late_s: wave(0, 200, 0.2),
};

/** With a gap in it, and none since a server went away. */
export function answerMetrics(subject: string, query: URLSearchParams, until: number): [number, Measurements] {
  const resolution = query.get("resolution") === "10m" ? "10m" : "30s";
  const from = Date.parse(query.get("from") ?? new Date(Date.now() - 3_600_000).toISOString());
  const step = resolution === "10m" ? 600_000 : 30_000;
  const times: number[] = [];
  for (let at = Math.ceil(from / step) * step; at < Date.now() && at < until; at += step)
    if (Math.abs(at - (from + (Date.now() - from) * 0.6)) >= step * 6) times.push(at / 1000);
  const waves = subject.startsWith("srv_") ? ofServer : ofEnvironment;
  const series = Object.fromEntries(Object.entries(waves).map(([name, value]) => [name, times.map((time) => Math.round(value(time / 600) * 1000) / 1000)]));
  return [200, { resolution, from: new Date(from).toISOString(), to: new Date().toISOString(), times, series }];
}

const rules: AlertRule[] = [];
const alerts: Alert[] = [];
let made = 0;
const idOf = (prefix: string) => `${prefix}_01JD8Q4M3N7V5X2K9B6T${String(++made).padStart(6, "0")}`;

function add(kind: AlertRule["kind"], body: Partial<AlertRule> = {}): AlertRule {
  const { name, threshold, clear, for_s, clear_for_s } = kinds[kind];
  const rule: AlertRule = {
    id: idOf("alr"), kind, name, enabled: true, target_id: null, threshold, clear, for_s, clear_for_s, mail: { owners: true, members: [] },
    created_at: new Date().toISOString(), created_by: { id: "usr_01JD8Q4M3N7V5X2K9B6T0W1YHZ", email: "ada@acme.example" }, ...body,
  };
  rules.push(rule);
  return rule;
}

/** Alerts of a server that is nearly full, once there are rules. */
export function answerAlerts(method: string, path: string[], body: Partial<AlertRule>, query: URLSearchParams, server: { id: string; name: string }): [number, unknown] | null {
  const [kind, one] = path;
  const whole = (data: unknown[]) => ({ data, next_cursor: null });
  if (kind === "alerts") return [200, whole(alerts.filter(({ state }) => (state === "firing") === (query.get("state") !== "past")))];
  if (kind !== "alert-rules") return null;
  if (method === "GET") return [200, whole(rules)];
  if (method === "POST" && one === "recommended") {
    for (const each of kindOrder) if (!rules.some((rule) => rule.kind === each)) add(each);
    const disk = rules.find((rule) => rule.kind === "disk")!;
    if (!alerts.length)
      for (const state of ["firing", "cleared"] as const)
        alerts.push({ id: idOf("alt"), rule_id: disk.id, rule_name: disk.name, kind: "disk", subject: { type: "server", ...server }, state, value: 93.4, threshold: 90, fired_at: new Date(Date.now() - 5_400_000).toISOString(), ended_at: state === "cleared" ? new Date().toISOString() : null });
    return [200, whole(rules)];
  }
  if (method === "POST") return [201, add(body.kind!, body)];
  const at = rules.findIndex((rule) => rule.id === one);
  if (at < 0) return [404, { code: "not_found", title: "There is no such alert rule.", status: 404 }];
  if (method === "DELETE") rules.splice(at, 1);
  else rules[at] = { ...rules[at]!, ...body };
  return method === "DELETE" ? [204, null] : [200, rules[at]];
}
