// The stand-in's webhooks. A receiver whose address has "bad" in it fails, one with "slow" does not answer.
import { randomBytes } from "node:crypto";
import type { Webhook, WebhookAttempt, WebhookDelivery, WebhookEvent } from "../src/api/types";
import { Refusal } from "./account";
import { ago, audit, id, me, now, publish, state } from "./state";

type Body = Record<string, any>;
interface Held {
  delivery: WebhookDelivery;
  payload: string;
  tries: WebhookAttempt[];
}

const webhooks: Webhook[] = [];
const held: Held[] = [];
const by = { id: me.id, email: me.email };
const newSecret = () => `whsec_${randomBytes(32).toString("base64")}`;

function row(url: string, part: Partial<Webhook> = {}): Webhook {
  const one: Webhook = { id: id("whk"), url, description: "", events: [], state: "active", disabled: null, waiting: 0, last_delivered_at: null, last_failed_at: null, secret_rotated_at: null, old_secret_until: null, created_at: now(), created_by: by, ...part };
  webhooks.unshift(one);
  return one;
}

function payloadOf(event: string): string {
  const env = state.environments[0];
  const deployment = {
    operation_id: id("op"), kind: "environment.deploy", environment_id: env?.id, environment_name: env?.name, project_id: env?.project_id, server_id: env?.server_id,
    release_id: null, error: event.endsWith("failed") ? { code: "migration_failed", step: "migrate" } : null,
  };
  return JSON.stringify({ type: event, timestamp: now(), data: { ...(event === "webhook.test" ? {} : deployment), organization_id: id("org") } });
}

function attempt(webhook: Webhook, number: number, minutes = 0): WebhookAttempt {
  const base = { number, at: ago(minutes) };
  if (/slow/.test(webhook.url)) return { ...base, duration_ms: 15_000, status: null, error: { code: "outbound_cut", message: "hooks.slow.example did not answer within 15 s." }, response: null };
  if (/bad/.test(webhook.url)) return { ...base, duration_ms: 84, status: 503, error: { code: "answered_badly", message: "The receiver answered 503 Service Unavailable; only 2xx counts as taken." }, response: "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.</body></html>" };
  return { ...base, duration_ms: 182 + number * 11, status: 204, error: null, response: null };
}

function tried(one: Held, webhook: Webhook, tries: WebhookAttempt, last: boolean) {
  one.tries.unshift(tries);
  const good = !tries.error;
  Object.assign(one.delivery, { attempts: one.tries.length, status: tries.status, error: tries.error, state: good ? "delivered" : last ? "failed" : "waiting", delivered_at: good ? tries.at : null, next_attempt_at: good || last ? null : ago(-2) });
  if (good) webhook.last_delivered_at = tries.at;
  else webhook.last_failed_at = tries.at;
}

function send(webhook: Webhook, event: string): Held {
  const one: Held = { delivery: { id: id("msg"), webhook_id: webhook.id, event, state: "waiting", attempts: 0, created_at: now(), next_attempt_at: now(), delivered_at: null, status: null, error: null }, payload: payloadOf(event), tries: [] };
  held.unshift(one);
  later(one, webhook, event === "webhook.test");
  return one;
}

function later(one: Held, webhook: Webhook, last: boolean) {
  publish("webhook.delivery", one.delivery);
  setTimeout(() => {
    tried(one, webhook, attempt(webhook, one.tries.length + 1), last);
    publish("webhook.delivery", one.delivery);
    publish("webhook.updated", webhook);
  }, 1800);
}

function past(webhook: Webhook, event: WebhookEvent | "webhook.test", minutes: number, attempts: number, last = true) {
  const one: Held = { delivery: { id: id("msg"), webhook_id: webhook.id, event, state: "waiting", attempts: 0, created_at: ago(minutes), next_attempt_at: null, delivered_at: null, status: null, error: null }, payload: payloadOf(event), tries: [] };
  for (let n = 1; n <= attempts; n++) tried(one, webhook, attempt(webhook, n, minutes - n * 0.4), last && n === attempts);
  held.push(one);
  return one;
}

export function fillWebhooks() {
  const good = row("https://chat.acme.example/hooks/fairlead/T04F9KX2V8B", { description: "Team chat", events: ["deployment.failed", "backup.failed", "drill.failed", "server.offline"], created_at: ago(9000) });
  past(good, "backup.failed", 12, 1);
  past(good, "deployment.failed", 41, 1);
  past(good, "server.offline", 187, 1);
  past(good, "webhook.test", 300, 1);
  const bad = row("https://bad.tickets.example/api/v2/incoming", { description: "Tickets", created_at: ago(20_000), old_secret_until: ago(-60 * 9), secret_rotated_at: ago(60 * 15) });
  past(bad, "deployment.succeeded", 3, 2, false);
  bad.waiting = 1;
  const lost = past(bad, "backup.succeeded", 2000, 8);
  const slow = row("https://hooks.slow.example/", { created_at: ago(50_000) });
  const end = past(slow, "environment.status_changed", 3000, 8);
  Object.assign(slow, { state: "failing", disabled: { at: ago(60), code: "retries_exhausted", message: "hooks.slow.example did not answer within 15 s at the last of 8 attempts.", delivery_id: end.delivery.id } });
  void lost;
}

function change(one: Webhook, body: Body) {
  if (body.url && !String(body.url).startsWith("https://")) throw new Refusal(400, "validation_failed", "One field is not right.", { errors: [{ field: "url", message: "must begin with https://: nothing is sent unencrypted" }] });
  const { enabled, ...rest } = body;
  Object.assign(one, rest);
  if (enabled === true) Object.assign(one, { state: "active", disabled: null });
  if (enabled === false) Object.assign(one, { state: "disabled", waiting: 0, disabled: { at: now(), code: "by_user", message: `${me.email} turned it off.`, delivery_id: null } });
  publish("webhook.updated", one);
  return one;
}

/** Undefined: none of these. */
export function answerWebhooks(method: string, parts: string[], body: Body, query: URLSearchParams): [number, unknown] | undefined {
  const [kind, which, part, wanted, act] = parts;
  if (kind !== "webhooks") return undefined;
  if (!which && method === "GET") return [200, { data: webhooks, next_cursor: null }];
  if (!which) {
    const made = change(row(""), body);
    audit("webhook.create", { type: "webhook", id: made.id, name: made.url });
    return [201, { webhook: made, secret: newSecret() }];
  }
  const one = webhooks.find((each) => each.id === which);
  if (!one) throw new Refusal(404, "not_found", "There is no such webhook.");
  if (part === "rotate-secret") {
    Object.assign(one, { secret_rotated_at: now(), old_secret_until: body.grace_s ? ago(-body.grace_s / 60) : null });
    publish("webhook.updated", one);
    return [200, { webhook: one, secret: newSecret() }];
  }
  if (part === "test") return [202, send(one, "webhook.test").delivery];
  if (part === "deliveries") {
    const found = held.find(({ delivery }) => delivery.id === wanted && delivery.webhook_id === which);
    if (wanted && !found) throw new Refusal(404, "not_found", "There is no such delivery. They are kept for 30 days.");
    if (act === "replay") {
      if (one.state !== "active") throw new Refusal(409, "webhook_disabled", "The webhook is turned off. Turn it on, then send this again.");
      Object.assign(found!.delivery, { state: "waiting", next_attempt_at: now() });
      later(found!, one, true);
      return [202, found!.delivery];
    }
    if (found) return [200, found];
    const fits = ({ delivery }: Held) => delivery.webhook_id === which && (!query.get("state") || delivery.state === query.get("state")) && (!query.get("event") || delivery.event === query.get("event"));
    return [200, { data: held.filter(fits).map(({ delivery }) => delivery), next_cursor: null }];
  }
  if (method === "PATCH") return [200, change(one, body)];
  if (method === "DELETE") {
    webhooks.splice(webhooks.indexOf(one), 1);
    publish("webhook.deleted", { id: one.id });
    return [204, null];
  }
  return [200, one];
}
