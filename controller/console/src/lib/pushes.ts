import type { Push, PushDeploy } from "../api/types";
import { hostIn } from "./domains";

export type Provider = Push["provider"];

export interface Instructions {
  title: string;
  /** Where its page for webhooks is. */
  where: string;
  /** Its fields by the names that they have there; `url` and `secret` stand for what Fairlead gives. */
  fields: [name: string, value: string | { gives: "url" | "secret" }][];
  /** How to see that it works. */
  proof: string;
}

const url = { gives: "url" } as const;
const secret = { gives: "secret" } as const;

export const providers: Record<Provider, Instructions> = {
  github: {
    title: "GitHub",
    where: "On the repository's page open Settings → Webhooks → Add webhook.",
    fields: [
      ["Payload URL", url],
      ["Content type", "application/json"],
      ["Secret", secret],
      ["SSL verification", "Enable SSL verification"],
      ["Which events", "Just the push event"],
      ["Active", "ticked"],
    ],
    proof: "GitHub sends a ping as soon as the webhook is added: it stands below within seconds, and deploys nothing.",
  },
  gitlab: {
    title: "GitLab",
    where: "In the project open Settings → Webhooks → Add new webhook.",
    fields: [
      ["URL", url],
      ["Secret token", secret],
      ["Trigger", "Push events, and no other"],
      ["SSL verification", "Enable SSL verification"],
    ],
    proof: "In the list of webhooks choose Test → Push events. GitLab sends the newest commit of the default branch: if that is a branch that counts, it is deployed. GitLab always sends JSON.",
  },
  bitbucket: {
    title: "Bitbucket",
    where: "In the repository open Repository settings → Webhooks → Add webhook.",
    fields: [
      ["Title", "Fairlead"],
      ["URL", url],
      ["Secret", secret],
      ["Status", "Active"],
      ["SSL / TLS", "leave the check of the certificate on"],
      ["Triggers", "Repository push"],
    ],
    proof: "Bitbucket has no test for it: push a commit, and it stands below. Bitbucket always sends JSON.",
  },
  gitea: {
    title: "Gitea or Forgejo",
    where: "In the repository open Settings → Webhooks → Add webhook, and choose Gitea or Forgejo.",
    fields: [
      ["Target URL", url],
      ["HTTP method", "POST"],
      ["POST content type", "application/json"],
      ["Secret", secret],
      ["Trigger on", "Push events"],
      ["Branch filter", "*, which stands there already"],
      ["Active", "ticked"],
    ],
    proof: "Open the webhook again and send a test delivery: it stands below within seconds.",
  },
};

/** Whose instructions to show first; what is not known is most likely a Gitea or Forgejo of one's own. */
export function providerOf(repository: string): Provider {
  const host = hostIn(repository);
  if (host === "github.com" || host.startsWith("github.")) return "github";
  if (host === "bitbucket.org") return "bitbucket";
  if (host === "gitlab.com" || host.startsWith("gitlab.")) return "gitlab";
  return "gitea";
}

type Source = PushDeploy["sources"][number];

/** As the API wants it: null is all of them, also those that the project gets later. */
export function repositoriesOf(sources: readonly Pick<Source, "name">[], counting: readonly string[]): string[] | null {
  const names = sources.map(({ name }) => name).filter((name) => counting.includes(name));
  return names.length === sources.length ? null : names;
}

export const outcomes = {
  queued: ["good", "Deploys"],
  waiting: ["busy", "Waits"],
  replaced: ["dim", "Overtaken"],
  ignored: ["idle", "Nothing to do"],
  refused: ["bad", "Not deployed"],
} as const satisfies Record<Push["outcome"], [string, string]>;

/** What to do about a push that deployed nothing; empty where nothing is wrong. */
export function cureOf({ reason }: Pick<Push, "reason">): string {
  switch (reason) {
    case "other_repository":
      return "Tick it above, or add it to the project, if it should.";
    case "other_branch":
      return "Choose that branch in the project or in the environment's settings, if it should.";
    case "switched_off":
      return "Turn push deploys on above.";
    case "server_revoked":
      return "Enrol its server again, or move the environment to another one.";
    default:
      return "";
  }
}

/** Requests with a wrong signature and no good one after them: the repository holds another secret. */
export function secretDiffers({ refused, secret_made_at }: Pick<PushDeploy, "refused" | "secret_made_at">, newest: Pick<Push, "received_at"> | undefined): boolean {
  if (!refused.count || !refused.last_at) return false;
  if (!newest || (secret_made_at && newest.received_at < secret_made_at)) return true;
  return newest.received_at < refused.last_at;
}

/** For how long the secret before a new one goes on counting. */
export const keeps: { value: string; label: string }[] = [
  { value: "0", label: "Not at all: it ends now" },
  { value: "3600", label: "1 hour" },
  { value: "21600", label: "6 hours" },
  { value: "86400", label: "24 hours" },
];
