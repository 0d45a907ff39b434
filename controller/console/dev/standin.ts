// A stand-in for the controller, for working on the console without one. It keeps everything in memory, believes every password of at
// least four signs, and is no judge of anything: tests of behaviour run against the real controller (tests/system).
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import type { Environment, Operation, Problem, Project, Session } from "../src/api/types";
import { elevatedUntil, outside, own, Refusal } from "./account";
import { answerBackups, fillBackups } from "./backups";
import { answerImports, fillImports } from "./imports";
import { answerLog } from "./logs";
import { answerMail, answerMailList, mailSettings } from "./mail";
import { answerAlerts, answerMetrics } from "./metrics";
import { answerOdoo } from "./odoo";
import { answerRecordings, answerReplay } from "./recordings";
import { auditKey, proofOf } from "./proof";
import { ago, audit, fill, id, me, noBackup, now, org, publish, state } from "./state";
import { answerPushes, fillPushes } from "./pushes";
import { answerPeople, fillPeople, orgsOfSession, people, permissions as table } from "./people";
import { answerCertificates } from "./certificates";
import { answerTunnelKeys, fillTunnelKeys } from "./tunnelKeys";
import { answerUpdates, fillUpdates } from "./updates";
import { answerDomains, fillDomains } from "./domains";
import { answerWebhooks, fillWebhooks } from "./webhooks";
import { deleteMail, deploy, enrolSoon, heartbeat, ping, preflight, remove, rollback, simple } from "./work";

const permissions = (process.env.STANDIN_PERMISSIONS ?? "").split(",").filter(Boolean);
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

if (process.env.STANDIN !== "empty") {
  fill();
  fillPeople();
  fillBackups();
  fillImports();
  fillTunnelKeys();
  fillUpdates();
  fillDomains();
  fillWebhooks();
  fillPushes();
}
setInterval(heartbeat, 5000);

const session = (): Session => ({
  id: id("ses"),
  user: me,
  orgs: orgsOfSession(permissions),
  method: "password",
  issuer: "",
  second_factor: false,
  elevated_until: elevatedUntil(),
  idle_expires_at: ago(-30),
  expires_at: ago(-60 * 24 * 7),
  controller: { name: "fairlead.acme.example", version: "0.1.0", fingerprint: "sha256//Zk3f0aVb", self_signed: true },
});

const list = <T>(data: T[], limit = 50) => ({ data: data.slice(0, limit), next_cursor: null });

function need<T extends { id: string }>(all: T[], wanted: string | undefined, what: string): T {
  const one = all.find((x) => x.id === wanted);
  if (!one) throw new Refusal(404, "not_found", `There is no ${what} ${wanted}. It may have been deleted.`);
  return one;
}

function stream(response: ServerResponse) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": hello\n\n");
  const beat = setInterval(() => response.write(": still here\n\n"), 15_000);
  response.on("close", () => clearInterval(beat));
  return (event: number, name: string, data: unknown) => response.write(`id: ${event}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

type Body = Record<string, any>;

function answer(method: string, path: string, query: URLSearchParams, body: Body, request: IncomingMessage, response: ServerResponse): [number, unknown] | null {
  const p = path.replace(/^\/api\/v1/, "").split("/").slice(1);
  const signedIn = /fairlead-standin=1/.test(request.headers.cookie ?? "");
  const route = `${method} /${p[0] ?? ""}${p[0] === "setup" && p[1] ? "/check" : ""}`;

  if (route === "POST /setup/check") {
    if (String(body.token).startsWith("bad")) throw new Refusal(404, "setup_link_invalid", "This link was used already or has run out. Run `fairlead-controller init --relink` to print a new one.");
    return [200, { email: me.email, expires_at: ago(-55) }];
  }
  const enter = (): [number, unknown] => {
    response.setHeader("set-cookie", "fairlead-standin=1; Path=/; HttpOnly; SameSite=Lax");
    return [200, session()];
  };
  if (route === "POST /setup") {
    if (/^password/.test(body.password)) throw new Refusal(400, "validation_failed", "The password is among the commonest.", { errors: [{ field: "password", message: "Among the commonest; choose another" }] });
    return enter();
  }
  const host = new URL(`http://${request.headers.host}`).hostname;
  const gate = outside(`${method} ${p.join("/")}`, body, query, host, enter);
  if (gate) return gate;
  if (route === "POST /invitations" && p[1] === "check") {
    if (String(body.token).startsWith("bad")) throw new Refusal(404, "invitation_invalid", "This invitation was used already, was taken back, or has run out. Ask whoever invited you for another one.");
    return [200, { org_name: org.name, role_name: "developer", email: String(body.token).startsWith("new") ? "grace@acme.example" : String(body.token).startsWith("any") ? null : me.email, invited_by: "jon@acme.example", can_register: String(body.token).startsWith("new"), expires_at: ago(-60 * 24 * 6) }];
  }
  if (route === "POST /invitations") return [200, { org_id: org.id, org_name: org.name }];
  if (!signedIn) throw new Refusal(401, "unauthenticated", "Sign in first.");
  if (`${method} ${p.join("/")}` === "GET session") return [200, session()];
  const mine = own(`${method} ${p.join("/")}`, body, host, session);
  if (mine) return mine;
  if (route === "DELETE /session") {
    response.setHeader("set-cookie", "fairlead-standin=; Path=/; Max-Age=0");
    return [204, null];
  }
  if (route === "GET /sessions") {
    const entry = (current: boolean, user_agent: string, address: string, minutes: number) => ({ id: id("ses"), current, user_agent, address, method: current ? ("password" as const) : ("passkey" as const), issuer: "", second_factor: !current, created_at: ago(minutes + 300), last_used_at: ago(minutes), expires_at: ago(-9000) });
    return [200, list([entry(true, request.headers["user-agent"] ?? "", "203.0.113.7", 0), entry(false, "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "198.51.100.23", 640)])];
  }
  if (p[0] === "sessions") return [204, null];
  if (p[0] === "password") {
    if (body.current === "wrong") throw new Refusal(400, "validation_failed", "The present password is not right.", { errors: [{ field: "current", message: "Not your present password" }] });
    return [204, null];
  }
  if (route === "GET /permissions") return [200, list(table, 200)];
  if (route === "GET /sign-in-options") return [200, { password: true, passkeys: true, registration: "open", mail: true, providers: [{ slug: "google", name: "Google", kind: "google" }], problem: null }];
  if (route === "GET /connect") {
    if (!people.visit) throw new Refusal(404, "no_connect_session", "You are in no Connect-As session.");
    return [200, people.visit];
  }
  if (route === "DELETE /connect") {
    people.visit = null;
    return [204, null];
  }
  if (route === "POST /orgs" && !p[1]) {
    const made = { id: id("org"), name: body.name, slug: String(body.name).toLowerCase().replace(/[^a-z0-9]+/g, "-") };
    people.others.push(made);
    return [201, { ...made, plan: people.plan, created_at: now() }];
  }
  if (route === "DELETE /memberships") {
    if (p[1] === org.id) throw new Refusal(409, "last_owner", "An organization has at least one owner, and you are the only one. Make somebody else an owner first.");
    people.others = people.others.filter((one) => one.id !== p[1]);
    return [204, null];
  }
  if (p[0] !== "orgs" || ![org.id, people.visit?.org.id, ...people.others.map((one) => one.id)].includes(p[1])) throw new Refusal(404, "not_found", "There is no such thing here.");

  const confirm = decodeURIComponent(String(request.headers["x-confirm"] ?? ""));
  const told = answerPeople(method, p.slice(2), body, query, confirm, (status, code, detail, more) => new Refusal(status, code, detail, more));
  if (told && (method !== "PATCH" || p[2])) return told;

  const backed = answerBackups(method, p.slice(2), body, query, confirm, free);
  if (backed) return backed;

  const imported = answerImports(method, p.slice(2), body, confirm, free);
  if (imported) return imported;

  const loggingIn = answerOdoo(method, p.slice(2), body);
  if (loggingIn) return loggingIn;

  const hooked = answerDomains(method, p.slice(2), body) ?? answerTunnelKeys(method, p.slice(2), body) ?? answerUpdates(method, p.slice(2), body) ?? answerWebhooks(method, p.slice(2), body, query) ?? answerPushes(method, p.slice(2), body);
  if (hooked) return hooked;

  const certified = answerCertificates(method, p.slice(2));
  if (certified) return certified;

  const alerted = answerAlerts(method, p.slice(2), body, query, state.servers[0]!);
  if (alerted) return alerted;

  const [, , kind, one, part, sub] = p;
  const env = kind === "environments" && one ? need(state.environments, one, "environment") : null;
  const target = kind === "servers" && one ? need(state.servers, one, "server") : null;

  switch (`${method} ${[kind, one && "{}", part, sub && "{}"].filter(Boolean).join("/")}`) {
    case "GET ":
    case "PATCH ":
      return [200, { ...org, plan: people.plan, created_at: ago(60 * 24 * 40), counts: counts() }];
    case "GET events": {
      const send = stream(response);
      const after = Number(query.get("last_event_id") ?? request.headers["last-event-id"] ?? state.events.length);
      state.events.filter((e) => e.id > after).forEach((e) => send(e.id, e.name, e.data));
      const listen = (e: (typeof state.events)[number]) => send(e.id, e.name, e.data);
      state.listeners.add(listen);
      response.on("close", () => state.listeners.delete(listen));
      return null;
    }
    case "GET environments/{}/logs":
    case "GET servers/{}/logs":
      return answerLog(query, response);
    case "GET environments/{}/mail":
      return answerMailList(query, response);
    case "GET environments/{}/mail/{}":
      return answerMail(sub!, response);
    case "DELETE environments/{}/mail":
    case "DELETE environments/{}/mail/{}":
      return [202, deleteMail(env!)];
    case "GET environments/{}/mail-settings":
      return [200, env!.type === "production" ? { ...mailSettings, available: false, capture: false, captured: false } : mailSettings];
    case "PUT environments/{}/mail-settings":
      return [200, { settings: Object.assign(mailSettings, body), operation: null }];
    case "GET servers/{}/recordings":
      return answerRecordings(response);
    case "GET servers/{}/recordings/{}":
      return answerReplay(response);
    case "GET audit/{}":
      if (one === "checkpoint") return [200, { size: state.audit.length, at: now(), note: "", key: auditKey }];
      return [200, list([{ id: id("srv"), name: "odoo-fra-1", size: state.audit.length, root: "", key: "", seen_at: now(), fork: null }])];
    case "GET audit/{}/proof": {
      // The oldest one was changed behind the log's back.
      const { seq } = need(state.audit, one, "entry");
      return [200, proofOf(state.audit.map((entry) => (entry.seq === 0 ? { ...entry, action: "server.revoke" } : entry)), seq)];
    }
    case "GET audit": {
      const wanted = query.get("action");
      return [200, list(state.audit.filter((a) => (!wanted || a.action === wanted || a.action.startsWith(`${wanted}.`)) && (!query.get("target") || a.target?.id === query.get("target")) && (!query.get("actor") || a.actor.id === query.get("actor"))))];
    }
    case "GET servers":
      return [200, list(state.servers)];
    case "GET servers/{}":
      return [200, target];
    case "PATCH servers/{}":
      Object.assign(target!, body);
      publish("server.updated", target);
      return [200, target];
    case "DELETE servers/{}":
      if (target!.environments) throw new Refusal(409, "server_in_use", `${target!.name} still has ${target!.environments} environments. Delete them first.`);
      state.servers = state.servers.filter((s) => s !== target);
      publish("server.deleted", { id: target!.id });
      return [204, null];
    case "POST servers/{}/revoke":
      Object.assign(target!, { status: "revoked", revoked_at: now() });
      publish("server.updated", target);
      return [200, target];
    case "POST servers/{}/ping":
      return [202, ping(target!)];
    case "GET servers/{}/found-environments":
      return [200, list(state.found.get(target!.id) ?? [])];
    case "POST servers/{}/found-environments/{}": {
      const held = state.found.get(target!.id) ?? [];
      const it = need(held, sub, "found environment");
      const project = need(state.projects, body.project_id, "project");
      if (project.odoo_version !== it.odoo_version) throw new Refusal(409, "not_adoptable", `This environment cannot be taken over: it runs Odoo ${it.odoo_version}. (Only the stand-in refuses this.)`);
      const made: Environment = { ...state.environments[0]!, id: it.id, slug: it.slug, name: it.name ?? it.slug, project_id: project.id, server_id: target!.id, type: it.type ?? "staging", port: it.port, status: "running", pending_changes: [], current_release: null, last_operation: null, created_at: now() };
      state.found.set(target!.id, held.filter((x) => x !== it));
      state.environments.push(made);
      publish("environment.updated", made);
      return [201, made];
    }
    case "GET servers/{}/metrics":
      return answerMetrics(one!, query, target!.status === "offline" ? Date.now() - 187 * 60_000 : Infinity);
    case "GET environments/{}/metrics":
      return answerMetrics(one!, query, env!.current_release ? Infinity : 0);
    case "GET registration-tokens":
      return [200, list(state.tokens)];
    case "POST registration-tokens": {
      const token = { id: id("tok"), name: body.name, labels: body.labels ?? {}, status: "active" as const, max_uses: body.max_uses ?? 1, uses: 0, expires_at: ago(-(body.expires_in_s ?? 3600) / 60), created_at: now(), created_by: { id: me.id, email: me.email } };
      state.tokens.unshift(token);
      enrolSoon(token);
      return [201, { registration_token: token, token: "flt_4f9KXn2v8b0qJm7RtZc1yWd5", command: "curl -fsSL --pinnedpubkey sha256//Zk3f0aVbQmT2 -k https://fairlead.acme.example:8443/install.sh | sudo bash -s -- --token flt_4f9KXn2v8b0qJm7RtZc1yWd5" }];
    }
    case "DELETE registration-tokens/{}":
      need(state.tokens, one, "token").status = "revoked";
      return [204, null];
    case "GET git-credentials":
      return [200, list(state.credentials)];
    case "POST git-credentials": {
      const made = { id: id("gcr"), name: body.name, host: body.host, kind: body.kind, username: body.username ?? null, fingerprint: null, created_at: now(), created_by: { id: me.id, email: me.email } };
      state.credentials.push(made);
      return [201, made];
    }
    case "DELETE git-credentials/{}":
      if (state.projects.some((x) => x.addons.some((a) => a.credential_id === one))) throw new Refusal(409, "credential_in_use", "Project Acme uses this credential. Choose another one there first.");
      state.credentials = state.credentials.filter((c) => c.id !== one);
      return [204, null];
    case "GET projects":
      return [200, list(state.projects)];
    case "POST projects": {
      if (/pull\//.test(JSON.stringify(body))) throw new Refusal(400, "validation_failed", "One field is not right.", { errors: [{ field: "odoo_source.branch", message: "“pull/…” can bring in a stranger's code; name a branch of the repository" }] });
      const made: Project = { id: id("prj"), slug: "x", environments: { development: 0, staging: 0, production: 0 }, created_at: now(), name: body.name, odoo_version: body.odoo_version, odoo_source: body.odoo_source, addons: body.addons ?? [] };
      state.projects.push(made);
      publish("project.updated", made);
      return [201, made];
    }
    case "GET projects/{}":
      return [200, need(state.projects, one, "project")];
    case "PATCH projects/{}": {
      const held = Object.assign(need(state.projects, one, "project"), body);
      publish("project.updated", held);
      return [200, held];
    }
    case "DELETE projects/{}":
      state.projects = state.projects.filter((x) => x.id !== one);
      publish("project.deleted", { id: one });
      return [204, null];
    case "GET environments":
      return [200, list(state.environments)];
    case "POST environments": {
      const made: Environment = {
        id: id("env"), slug: String(body.name).toLowerCase().replace(/[^a-z0-9]+/g, "-"), name: body.name, project_id: body.project_id, server_id: body.server_id, type: body.type,
        branch: body.branch ?? null, port: body.port ?? 8072, url: `http://127.0.0.1:${body.port ?? 8072}`, domains: body.domains ?? [], domain_states: [], exposure: body.exposure ?? "port", exposure_detail: null, connector: { state: "none", token: null }, modules: body.modules ?? [], resources: { memory_max_bytes: null, cpu_percent: null, tasks_max: null, workers: 0, ...body.resources },
        requirements: body.requirements ?? [], system_site_packages: !!body.system_site_packages, keep_releases: body.keep_releases ?? 5, status: "new", status_detail: null, current_release: null, pending_changes: [], last_operation: null, backup: noBackup(), created_at: now(),
      };
      if (state.environments.some((e) => e.name === made.name)) throw new Refusal(400, "validation_failed", "There is an environment of this name.", { errors: [{ field: "name", message: `“${made.name}” is taken; choose another` }] });
      state.environments.push(made);
      need(state.servers, made.server_id, "server").environments++;
      publish("environment.updated", made);
      audit("environment.create", { type: "environment", id: made.id, name: made.name });
      return [201, made];
    }
    case "GET environments/{}":
      return [200, env];
    case "PATCH environments/{}":
      Object.assign(env!, body, { resources: { ...env!.resources, ...body.resources } });
      if (env!.current_release) env!.pending_changes = [{ field: "settings", summary: "changed settings" }];
      publish("environment.updated", env);
      return [200, env];
    case "DELETE environments/{}": {
      if (confirm !== env!.name) throw new Refusal(409, "confirmation_mismatch", `The name typed was “${confirm}”, the environment's is “${env!.name}”.`);
      return [202, free(env!, () => remove(env!))];
    }
    case "POST environments/{}/preflight":
      return [202, preflight(env!)];
    case "POST environments/{}/deploy":
      return [202, free(env!, () => Object.assign(deploy(env!), { note: body.note ?? null }))];
    case "POST environments/{}/rollback":
      return [202, free(env!, () => rollback(env!, body.release_id))];
    case "POST environments/{}/start":
    case "POST environments/{}/stop":
    case "POST environments/{}/restart":
      return [202, free(env!, () => simple(env!, part as "start"))];
    case "GET environments/{}/releases":
      return [200, list(state.releases.filter((r) => r.environment_id === env!.id))];
    case "GET environments/{}/variables":
      return [200, list(state.variables.get(env!.id) ?? [])];
    case "PUT environments/{}/variables/{}": {
      const held = (state.variables.get(env!.id) ?? []).filter((v) => v.name !== sub);
      const made = { name: sub!, secret: !!body.secret, value: body.secret ? null : body.value, updated_at: now(), updated_by: { id: me.id, email: me.email } };
      state.variables.set(env!.id, [...held, made].sort((a, b) => a.name.localeCompare(b.name)));
      return [200, made];
    }
    case "DELETE environments/{}/variables/{}":
      state.variables.set(env!.id, (state.variables.get(env!.id) ?? []).filter((v) => v.name !== sub));
      return [204, null];
    case "PUT environments/{}/connector-token":
      env!.connector = { ...env!.connector, token: { tunnel_id: "6ff42ae2-765d-4adf-8112-31c55c1551ef", set_at: now(), set_by: { id: me.id, email: me.email } } };
      return [200, env!.connector.token];
    case "DELETE environments/{}/connector-token":
      env!.connector = { ...env!.connector, token: null };
      return [204, null];
    case "GET operations": {
      const fits = (o: Operation) =>
        (!query.get("environment") || o.target.id === query.get("environment")) && (!query.get("server") || o.server_id === query.get("server")) && (!query.get("state") || o.state === query.get("state")) && (!query.get("kind") || o.kind === query.get("kind"));
      return [200, list(state.operations.filter(fits), Number(query.get("limit") ?? 50))];
    }
    case "GET operations/{}":
      return [200, need(state.operations, one, "operation")];
    case "GET operations/{}/log":
      return [200, { data: (state.logs.get(one!) ?? []).filter((l) => l.seq > Number(query.get("after") ?? 0)), next_after: null }];
    case "GET operations/{}/events": {
      const op = need(state.operations, one, "operation");
      const send = stream(response);
      let n = 0;
      send(++n, "operation", op);
      (state.logs.get(op.id) ?? []).forEach((line) => send(++n, "log", line));
      const listen = (name: string, data: unknown) => send(++n, name, data);
      const held = state.opListeners.get(op.id) ?? new Set();
      state.opListeners.set(op.id, held.add(listen));
      response.on("close", () => held.delete(listen));
      return null;
    }
    case "POST operations/{}/cancel": {
      const op = need(state.operations, one, "operation");
      op.cancel_requested = true;
      publish("operation.updated", op);
      return [202, op];
    }
  }
  throw new Refusal(404, "not_found", `There is no route ${method} ${path}.`);
}

function free(env: Environment, act: () => Operation): Operation {
  const last = state.operations.find((o) => o.id === env.last_operation?.id);
  if (last && ["queued", "delivered", "running"].includes(last.state) && last.kind !== "environment.preflight")
    throw new Refusal(409, "operation_in_progress", `${env.name} is busy with another operation. Wait for it, or cancel it.`, { operation_id: last.id });
  return act();
}

function counts() {
  return {
    servers: state.servers.length,
    servers_online: state.servers.filter((s) => s.status === "online").length,
    projects: state.projects.length,
    environments: state.environments.length,
    environments_running: state.environments.filter((e) => e.status === "running").length,
    operations_active: state.operations.filter((o) => ["queued", "delivered", "running"].includes(o.state)).length,
  };
}

const types: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

function file(path: string, response: ServerResponse) {
  const wanted = join("dist", normalize(path));
  const found = existsSync(wanted) && statSync(wanted).isFile() ? wanted : "dist/index.html";
  response.writeHead(200, { "content-type": types[extname(found)] ?? "application/octet-stream", "content-security-policy": csp, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  createReadStream(found).pipe(response);
}

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://standin");
  if (!url.pathname.startsWith("/api/")) return file(url.pathname, response);
  let text = "";
  request.on("data", (chunk) => (text += chunk));
  request.on("end", () => {
    try {
      const result = answer(request.method ?? "GET", url.pathname, url.searchParams, text ? JSON.parse(text) : {}, request, response);
      if (!result) return;
      const [status, data] = result;
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(data === null ? undefined : JSON.stringify(data));
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, "internal", String(error));
      const titles: Record<string, string> = { unauthenticated: "Not signed in", not_found: "Not there", validation_failed: "Please look at the form", sign_in_failed: "Not signed in", operation_in_progress: "Busy" };
      const problem: Problem = { type: `urn:fairlead:problem:${refusal.code}`, title: titles[refusal.code] ?? "Refused", status: refusal.status, detail: refusal.message, code: refusal.code, request_id: "req-standin", ...refusal.more };
      response.writeHead(refusal.status, { "content-type": "application/problem+json" });
      response.end(JSON.stringify(problem));
    }
  });
}).listen(Number(process.env.STANDIN_PORT ?? 5180), "127.0.0.1", () => console.log(`stand-in for the controller (development only): http://127.0.0.1:${process.env.STANDIN_PORT ?? 5180}/`));
