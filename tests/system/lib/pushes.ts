// What GitHub, GitLab, Bitbucket Cloud and Gitea send for a push: headers and bodies in the shapes of their public
// documentation of webhooks, cut to what tells one push from another. None of these services is asked.
import { createHmac, randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import type { Answer, Api, Problem } from "./api.ts";
import type { OperationState } from "./types.ts";

export type Provider = "github" | "gitlab" | "bitbucket" | "gitea";

export interface PushDeploy {
  environment_id: string;
  set_up: boolean;
  enabled: boolean;
  url: string | null;
  repositories: string[] | null;
  sources: { name: string; url: string; branch: string; counts: boolean }[];
  waiting: string | null;
  refused: { count: number; last_at: string | null };
}

export interface Push {
  id: string;
  provider: Provider;
  event: string;
  branch: string | null;
  commit: string | null;
  outcome: "queued" | "waiting" | "replaced" | "ignored" | "refused";
  reason: string | null;
  operation_id: string | null;
}

export interface PushAnswer extends Partial<Problem> {
  outcome: Push["outcome"] | "seen_before";
  reason?: string;
  operation_id?: string;
  state?: OperationState;
}

export interface Hook {
  url: string;
  secret: string;
}

/** Sets it up; the address and the secret as somebody would paste them into the repository's settings. */
export async function setUpPushes(api: Api, environment: string, settings: Record<string, unknown> = {}): Promise<Hook> {
  const made = await api.post<{ push_deploy: PushDeploy; secret: string }>(`${environment}/push-deploy`, settings);
  return { url: made.push_deploy.url!, secret: made.secret };
}

export interface Sent {
  url: string;
  branch?: string;
  commit?: string;
  delivery?: string;
  /** In place of the hook's. */
  secret?: string;
  /** GitLab alone: the secret is the hook's signing token, as it is since 19.1, in place of its secret token. */
  signingToken?: boolean;
  /** "refs/heads/<branch>" unless it is given. */
  ref?: string;
}

/** The body of a push, and the headers but for the signature. */
function written(provider: Provider, sent: Sent): { body: Record<string, unknown>; headers: Record<string, string> } {
  const { url, branch = "19.0", commit = "1".repeat(40), delivery = randomUUID(), ref = `refs/heads/${branch}` } = sent;
  const path = new URL(url).pathname.replace(/^\//, "").replace(/\.git$/, "");
  const page = url.replace(/\.git$/, "");
  const before = "2".repeat(40);
  switch (provider) {
    case "github":
      return {
        headers: { "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery, "X-GitHub-Hook-ID": "7", "User-Agent": "GitHub-Hookshot/044aadd" },
        body: {
          ref, before, after: commit, created: false, deleted: /^0+$/.test(commit), forced: false, base_ref: null,
          repository: { id: 1, full_name: path, private: true, html_url: page, clone_url: url, ssh_url: `git@git.example.org:${path}.git`, pushed_at: Math.floor(Date.now() / 1000) },
          pusher: { name: "octocat", email: "octocat@example.org" }, sender: { login: "octocat", type: "User" },
          commits: [{ id: commit, message: "Sell more", distinct: true }], head_commit: { id: commit },
        },
      };
    case "gitlab":
      return {
        headers: { "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": delivery, "X-Gitlab-Instance": "https://gitlab.example.org", "User-Agent": "GitLab/17.0" },
        body: {
          object_kind: "push", event_name: "push", before, after: commit, ref, checkout_sha: commit, user_id: 4, user_name: "Jo Smith", user_username: "jsmith",
          project: { id: 15, path_with_namespace: path, web_url: page, git_http_url: url, git_ssh_url: `git@git.example.org:${path}.git`, default_branch: "main" },
          commits: [{ id: commit, message: "Sell more" }], total_commits_count: 1,
        },
      };
    case "bitbucket": {
      const named = { type: ref.startsWith("refs/tags/") ? "tag" : "branch", name: ref.replace(/^refs\/\w+\//, ""), target: { type: "commit", hash: commit } };
      return {
        headers: { "X-Event-Key": "repo:push", "X-Request-UUID": delivery, "X-Hook-UUID": randomUUID(), "X-Attempt-Number": "1", "User-Agent": "Bitbucket-Webhooks/2.0" },
        body: {
          actor: { type: "user", display_name: "Emma", nickname: "emmap1" },
          repository: { type: "repository", full_name: path, links: { html: { href: page } }, is_private: true },
          push: { changes: [{ new: named, old: { ...named, target: { type: "commit", hash: before } }, created: false, closed: false, forced: false }] },
        },
      };
    }
    case "gitea":
      return {
        headers: { "X-Gitea-Event": "push", "X-Gitea-Delivery": delivery, "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery, "User-Agent": "Go-http-client/1.1" },
        body: {
          ref, before, after: commit, compare_url: `${page}/compare`, commits: [{ id: commit, message: "Sell more", timestamp: new Date().toISOString() }],
          repository: { id: 140, full_name: path, html_url: page, ssh_url: `gitea@git.example.org:${path}.git`, clone_url: url, updated_at: new Date().toISOString() },
          pusher: { id: 1, login: "gitea", username: "gitea" }, sender: { id: 1, login: "gitea" },
        },
      };
  }
}

function signature(provider: Provider, secret: string, body: string, signingToken: boolean): Record<string, string> {
  if (signingToken) {
    const [id, at] = [randomUUID(), new Date()];
    return { "Idempotency-Key": id, "webhook-id": id, "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`, "webhook-signature": new Webhook(secret).sign(id, at, body) };
  }
  const hex = createHmac("sha256", secret).update(body).digest("hex");
  return {
    github: { "X-Hub-Signature-256": `sha256=${hex}` },
    gitlab: { "X-Gitlab-Token": secret },
    bitbucket: { "X-Hub-Signature": `sha256=${hex}` },
    gitea: { "X-Gitea-Signature": hex, "X-Hub-Signature-256": `sha256=${hex}` },
  }[provider];
}

/** Sends it as the provider does: with no session, and no page that it comes from. */
export async function sendPush(api: Api, hook: Hook, provider: Provider, sent: Sent): Promise<Answer<PushAnswer>> {
  const { body, headers } = written(provider, sent);
  const raw = JSON.stringify(body);
  const stranger = api.stranger();
  const answer = await stranger.send<PushAnswer>("POST", new URL(hook.url).pathname, {
    raw, headers: { "Content-Type": "application/json", ...headers, ...signature(provider, sent.secret ?? hook.secret, raw, sent.signingToken ?? false) },
  });
  stranger.close();
  return answer;
}
