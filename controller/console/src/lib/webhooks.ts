import type { Webhook, WebhookError, WebhookEvent } from "../api/types";

/** By subject, in the order in which a form shows them; a word for each. */
export const eventGroups: { title: string; events: [WebhookEvent, string][] }[] = [
  {
    title: "Deployments",
    events: [
      ["deployment.started", "A deployment started"],
      ["deployment.succeeded", "A deployment succeeded"],
      ["deployment.failed", "A deployment failed"],
      ["deployment.cancelled", "A deployment was cancelled"],
      ["deployment.rolled_back", "An environment was rolled back"],
    ],
  },
  {
    title: "Environments",
    events: [
      ["environment.created", "An environment was created"],
      ["environment.deleted", "An environment was deleted"],
      ["environment.started", "An environment was started"],
      ["environment.stopped", "An environment was stopped"],
      ["environment.restarted", "An environment was restarted"],
      ["environment.status_changed", "An environment's state changed"],
    ],
  },
  {
    title: "Backups",
    events: [
      ["backup.succeeded", "A backup was made"],
      ["backup.failed", "A backup failed"],
      ["drill.succeeded", "A drill passed"],
      ["drill.failed", "A drill failed"],
    ],
  },
  {
    title: "Servers",
    events: [
      ["server.enrolled", "A server was enrolled"],
      ["server.online", "A server connected"],
      ["server.offline", "A server is not connected any more"],
      ["server.revoked", "A server was revoked"],
    ],
  },
  {
    title: "Domains",
    events: [
      ["domain.verified", "A domain was proved"],
      ["domain.failed", "A domain's proof was not found"],
    ],
  },
  {
    title: "Alerts",
    events: [
      ["alert.fired", "An alert began"],
      ["alert.cleared", "An alert is over"],
    ],
  },
  { title: "Audit log", events: [["audit.checkpoint", "A new checkpoint was signed"]] },
];

export const allEvents: WebhookEvent[] = eventGroups.flatMap(({ events }) => events.map(([code]) => code));

/** "all", a few by name, or how many of which subjects. */
export function chosenWords(events: readonly WebhookEvent[]): string {
  if (!events.length) return "all events";
  if (events.length <= 2) return events.join(", ");
  const subjects = eventGroups.filter((group) => group.events.some(([code]) => events.includes(code))).map(({ title }) => title.toLowerCase());
  return `${events.length} events: ${subjects.join(", ")}`;
}

export interface WebhookDraft {
  url: string;
  description: string;
  all: boolean;
  chosen: WebhookEvent[];
}

export function draftOf(webhook: Webhook | null): WebhookDraft {
  return { url: webhook?.url ?? "", description: webhook?.description ?? "", all: !webhook?.events.length, chosen: webhook?.events ?? [] };
}

/** As the API wants it, where none means all; null while there is something to fill in. */
export function bodyOf({ url, description, all, chosen }: WebhookDraft): { url: string; description: string; events: WebhookEvent[] } | null {
  if (!url.trim() || (!all && !chosen.length)) return null;
  return { url: url.trim(), description: description.trim(), events: all ? [] : allEvents.filter((code) => chosen.includes(code)) };
}

/** Active, and yet the newest attempt failed. */
export function inTrouble({ state, last_delivered_at: good, last_failed_at: bad }: Pick<Webhook, "state" | "last_delivered_at" | "last_failed_at">): boolean {
  return state === "active" && bad !== null && (good === null || bad > good);
}

/** What people call it: what was written about it, else the receiver's host. */
export function nameOf({ description, url }: Pick<Webhook, "description" | "url">): string {
  return description || hostOf(url);
}

export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

const cures: Record<string, string> = {
  redirect_refused: "Redirects are not followed. Enter the address that it leads to.",
  gone: "The receiver answered that it wants nothing more. If that was a mistake, turn the webhook on again.",
  webhook_disabled: "Turn the webhook on, then send this again.",
  webhook_queue_full: "The receiver takes less than comes in. Choose fewer events or make it faster, then send again what is missing.",
  url_refused: "Enter an https address whose name leads to the public internet. Only whoever runs this controller can allow a host inside their network.",
  address_refused: "Its name leads to an address inside a network. Only whoever runs this controller can allow such a host.",
  outbound_unreachable: "Look whether the name is right, the receiver runs, and its firewall lets this controller in.",
  outbound_tls: "Look at the receiver's certificate: it must be for this name, whole with its chain, not run out, and from a public authority; and TLS 1.2 or newer must be on.",
  outbound_cut: "It closed the connection or did not answer in time. Let it answer first with any 2xx, and do the work after that.",
  outbound_too_large: "It answered with more than anybody reads. Let it answer with any 2xx and a short body, or none.",
  outbound_busy: "Too many requests were under way at this moment; the receiver is not to blame, and it is tried again by itself.",
  outbound_stopped: "The controller was stopped meanwhile; the receiver is not to blame. It is sent again after the controller's start.",
  egress_missing: "The controller's own way out is not running; the receiver is not to blame. Whoever runs the controller has to look at fairlead-egress.",
};

/** What to do about an attempt that did not succeed; empty where there is nothing to say beyond the error itself. */
export function cureOf({ code }: WebhookError, status: number | null): string {
  if (code !== "answered_badly" || status === null) return cures[code] ?? "";
  if (status === 401 || status === 403) return "The receiver refused it. Look whether it verifies by the present secret, and wants no other log-in before that.";
  if (status === 404 || status === 405) return "Nothing there takes a POST. Look at the path of the address.";
  if (status === 413) return "The receiver, or a proxy before it, takes no body of this size. Allow at least 64 KiB.";
  if (status === 429) return "The receiver asks for a slower pace. Choose fewer events, or let it take more.";
  if (status >= 500) return "The receiver itself failed. Its own log says why.";
  return "Any answer of 2xx counts as taken; this was another one. The receiver's log may say why.";
}

/** The body laid out for reading; null where it is no JSON. */
export function laidOut(payload: string): string | null {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return null;
  }
}
