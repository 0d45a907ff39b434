// An organization with one of every kind of thing that there is, real ones: what only an agent's work makes is made by an agent that is
// played. `fill.ts` has the cheaper half, of which nothing runs.
import { randomBytes } from "node:crypto";
import { join as joinPath } from "node:path";
import { PlayedAgent } from "./agent.ts";
import type { Api } from "./api.ts";
import { Authenticator } from "./authenticator.ts";
import { tunnelToken } from "./cloudflared.ts";
import type { Controller } from "./controller.ts";
import { newId } from "./direct.ts";
import { putDomain } from "./domains.ts";
import { enrolAlone } from "./fill.ts";
import { join } from "./people.ts";
import { run } from "./process.ts";
import { setUpPushes } from "./pushes.ts";
import { finalStates, type List, type Operation } from "./types.ts";
import { poll } from "./wait.ts";

export type Ids = Record<string, string>;

/** Nobody answers there: certificates are asked for in vain, and exist. */
export const deafAcme = "\nacme:\n  directory: https://127.0.0.1:1/directory\n  contact: ops@example.org\n  terms_accepted: true\n";

const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";

/** How an operation that an agent has been given ended well. */
async function succeeded(api: Api, org: string, { id }: { id: string }): Promise<Operation> {
  const end = await poll(`${id} ends`, 60_000, async () => {
    const now = await api.get<Operation>(`${org}/operations/${id}`);
    return finalStates.includes(now.state) ? now : undefined;
  });
  if (end.state !== "succeeded") throw new Error(`${end.kind} ${end.state}: ${JSON.stringify(end.error)}`);
  return end;
}

/** What an agent hands back that did what it was asked. */
function done(order: { kind: string; args: unknown }): Record<string, unknown> {
  const args = order.args as { backup_id?: string; settings?: { storage: { id: string } } };
  if (order.kind === "storage.test") return { preflight: { checks: [{ id: "write", title: "Write", result: "passed", value: "", need: "", remedy: "" }] } };
  if (order.kind === "backup.create") return { backup: { id: args.backup_id, kind: "manual", started_at_ms: Date.now(), finished_at_ms: Date.now(), storage_id: args.settings!.storage.id } };
  if (order.kind === "import.analyse") return { analysis: { odoo_version: "19.0", fits: true } };
  return {};
}

/** An environment that a server holds and nobody knows, as the server tells of it. */
function stray(): { id: string } {
  const id = newId("env");
  const release = { id: newId("rel"), number: 1, operation: newId("op"), created_at_ms: Date.now(), commits: [], python_packages: [], manifest_sha256: "", has_database_snapshot: false, live: true };
  const odoo = { name: "odoo", ...source, credential: "", credential_kind: "", username: "" };
  const spec = {
    id, slug: "stray", name: "Stray", type: "staging", odoo_version: "19.0", odoo, addons: [], port: 18469, gevent_port: 18470, domains: [],
    resources: { memory_max_bytes: 0, cpu_percent: 0, tasks_max: 0, workers: 0 }, variables: [], modules: ["base"], requirements: [],
    system_site_packages: true, keep_releases: 5, project_id: newId("prj"), project_name: "Stray",
  };
  return { id, slug: "stray", state: "running", detail: "", port: 18469, releases: [release], spec } as { id: string };
}

/** What belongs to one project, deployed on a server whose agent is played; the storage is tested. */
export async function fillProject(controller: Controller, api: Api, org: string, { server, storage }: Ids, name: string, type = "development"): Promise<Ids> {
  const ids: Ids = {};
  const ends = (operation: { id: string }): Promise<Operation> => succeeded(api, org, operation);
  ids.project = (await api.post<{ id: string }>(`${org}/projects`, { name, odoo_version: "19.0", odoo_source: source })).id;
  const domain = `${name}.example.org`;
  ids.environment = (await api.post<{ id: string }>(`${org}/environments`, {
    project_id: ids.project, server_id: server, name: `${name}-live`, type, exposure: "tunnel", domains: [domain],
  })).id;
  const environment = `${org}/environments/${ids.environment}`;
  await putDomain(controller, org, domain);
  await ends(await api.post(`${environment}/deploy`, {}));
  ids.operation = (await ends(await api.post(`${environment}/deploy`, {}))).id;
  ids.release = (await api.get<List<{ id: string; state: string }>>(`${environment}/releases`)).data.find((one) => one.state === "kept")!.id;
  await api.call("PUT", `${environment}/variables/SAMPLE`, { body: { value: "x" } });
  await api.call("PUT", `${environment}/connector-token`, { body: { token: tunnelToken() } });
  ids.hook = (await setUpPushes(api, environment)).url.split("/").at(-1)!;
  const keeps = async (of: string): Promise<void> => {
    const retention = { last: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    const set = await api.call<{ operation_id: string | null }>("PUT", `${org}/environments/${of}/backup-policy`, { body: { storage_id: storage, schedule: "", drill_schedule: "", time_zone: "UTC", retention } });
    if (set.operation_id) await ends({ id: set.operation_id });
  };
  await keeps(ids.environment);
  await ends(await api.post(`${environment}/backups`, {}));
  ids.backup = (await api.get<List<{ id: string }>>(`${environment}/backups`)).data[0]!.id;
  const cloned = { new_environment: { name: `${name}-target`, server_id: server, type } };
  await api.post(`${environment}/clone`, cloned, { "X-Confirm": cloned.new_environment.name });
  const copy = await poll("the copy is there", 60_000, async () =>
    (await api.get<List<{ id: string; state: string; target: { id: string; name: string } }>>(`${org}/copies`)).data
      .find((one) => one.target.name === cloned.new_environment.name && one.state === "succeeded"));
  Object.assign(ids, { copy: copy.id, target: copy.target.id });
  await keeps(copy.target.id);
  const looked = await api.post<{ id: string; operation_id: string }>(`${environment}/imports`, { path: "/srv/imports/old.zip" });
  await ends({ id: looked.operation_id });
  ids.import = looked.id;
  ids.certificate = await poll(`there is a certificate for ${domain}`, 60_000, async () =>
    (await api.get<List<{ id: string; name: string }>>(`${org}/certificates`)).data.find((one) => one.name === domain)?.id);
  return ids;
}

export interface Whole {
  ids: Ids;
  agent: PlayedAgent;
  /** A terminal that is waited for; it is for half a minute. */
  terminal: () => Promise<string>;
}

/** One of everything, in an organization that `api` owns, for which `agency` works; `name` is part of what is unique in an installation. */
export async function fillWhole(controller: Controller, api: Api, org: string, name: string, agency: { api: Api; org: string }): Promise<Whole> {
  const ids: Ids = { org: org.split("/").at(-1)!, agency: agency.org.split("/").at(-1)!, name: "SAMPLE" };
  const machine = await enrolAlone(api, org, `${name}-server`);
  Object.assign(ids, { server: machine.server, token: machine.token });
  const agent = await PlayedAgent.connect(await controller.endpoint(), machine, { protocol: 13, version: "0.0.1", terminal_users: ["deploy"] });
  agent.result = done;
  const strange = stray();
  agent.inventory([strange], { ssh: { users: ["deploy"], keys: [], port: 22, problem: "" } });
  ids.found = strange.id;
  const server = `${org}/servers/${ids.server}`;
  await poll("the server has told what it holds", 60_000, async () => {
    const keys = await api.get<{ server: { users: string[] } }>(`${server}/ssh-keys`);
    return keys.server.users.length && (await api.get<List<unknown>>(`${server}/found-environments`)).data.length ? true : undefined;
  });
  ids.ssh_key = (await api.post<{ key: { id: string } }>(`${server}/ssh-keys`, { user: "deploy", label: "Ada", public_key: publicKey })).key.id;

  const storage = await api.post<{ id: string; test_operation_id: string }>(`${org}/storages`, {
    name: "bucket", provider: "other", endpoint: "https://s3.example.org", bucket: "odoo-backups", access_key: "a", secret_key: "s", test_on_server: ids.server,
  });
  ids.storage = storage.id;
  await succeeded(api, org, { id: storage.test_operation_id });
  ids.credential = (await api.post<{ id: string }>(`${org}/git-credentials`, { name: "c", host: "git.example.org", kind: "token", secret: "s" })).id;
  Object.assign(ids, await fillProject(controller, api, org, ids, name));

  // One server that is never there, for a roll-out that waits for it.
  const aged = await enrolAlone(api, org, `${name}-aged`);
  const once = await PlayedAgent.connect(await controller.endpoint(), aged, { protocol: 13, version: "0.0.1" });
  once.close();
  await poll("it is away", 60_000, async () => ((await api.get<{ status: string }>(`${org}/servers/${aged.server}`)).status === "offline" ? true : undefined));
  await api.call("PATCH", `${org}/servers/${aged.server}`, { body: { labels: { ring: "canary" } } });
  ids.rollout = (await api.post<{ id: string }>(`${org}/agent-rollouts`, { stages: [{ labels: { ring: "canary" } }], soak_s: 0 })).id;

  ids.domain = (await api.post<{ id: string }>(`${org}/domains`, { name: `claimed-${name}.example.org` })).id;
  ids.tunnel_key = (await api.post<{ id: string }>(`${org}/tunnel-keys/rotate`)).id;
  ids.alert_rule = (await api.post<{ id: string }>(`${org}/alert-rules`, { kind: "disk" })).id;
  ids.webhook = (await api.post<{ webhook: { id: string } }>(`${org}/webhooks`, { url: "https://hooks.example.org/fairlead", events: ["domain.failed"] })).webhook.id;
  ids.delivery = (await api.post<{ id: string }>(`${org}/webhooks/${ids.webhook}/test`)).id;
  ids.key = (await api.post<{ api_key: { id: string } }>(`${org}/api-keys`, { name: "whole", kind: "read_only", permissions: ["org.view"] })).api_key.id;
  ids.role = (await api.post<{ id: string }>(`${org}/roles`, { name: "Lookers", permissions: ["environments.view"] })).id;
  ids.user = (await join(api, org, `${name}-member@example.org`, "viewer")).user;
  ids.invitation = (await api.post<{ invitation: { id: string } }>(`${org}/invitations`, { role: "viewer" })).invitation.id;
  ids.grant = (await api.post<{ id: string }>(`${org}/connect/grants`, { agency: ids.agency, role: "developer", expires_in_s: 86_400 })).id;
  ids.connect_session = (await agency.api.post<{ connect_session: { id: string } }>(`${agency.org}/connect/grants/${ids.grant}/redeem`, { reason: "ticket 17" })).connect_session.id;
  ids.entry = (await api.get<List<{ id: string }>>(`${org}/audit?limit=1`)).data[0]!.id;

  // What is the account's and not the organization's.
  const credential = new Authenticator(api.origin).create(await api.call("POST", "/api/v1/account/passkeys/options"));
  ids.passkey = (await api.call<{ id: string }>("POST", "/api/v1/account/passkeys", { body: { name: "laptop", credential } })).id;
  ids.session = (await api.get<List<{ id: string; current: boolean }>>("/api/v1/sessions")).data.find((one) => one.current)!.id;
  ids.identity = newId("idn");
  const { user } = await api.get<{ user: { id: string } }>("/api/v1/session");
  await run("sqlite3", ["-cmd", ".timeout 10000", joinPath(controller.data, "fairlead.db"), `INSERT INTO sign_in_identity
    VALUES ('${ids.identity}', '${user.id}', 'google', 'https://accounts.google.com', '${randomBytes(8).toString("hex")}', '${name}@example.org', 0, 0)`]);
  const terminal = async (): Promise<string> =>
    (await api.post<{ terminal: { id: string } }>(`${server}/terminals`, { user: "deploy", columns: 80, rows: 24 })).terminal.id;
  return { ids, agent, terminal };
}
