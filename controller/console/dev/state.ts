// What the stand-in holds, and the stream of events that changes to it make.
import type {
  AuditEntry,
  Environment,
  FoundEnvironment,
  GitCredential,
  LogLine,
  Operation,
  Project,
  RegistrationToken,
  Release,
  Server,
  Variable,
} from "../src/api/types";

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
let made = 0;
export function id(prefix: string): string {
  let text = "";
  for (let n = ++made * 48271; text.length < 8; n = Math.floor(n / 32)) text = alphabet[n % 32] + text;
  text = `01JD8Q4M3N7V5X2K9B${text}`;
  return `${prefix}_${text}`;
}

export const now = () => new Date().toISOString();
export const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

export const me = { id: id("usr"), email: "ada@acme.example", name: "Ada Fischer" };
export const org = { id: id("org"), name: "Acme Consulting", slug: "acme" };
const by = { id: me.id, email: me.email };

export interface Event {
  id: number;
  name: string;
  data: unknown;
}

export const state = {
  servers: [] as Server[],
  tokens: [] as RegistrationToken[],
  credentials: [] as GitCredential[],
  projects: [] as Project[],
  environments: [] as Environment[],
  /** By server. */
  found: new Map<string, FoundEnvironment[]>(),
  releases: [] as Release[],
  operations: [] as Operation[],
  logs: new Map<string, LogLine[]>(),
  variables: new Map<string, Variable[]>(),
  audit: [] as AuditEntry[],
  events: [] as Event[],
  listeners: new Set<(event: Event) => void>(),
  opListeners: new Map<string, Set<(name: string, data: unknown) => void>>(),
};

export function publish(name: string, data: unknown) {
  const event = { id: state.events.length + 1, name, data: structuredClone(data) };
  state.events.push(event);
  state.listeners.forEach((each) => each(event));
}

export function publishOp(operation: Operation, name: string, data: unknown) {
  state.opListeners.get(operation.id)?.forEach((each) => each(name, data));
}

export function audit(action: string, target: { type: string; id: string; name: string } | null, change: Partial<AuditEntry> = {}) {
  state.audit.unshift({
    id: id("aud"),
    seq: state.audit.length,
    at: now(),
    actor: { type: "user", id: me.id, label: me.email },
    action,
    target,
    result: "ok",
    address: "203.0.113.7",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    request_id: `req-${state.audit.length + 1}`,
    before: null,
    after: null,
    ...change,
  });
}

export const noBackup = (): Environment["backup"] => ({ enabled: false, last_backup_at: null, last_restored_at: null, last_drill_at: null, last_drill_passed: null, next_backup_at: null, next_drill_at: null, recipient: null });

const GiB = 1024 ** 3;

export function server(name: string, labels: Record<string, string>, part: Partial<Server> = {}, size = 8): Server {
  return {
    id: id("srv"),
    name,
    labels,
    status: "online",
    last_seen_at: ago(0.1),
    enrolled_at: ago(60 * 24 * 21),
    revoked_at: null,
    registration_token_id: null,
    agent: { version: "1.0.0", capability: 1 },
    terminal_users: [],
    facts: {
      os: { id: "debian", version: "12", pretty: "Debian GNU/Linux 12 (bookworm)" },
      arch: "x86_64",
      kernel: "6.1.0-26-amd64",
      hostname: name,
      cpu: { model: "AMD EPYC 7443P", cores: size / 2, used_percent: 12 + (name.length % 5) * 9 },
      memory: { total_bytes: size * GiB, used_bytes: size * GiB * 0.46 },
      disk: { total_bytes: size * 20 * GiB, free_bytes: size * 20 * GiB * 0.57, path: "/var/lib/fairlead" },
      load: [0.42, 0.38, 0.31],
      uptime_s: 86400 * 34 + 7200,
      postgresql: { installed: true, version: "15.8", running: true },
      policy: {
        sha256: "4f1c9e0b7d2a5c83e6f1029b8a7d4c3e5f60718293a4b5c6d7e8f90a1b2c3d4e",
        rules: ["allow environment.* on all environments", "allow repositories https://github.com/acme/*", "deny terminal for user root"],
      },
      addresses: ["10.0.4.12", "2001:db8:4::12"],
      measured_at: ago(0.1),
    },
    certificate: { serial: "5b:1f:20:9c", not_after: ago(-60 * 24 * 19), recoveries_left: 3 },
    environments: 0,
    ...part,
  };
}

export function release(environment: Environment, number: number, part: Partial<Release>, subject: string): Release {
  const hex = (seed: number) => Array.from({ length: 40 }, (_, i) => ((seed * 31 + i * i * 7 + i) % 16).toString(16)).join("");
  return {
    id: id("rel"),
    environment_id: environment.id,
    number,
    state: "kept",
    commits: [
      { repository: "odoo", url: "https://github.com/odoo/odoo.git", branch: "19.0", commit: hex(3), subject: "[FIX] account: rounding of cash basis taxes" },
      { repository: "acme", url: "git@github.com:acme/odoo-addons.git", branch: "main", commit: hex(number + 11), subject },
    ],
    python_packages: ["babel 2.14.0", "lxml 5.2.1", "phonenumbers 8.13.40", "psycopg2 2.9.9", "reportlab 4.1.0", "werkzeug 3.0.1"].map((p) => {
      const [name, version] = p.split(" ");
      return { name: name!, version: version! };
    }),
    manifest_sha256: hex(number) + hex(number + 1).slice(0, 24),
    has_database_snapshot: true,
    created_at: now(),
    created_by: by,
    operation_id: null,
    ...part,
  };
}

export function fill() {
  const fra = server("odoo-fra-1", { client: "acme", region: "fra" }, {}, 16);
  const nbg = server("odoo-nbg-2", { client: "birk", region: "nbg" }, {}, 8);
  const old = server("legacy-vm", { client: "birk" }, { status: "offline", last_seen_at: ago(187) }, 4);
  state.servers.push(fra, nbg, old);

  state.credentials.push({ id: id("gcr"), name: "Acme deploy key", host: "github.com", kind: "ssh_key", username: null, fingerprint: "SHA256:4qTzB0eYc1rV", created_at: ago(9000), created_by: by });

  const project = (name: string, version: string, addons: Project["addons"]): Project => ({
    id: id("prj"),
    name,
    slug: name.toLowerCase(),
    odoo_version: version,
    odoo_source: { url: "https://github.com/odoo/odoo.git", branch: version, credential_id: null },
    addons,
    environments: { development: 0, staging: 0, production: 0 },
    created_at: ago(60 * 24 * 20),
  });
  const acme = project("Acme", "19.0", [
    { name: "oca-web", url: "https://github.com/OCA/web.git", branch: "19.0", branch_by_type: {}, credential_id: null, follows_environment: false },
    { name: "acme", url: "git@github.com:acme/odoo-addons.git", branch: "main", branch_by_type: { development: "develop", staging: "develop" }, credential_id: state.credentials[0]!.id, follows_environment: true },
  ]);
  const birk = project("Birk & Söhne", "18.0", []);
  state.projects.push(acme, birk);

  const environment = (p: Project, s: Server, name: string, type: Environment["type"], port: number, part: Partial<Environment> = {}): Environment => {
    p.environments[type]++;
    s.environments++;
    const one: Environment = {
      id: id("env"),
      slug: name.toLowerCase().replace(/[^a-z]+/g, "-"),
      name,
      project_id: p.id,
      server_id: s.id,
      type,
      branch: null,
      port,
      url: `http://127.0.0.1:${port}`,
      domains: [],
      exposure: "port",
      exposure_detail: null,
      connector: { state: "none", token: null },
      domain_states: [],
      modules: ["base", "web", "sale_management"],
      resources: { memory_max_bytes: 2 * GiB, cpu_percent: 200, tasks_max: 512, workers: 2 },
      requirements: [],
      system_site_packages: true,
      keep_releases: 5,
      status: "running",
      status_detail: null,
      current_release: null,
      pending_changes: [],
      last_operation: null,
      backup: noBackup(),
      created_at: ago(60 * 24 * 18),
      ...part,
    };
    state.environments.push(one);
    return one;
  };
  const live = environment(acme, fra, "Acme production", "production", 8069, {
    pending_changes: [
      { field: "resources.memory_max_bytes", summary: "memory limit 2 GiB → 3 GiB" },
      { field: "variables.SMTP_HOST", summary: "variable SMTP_HOST is new" },
    ],
  });
  const stage = environment(acme, fra, "Acme staging", "staging", 8070);
  environment(acme, nbg, "Acme feature/pos", "development", 8071, { status: "new", branch: "feature/pos" });
  const birkLive = environment(birk, nbg, "Birk production", "production", 8069);
  environment(birk, old, "Birk archive", "staging", 8069, {
    status: "unknown",
    status_detail: "legacy-vm is not connected, so its state cannot be known. It was running when last seen.",
  });

  const found = (slug: string, port: number, part: Partial<FoundEnvironment>): FoundEnvironment => ({
    id: id("env"), slug, port, state: "running", releases: 3, name: null, type: null, odoo_version: null, exposure: null, project: null, adoptable: true, ...part,
  });
  state.found.set(nbg.id, [
    found("birk-shop", 8075, { name: "Birk shop", type: "production", odoo_version: "18.0", project: { id: birk.id, name: birk.name, known: true } }),
    found("quay-staging", 8076, { name: "Quay staging", type: "staging", odoo_version: "17.0", state: "stopped", project: { id: id("prj"), name: "Quay", known: false } }),
    found("old-one", 8077, { state: "failed", adoptable: false }),
    { ...found("birk-archive", 8069, { name: "Birk archive", type: "staging", odoo_version: "18.0" }), id: state.environments.at(-1)!.id }, // known on another server
    found("half", 8078, { state: "stopped", releases: 0, adoptable: false }),
  ]);

  const subjects = ["[IMP] sale: partial deliveries", "[FIX] invoice: wrong tax on returns", "[ADD] reports: monthly margin", "[IMP] stock: barcode start-up"];
  for (const [env, from] of [[live, 12], [stage, 27], [birkLive, 4]] as const) {
    subjects.forEach((subject, i) => {
      const number = from - i;
      const one = release(env, number, { state: i ? "kept" : "live", created_at: ago(90 + i * 2900), has_database_snapshot: i < 3 }, subject);
      state.releases.push(one);
      if (!i) env.current_release = one;
    });
    const op = pastOperation(env, "environment.deploy", "succeeded", 90);
    env.last_operation = { id: op.id, kind: op.kind, state: op.state, created_at: op.created_at, finished_at: op.finished_at };
  }
  const broken = pastOperation(stage, "environment.deploy", "failed", 41, {
    error: { code: "migration_failed", message: "Module acme_reports could not be updated: column \"margin\" of relation \"sale_order_line\" already exists", step: "migrate" },
    outcome: "undone: release 27 is live again with its own database and filestore",
    note: "margin report",
  });
  stage.last_operation = { id: broken.id, kind: broken.kind, state: broken.state, created_at: broken.created_at, finished_at: broken.finished_at };
  pastOperation(live, "environment.restart", "succeeded", 2200);
  state.operations.sort((a, b) => b.created_at.localeCompare(a.created_at));
  state.variables.set(live.id, [
    { name: "SMTP_HOST", secret: false, value: "mail.acme.example", updated_at: ago(50), updated_by: by },
    { name: "STRIPE_KEY", secret: true, value: null, updated_at: ago(4000), updated_by: by },
  ]);
  audit("server.enroll", { type: "server", id: fra.id, name: fra.name }, { actor: { type: "server", id: fra.id, label: fra.name }, at: ago(60 * 24 * 21) });
  audit("environment.deploy", { type: "environment", id: stage.id, name: stage.name }, { at: ago(41) });
  audit("environment.edit", { type: "environment", id: live.id, name: live.name }, { at: ago(30), before: { memory_max_bytes: 2 * GiB }, after: { memory_max_bytes: 3 * GiB } });
  audit("session.sign_in", null, { at: ago(22) });
  audit("environment.delete", { type: "environment", id: live.id, name: live.name }, { at: ago(12), result: "refused", actor: { type: "user", id: id("usr"), label: "jon@acme.example" } });
}

export const deploySteps: [string, string][] = [
  ["preflight", "Check the server"],
  ["prepare", "Prepare the server"],
  ["fetch", "Fetch the repositories"],
  ["build", "Install the Python packages"],
  ["configure", "Write the configuration"],
  ["snapshot", "Stop Odoo and copy its data"],
  ["migrate", "Migrate the database"],
  ["switch", "Switch to the new release"],
  ["health", "Wait until Odoo is healthy"],
  ["keep", "Keep the new release"],
];

export function blankOperation(target: Environment | Server, kind: Operation["kind"], steps: [string, string][]): Operation {
  const isEnvironment = "project_id" in target;
  return {
    id: id("op"),
    kind,
    state: "queued",
    target: { type: isEnvironment ? "environment" : "server", id: target.id, name: target.name },
    server_id: isEnvironment ? target.server_id : target.id,
    requested_by: by,
    origin: "controller",
    note: null,
    created_at: now(),
    delivered_at: null,
    started_at: null,
    finished_at: null,
    deadline_at: ago(-60),
    cancel_requested: false,
    steps: steps.map(([name, title]) => ({ name, title, state: "pending", percent: null, started_at: null, finished_at: null, detail: null })),
    result: null,
    error: null,
    outcome: null,
  };
}

function pastOperation(env: Environment, kind: Operation["kind"], end: "succeeded" | "failed", minutes: number, part: Partial<Operation> = {}): Operation {
  const op = blankOperation(env, kind, kind === "environment.deploy" ? deploySteps : [["restart", "Restart"], ["health", "Health"]]);
  const start = Date.now() - minutes * 60_000;
  let at = start;
  let failed = false;
  op.steps.forEach((step, i) => {
    if (failed) return void (step.state = "skipped");
    step.started_at = new Date(at).toISOString();
    at += 900 + i * 2300;
    step.finished_at = new Date(at).toISOString();
    step.state = "done";
    if (end === "failed" && step.name === "migrate") {
      step.state = "failed";
      failed = true;
    }
  });
  Object.assign(op, { state: end, created_at: new Date(start - 300).toISOString(), delivered_at: new Date(start - 200).toISOString(), started_at: new Date(start).toISOString(), finished_at: new Date(at).toISOString() }, part);
  const texts = ["fetching odoo 19.0", "worktree at 3f7c19a2", "venv reused: requirements unchanged", "snapshot of 412 MiB made", "updating module acme_reports", "registry loaded in 6.2 s", "GET /web/health 200"];
  state.logs.set(
    op.id,
    texts.map((text, i) => ({ seq: i + 1, time: new Date(start + i * 1500).toISOString(), level: "info", step: deploySteps[Math.min(i + 2, 9)]![0], text })),
  );
  if (end === "failed") {
    const lines = state.logs.get(op.id)!;
    lines.splice(5);
    lines.push({ seq: 6, time: op.finished_at!, level: "error", step: "migrate", text: "psycopg2.errors.DuplicateColumn: column \"margin\" of relation \"sale_order_line\" already exists" });
    lines.push({ seq: 7, time: op.finished_at!, level: "warning", step: "migrate", text: "undoing: database back to the snapshot of release 27" });
  }
  state.operations.push(op);
  return op;
}
