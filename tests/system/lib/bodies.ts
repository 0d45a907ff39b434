// A body for each route about somebody's things that takes one, good for whoever has these things; every reference that the contract lets a
// body hold is in one of them.
import { tunnelToken } from "./cloudflared.ts";
import { type Contract, type Listed, resolve, type Schema } from "./schema.ts";
import { SealingKey } from "./sealed.ts";
import type { Ids } from "./whole.ts";

const retention = { last: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const code = { url: "https://git.example.org/odoo.git", branch: "19.0" };
let number = 0;
const fresh = (): string => `b${++number}`;
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSSCujoEGjgzvZGoq4N3aDlMxUOtnpYT2R5w5yVcFgv";

/** By the route's operationId. */
export const bodies: Record<string, (ids: Ids) => Record<string, unknown>[]> = {
  renamePasskey: () => [{ name: "desk" }],
  editOrg: () => [{ name: "Renamed" }],
  choosePlan: () => [{ plan: "agency" }],
  editMember: (ids) => [{ role: ids.role }],
  adjustMember: () => [{ granted: ["projects.view"], withdrawn: [] }],
  limitMember: (ids) => [{ projects: [ids.project] }],
  setMemberConnectAs: () => [{ allowed: false }],
  createInvitation: (ids) => [{ role: ids.role, projects: [ids.project] }],
  createRole: () => [{ name: fresh(), permissions: ["org.view"] }],
  editRole: () => [{ permissions: ["environments.view", "projects.view"] }],
  setSecurity: () => [{ sso_required: null, two_factor_required: false, clone_enabled: true, connect_as_enabled: true, download_domains: [], addresses: [] }],
  createApiKey: (ids) => [{ name: fresh(), kind: "read_only", permissions: ["projects.view"], projects: [ids.project] }],
  createConnectGrant: (ids) => [{ agency: ids.agency, role: ids.role, projects: [ids.project], expires_in_s: 86_400 }],
  redeemConnectGrant: () => [{ reason: "ticket 17" }],
  grantSupportAccess: () => [{ reason: "it is slow", expires_in_s: 3600 }],
  editServer: () => [{ name: fresh() }],
  revokeServer: () => [{ reason: "sold" }],
  adoptEnvironment: (ids) => [{ project_id: ids.project }],
  createAlertRule: (ids) => [
    { kind: "disk", target_id: ids.server, mail: { owners: true, members: [ids.user] } },
    { kind: "environment_down", target_id: ids.environment },
    { kind: "backup_too_old", target_id: ids.project },
  ],
  editAlertRule: (ids) => [{ target_id: ids.server, mail: { owners: false, members: [ids.user] } }],
  putMailSettings: () => [{ capture: true, keep_days: 3, keep_messages: 100, keep_bytes: 67_108_864 }],
  listOdooUsers: () => [{ public_key: new SealingKey().public }],
  createOdooLogin: () => [{ user: "admin", reason: "ticket 17", public_key: new SealingKey().public }],
  openTerminal: () => [{ user: "deploy" }],
  updateAgent: () => [{}],
  beginAgentRollout: () => [{ stages: [{ labels: { ring: "canary" } }], soak_s: 0 }],
  addSshKey: () => [{ user: "deploy", label: "Bob", public_key: otherKey }],
  rotateSshKey: () => [{ public_key: otherKey }],
  createRegistrationToken: () => [{ name: fresh() }],
  createGitCredential: () => [{ name: fresh(), host: "git.example.org", kind: "token", secret: "s" }],
  createProject: (ids) => [{
    name: fresh(), odoo_version: "19.0", odoo_source: { ...code, credential_id: ids.credential }, addons: [{ name: "shop", ...code, credential_id: ids.credential }],
  }],
  editProject: (ids) => [{ odoo_source: { ...code, credential_id: ids.credential }, addons: [{ name: "shop", ...code, credential_id: ids.credential }] }],
  createEnvironment: (ids) => [{ project_id: ids.project, server_id: ids.server, name: fresh(), type: "development" }],
  editEnvironment: () => [{ modules: ["base", "web"] }],
  deployEnvironment: () => [{}],
  rollbackEnvironment: (ids) => [{ release_id: ids.release, database: "keep" }],
  createPushDeploy: () => [{}],
  editPushDeploy: () => [{ enabled: true }],
  rotatePushSecret: () => [{}],
  setVariable: () => [{ value: "hello" }],
  setConnectorToken: () => [{ token: tunnelToken() }],
  createStorage: (ids) => [{
    name: fresh(), provider: "other", endpoint: "https://s3.example.org", bucket: "odoo-backups", access_key: "a", secret_key: "s", test_on_server: ids.server,
  }],
  editStorage: (ids) => [{ secret_key: "another", test_on_server: ids.server }],
  testStorage: (ids) => [{ server_id: ids.server }],
  setBackupSettings: () => [{ recovery_recipients: [] }],
  setBackupPolicy: (ids) => [{ storage_id: ids.storage, schedule: "", drill_schedule: "", time_zone: "UTC", retention }],
  previewRetention: () => [{ retention }],
  createBackup: () => [{}],
  analyseImport: () => [{ path: "/srv/imports/old.zip" }],
  runImport: () => [{ safety_backup: false }],
  cloneEnvironment: (ids) => [
    { target_environment_id: ids.target, safety_backup: false },
    { new_environment: { name: fresh(), server_id: ids.server, type: "development" } },
  ],
  restoreBackup: (ids) => [
    { environment_id: ids.target, safety_backup: false },
    { new_environment: { name: fresh(), server_id: ids.server, type: "development" } },
  ],
  claimDomain: () => [{ name: `${fresh()}.example.org` }],
  rotateTunnelKey: () => [{ grace_s: 60 }],
  createWebhook: () => [{ url: "https://hooks.example.org/fairlead" }],
  editWebhook: () => [{ description: "the shop's" }],
  rotateWebhookSecret: () => [{ grace_s: 60 }],
};

const isId = /^\^\(?(?:\w+\|)*[a-z]{2,5}_\(?\[0-9A-HJ/;

/** Where the body of a route names something by its id: "addons[].credential_id". */
export function references(contract: Contract, listed: Listed): string[] {
  const found: string[] = [];
  const walk = (given: Schema, path: string): void => {
    const schema = resolve(contract, given);
    // An alert's target and an agency are of several kinds, which no pattern tells.
    if ((schema.pattern && isId.test(schema.pattern)) || /(^|\.)(target_id|agency|role)$/.test(path)) found.push(path);
    for (const [key, inner] of Object.entries(schema.properties ?? {})) walk(inner, path ? `${path}.${key}` : key);
    for (const one of schema.oneOf ?? []) walk(one, path);
    if (schema.items) walk(schema.items, `${path}[]`);
  };
  const schema = listed.route.requestBody?.content["application/json"]?.schema;
  if (schema) walk(schema, "");
  return [...new Set(found)].sort();
}

/** The same places of a body that was made. */
export function places(body: unknown, path = ""): { path: string; value: string; put: (other: string) => unknown }[] {
  if (typeof body === "string") return [{ path, value: body, put: (other) => other }];
  if (Array.isArray(body))
    return body.flatMap((one, at) => places(one, `${path}[]`).map((inner) => ({ ...inner, put: (other: string) => body.map((same: unknown, i) => (i === at ? inner.put(other) : same)) })));
  if (body === null || typeof body !== "object") return [];
  return Object.entries(body).flatMap(([key, one]) =>
    places(one, path ? `${path}.${key}` : key).map((inner) => ({ ...inner, put: (other: string) => ({ ...body, [key]: inner.put(other) }) })));
}
