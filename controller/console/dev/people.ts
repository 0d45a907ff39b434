// The stand-in's organization: who belongs to it, their roles and keys, its plan and settings, and Connect-As.
import { readFileSync } from "node:fs";
import type { ApiKey, ConnectGrant, ConnectSession, Invitation, Member, PermissionInfo, Plan, PlanTerms, Role, Security, SupportAccess, Visit } from "../src/api/types";
import { ago, audit, id, me, now, org, state } from "./state";

/** From the controller's own table. */
export const permissions: PermissionInfo[] = [
  ...readFileSync("../access/permissions.cpp", "utf8").matchAll(/Permission\{\s*"([a-z_]+)\.([a-z_]+)",\s*(\w+),\s*(\w+),\s*"([^"]*)"\s*\}/g),
].map(([, area, what, least, reach, allows]) => ({
  code: `${area}.${what}`,
  area: area!,
  least_role: least as PermissionInfo["least_role"],
  reach: reach as PermissionInfo["reach"],
  allows: allows!,
}));

const held = (...least: string[]) => permissions.filter((one) => least.includes(one.least_role)).map((one) => one.code);
export const every = held("viewer", "developer", "admin");

const builtIn: [Role["id"], string[]][] = [
  ["admin", every],
  ["developer", held("viewer", "developer")],
  ["viewer", held("viewer")],
  ["none", []],
];

export const plans: PlanTerms[] = [
  { plan: "free", limits: { projects: 2, environments: 3, members: 2, servers: 1 }, features: [], audit_days: 0 },
  { plan: "starter", limits: { projects: 5, environments: 10, members: 5, servers: 2 }, features: ["api"], audit_days: 0 },
  { plan: "pro", limits: { projects: null, environments: null, members: null, servers: null }, features: ["api", "granular_permissions", "audit_log"], audit_days: 30 },
  {
    plan: "agency",
    limits: { projects: null, environments: null, members: null, servers: null },
    features: ["api", "granular_permissions", "audit_log", "audit_export", "custom_roles", "connect_as"],
    audit_days: 365,
  },
];

const by = { id: me.id, email: me.email };
const auditor: Role = { id: id("rol"), name: "Read-only auditor", built_in: false, permissions: ["audit.export", "audit.view", "org.view", "servers.view"], members: 1, created_at: ago(9000) };

export const people = {
  plan: (process.env.STANDIN_PLAN ?? "agency") as Plan,
  others: [] as { id: string; name: string; slug: string }[],
  roles: [auditor] as Role[],
  members: [
    member(me.id, me.email, me.name, "admin", { owner: true, last_seen_at: ago(1) }),
    member(id("usr"), "jon@acme.example", "Jon Reyes", "developer", { granted: ["servers.enroll"], withdrawn: ["environments.stop"], last_seen_at: ago(300) }),
    member(id("usr"), "mei@acme.example", "Mei Lin", auditor.id),
    member(id("usr"), "contractor@elsewhere.example", "", "developer", { projects: [] }),
  ],
  invitations: [invitation("grace@acme.example", "developer", 1), invitation(null, "viewer", 10)],
  keys: [] as ApiKey[],
  security: { sso_required: null, two_factor_required: false, clone_enabled: true, connect_as_enabled: true, download_domains: ["github.com", "*.odoo.com"], addresses: [] } as Security,
  given: [] as ConnectGrant[],
  received: [] as ConnectGrant[],
  sessions: [] as ConnectSession[],
  visit: null as Visit | null,
  support: [] as SupportAccess[],
};

function member(user: string, email: string, name: string, role: string, part: Partial<Member> = {}): Member {
  return { id: user, email, name, role, role_name: role, owner: false, projects: null, granted: [], withdrawn: [], connect_as: true, permissions: [], joined_at: ago(60 * 24 * 30), last_seen_at: null, ...part };
}

function invitation(email: string | null, role: string, uses: number): Invitation {
  return { id: id("inv"), email, role, role_name: role, projects: null, status: "open", max_uses: uses, uses: 0, expires_at: ago(-60 * 24 * 6), created_at: ago(900), created_by: by };
}

function grant(side: "given" | "received", other: string, part: Partial<ConnectGrant>): ConnectGrant {
  const them = { id: id("org"), name: other };
  const us = { id: org.id, name: org.name };
  return {
    id: id("cog"), side, client: side === "given" ? us : them, agency: side === "given" ? them : us, role: { id: "developer", name: "developer" }, permissions: held("viewer", "developer"), projects: null, note: "", status: "open",
    expires_at: ago(-60 * 24 * 80), created_at: ago(4000), created_by: by, revoked_at: null, ...part,
  };
}

export function fillPeople() {
  people.members[3]!.projects = state.projects.slice(0, 1).map((one) => one.id);
  people.keys.push(
    { id: id("key"), name: "Deploys from CI", kind: "read_write", hint: "flk_rw_8Kq2", permissions: ["deployments.create", "environments.view", "operations.view"], projects: state.projects.slice(0, 1).map((one) => one.id), addresses: ["203.0.113.0/24"], status: "active", expires_at: ago(-60 * 24 * 50), created_at: ago(60 * 24 * 40), created_by: by, last_used_at: ago(14) },
    { id: id("key"), name: "Monitoring", kind: "read_only", hint: "flk_ro_x1Zb", permissions: ["servers.view"], projects: null, addresses: [], status: "active", expires_at: null, created_at: ago(9000), created_by: by, last_used_at: null },
    { id: id("key"), name: "Old importer", kind: "read_write", hint: "flk_rw_aP07", permissions: ["projects.create", "projects.view"], projects: null, addresses: [], status: "maker_left", expires_at: null, created_at: ago(90000), created_by: { id: id("usr"), email: "kim@acme.example" }, last_used_at: ago(40000) },
  );
  people.given.push(grant("given", "Northwind Odoo Partners", { note: "Support contract 2027" }), grant("given", "Tide & Sons", { status: "revoked", revoked_at: ago(400) }));
  people.received.push(grant("received", "Birk Logistics", { note: "Go-live of the shop" }), grant("received", "Quay Foods", { status: "expired", expires_at: ago(3000), role: null, permissions: ["deployments.create", "environments.view"] }));
  people.sessions.push(session(people.received[0]!, { reason: "Ticket 4211: invoices are not sent", started_at: ago(600), expires_at: ago(540), ended_at: ago(570), ended_because: "left" }));
  people.sessions.unshift({ ...session(people.given[0]!, { reason: "Upgrade of the shop module" }), user: { id: id("usr"), email: "sam@northwind.example" } });
}

function session(of: ConnectGrant, part: Partial<ConnectSession>): ConnectSession {
  return { id: id("con"), side: of.side, client: of.client, agency: of.agency, grant: of.id, user: by, reason: "", started_at: ago(6), expires_at: ago(-54), ended_at: null, ended_because: null, ...part };
}

type Body = Record<string, any>;
export type Refuse = (status: number, code: string, detail: string, more?: Record<string, unknown>) => Error;

const list = <T>(data: T[]) => ({ data, next_cursor: null });
const roleName = (role: string) => people.roles.find((one) => one.id === role)?.name ?? role;
const shown = (one: Member): Member => {
  const codes = builtIn.find(([role]) => role === one.role)?.[1] ?? people.roles.find((role) => role.id === one.role)?.permissions ?? [];
  const permissions = one.owner ? every : [...codes, ...one.granted].filter((code) => !one.withdrawn.includes(code));
  return { ...one, role_name: roleName(one.role), permissions };
};
const features = () => plans.find((one) => one.plan === people.plan)!.features;

export function report() {
  const use = { projects: state.projects.length, environments: state.environments.length, members: people.members.length + people.invitations.length, servers: state.servers.length };
  return { plan: people.plan, use, plans };
}

/** Undefined: none of these. */
export function answerPeople(method: string, parts: string[], body: Body, query: URLSearchParams, confirm: string, refuse: Refuse): [number, unknown] | undefined {
  const [kind, one, part, sub] = parts;
  const find = <T extends { id: string }>(all: T[], wanted = one): T => {
    const found = all.find((each) => each.id === wanted);
    if (!found) throw refuse(404, "not_found", "It is not there any more.");
    return found;
  };
  const who = kind === "members" && one ? find(people.members) : null;
  switch (`${method} ${[kind, one && (kind === "connect" ? one : "{}"), part && (kind === "connect" ? "{}" : part), sub].filter(Boolean).join("/")}`) {
    case "PATCH ":
      Object.assign(org, body);
      return [200, null]; // the caller adds the numbers
    case "DELETE ":
      if (confirm !== org.name) throw refuse(409, "confirmation_mismatch", `The name typed was “${confirm}”.`);
      throw refuse(409, "org_in_use", `The organization has ${state.environments.length} environments. Delete them first: that also takes them off their servers.`);
    case "GET plan":
      return [200, report()];
    case "PUT plan":
      people.plan = body.plan;
      return [200, report()];
    case "GET members":
      return [200, list(people.members.map(shown))];
    case "GET members/{}":
      return [200, shown(who!)];
    case "PATCH members/{}":
      who!.role = body.role;
      return [200, shown(who!)];
    case "DELETE members/{}":
      if (who!.owner) throw refuse(409, "last_owner", "The last owner cannot leave. Make somebody else an owner first.");
      people.members = people.members.filter((each) => each !== who);
      return [204, null];
    case "PUT members/{}/adjustments":
    case "PUT members/{}/projects":
      Object.assign(who!, body);
      return [200, shown(who!)];
    case "PUT members/{}/connect-as":
      who!.connect_as = body.allowed;
      return [200, shown(who!)];
    case "POST members/{}/owner":
    case "DELETE members/{}/owner":
      if (method === "DELETE" && people.members.filter((each) => each.owner).length < 2) throw refuse(409, "last_owner", "An organization has at least one owner, and this is the only one. Make somebody else an owner first.");
      who!.owner = method === "POST";
      return [200, shown(who!)];
    case "GET invitations":
      return [200, list(people.invitations.map((each) => ({ ...each, role_name: roleName(each.role) })))];
    case "POST invitations": {
      if (people.members.some((each) => each.email === body.email)) throw refuse(409, "already_member", `${body.email} belongs to the organization already.`);
      const made = { ...invitation(body.email ?? null, body.role, body.uses ?? 1), projects: body.projects ?? null };
      people.invitations.unshift(made);
      audit("invitation.create", { type: "invitation", id: made.id, name: body.email ?? "a link" });
      return [201, { invitation: made, token: "flv_4f9KXn2v8b0qJm7RtZc1yWd5", link: "https://fairlead.acme.example:8443/invitation#flv_4f9KXn2v8b0qJm7RtZc1yWd5", mailed: body.email !== undefined }];
    }
    case "DELETE invitations/{}":
      people.invitations = people.invitations.filter((each) => each.id !== one);
      return [204, null];
    case "GET roles":
      return [
        200,
        list([
          ...builtIn.map(([role, codes]) => ({ id: role, name: role, built_in: true, permissions: codes, members: people.members.filter((each) => each.role === role).length, created_at: null })),
          ...people.roles.map((role) => ({ ...role, members: people.members.filter((each) => each.role === role.id).length })),
        ]),
      ];
    case "POST roles": {
      if (people.roles.some((role) => role.name.toLowerCase() === body.name.toLowerCase())) throw refuse(409, "name_in_use", `There is a role “${body.name}” already. Choose another name.`);
      const made: Role = { id: id("rol"), name: body.name, built_in: false, permissions: body.permissions, members: 0, created_at: now() };
      people.roles.push(made);
      return [201, made];
    }
    case "PATCH roles/{}":
      return [200, Object.assign(find(people.roles), body)];
    case "DELETE roles/{}":
      people.roles = people.roles.filter((role) => role.id !== one);
      return [204, null];
    case "GET security":
      return [200, people.security];
    case "PUT security":
      if (body.two_factor_required && !people.security.two_factor_required) throw refuse(409, "second_factor_first", "Sign in with a second factor yourself, then ask it of everybody.");
      return [200, (people.security = body as Security)];
    case "GET api-keys":
      return [200, list(people.keys)];
    case "POST api-keys": {
      const made: ApiKey = { id: id("key"), name: body.name, kind: body.kind, hint: body.kind === "read_only" ? "flk_ro_7Yd3" : "flk_rw_7Yd3", permissions: body.permissions, projects: body.projects ?? null, addresses: body.addresses ?? [], status: "active", expires_at: body.expires_in_s ? ago(-body.expires_in_s / 60) : null, created_at: now(), created_by: by, last_used_at: null };
      people.keys.unshift(made);
      return [201, { api_key: made, key: `${made.hint}KXn2v8b0qJm7RtZc1yWd5aa0P2sLf` }];
    }
    case "DELETE api-keys/{}":
      people.keys = people.keys.filter((each) => each.id !== one);
      return [204, null];
    case "GET connect/grants":
      return [200, list(people.given)];
    case "GET connect/received":
      return [200, list(people.received)];
    case "POST connect/grants": {
      if (body.agency === org.slug) throw refuse(400, "validation_failed", "One field is not right.", { errors: [{ field: "agency", message: "is this organization itself" }] });
      people.given.unshift(grant("given", body.agency, { note: body.note ?? "", role: body.role ? { id: body.role, name: roleName(body.role) } : null, permissions: body.permissions ?? held("viewer"), projects: body.projects ?? null, expires_at: ago(-body.expires_in_s / 60), created_at: now() }));
      return [201, people.given[0]];
    }
    case "DELETE connect/grants/{}":
      Object.assign(find([...people.given, ...people.received], part), { status: "revoked", revoked_at: now() });
      return [204, null];
    case "POST connect/grants/{}/redeem": {
      const made = session(find(people.received, part), { reason: body.reason, started_at: now(), expires_at: ago(-60) });
      people.sessions.unshift(made);
      people.visit = { connect_session: made, org: { id: made.client.id, name: made.client.name, plan: "pro", features: ["api", "audit_log"], role_name: "developer", limited: false, clone_enabled: true, permissions: held("viewer", "developer") } };
      return [201, { connect_session: made, token: "flc_stand-in" }];
    }
    case "GET connect/sessions":
      return [200, list(people.sessions.filter((each) => query.get("state") !== "open" || !each.ended_at))];
    case "POST connect/sessions/{}/end":
      Object.assign(find(people.sessions, part), { ended_at: now(), ended_because: "ended" });
      return [204, null];
    case "GET support-access":
      return [200, list(people.support)];
    case "POST support-access":
      people.support.unshift({ id: id("sup"), status: "open", reason: body.reason, ticket: body.ticket ?? "", created_at: now(), created_by: by, expires_at: ago(-body.expires_in_s / 60), ended_at: null, used_at: null });
      return [201, people.support[0]];
    case "DELETE support-access":
      Object.assign(people.support[0]!, { status: "ended", ended_at: now() });
      return [204, null];
  }
  return undefined;
}

/** The session's organizations, with what the plan has. */
export function orgsOfSession(codes: string[]) {
  const mine = { ...org, plan: people.plan, features: features(), role: codes.length ? "viewer" : "admin", role_name: codes.length ? "viewer" : "admin", owner: !codes.length, limited: false, clone_enabled: people.security.clone_enabled, permissions: codes.length ? codes : every };
  return [mine, ...people.others.map((one) => ({ ...mine, ...one }))];
}
