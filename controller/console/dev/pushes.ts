// The stand-in's push deploys: one environment has them, with pushes of every outcome.
import type { Environment, Push, PushDeploy } from "../src/api/types";
import { ago, id, me, now, publish, state } from "./state";

type Body = Record<string, any>;
const settings = new Map<string, PushDeploy>();
const pushes: Push[] = [];
const by = { id: me.id, email: me.email };

function sourcesOf(env: Environment, repositories: string[] | null): PushDeploy["sources"] {
  const project = state.projects.find((each) => each.id === env.project_id)!;
  return [{ name: "odoo", url: project.odoo_source.url, branch: project.odoo_source.branch }, ...project.addons.map(({ name, url, branch }) => ({ name, url, branch }))].map((one) => ({ ...one, counts: repositories?.includes(one.name) ?? true }));
}

const none = (env: Environment): PushDeploy => ({ environment_id: env.id, set_up: false, enabled: false, url: null, repositories: null, backup_first: false, sources: sourcesOf(env, null), waiting: null, secret_made_at: null, old_secret_until: null, refused: { count: 0, last_at: null }, created_at: null, created_by: null });
const made = (env: Environment): PushDeploy => ({ ...none(env), set_up: true, enabled: true, url: "https://fairlead.acme.example/api/v1/hooks/push/mzxw6ytboi4dgnbvgy3tqojqmfrggzdfabcdef", secret_made_at: now(), created_at: now(), created_by: by });
const newSecret = () => "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

export function fillPushes() {
  const stage = state.environments[1]!;
  settings.set(stage.id, { ...made(stage), created_at: ago(9000), secret_made_at: ago(9000), refused: { count: 3, last_at: ago(400) } });
  const last = state.operations.find((op) => op.target.id === stage.id);
  const push = (minutes: number, part: Partial<Push>): Push => ({ id: id("psh"), environment_id: stage.id, provider: "github", event: "push", repository: "acme/addons", branch: "19.0", commit: "3f7c19a28be0c1d2e3f4a5b6c7d8e9f001122334", pusher: "jon", outcome: "ignored", reason: null, detail: "", operation_id: null, received_at: ago(minutes), ...part });
  pushes.push(
    push(41, { outcome: "queued", detail: "Acme staging is deployed with it.", operation_id: last?.id ?? null }),
    push(60, { outcome: "replaced", reason: "newer_push", detail: "A newer push took its place, which brings the same and more." }),
    push(75, { reason: "other_branch", branch: "feature/pos", detail: "It was to the branch feature/pos; this environment is made of main of acme." }),
    push(90, { provider: "gitlab", event: "Push Hook", repository: "acme/reports", outcome: "refused", reason: "environment_stopped", detail: "Acme staging is stopped, and a deployment would start it. Start it, and send the push again.", pusher: "Mei Lin" }),
    push(9000, { event: "ping", reason: "ping", branch: null, commit: null, pusher: null, detail: "GitHub tried the hook out: it works." }),
  );
}

/** Undefined: none of these. */
export function answerPushes(method: string, parts: string[], body: Body): [number, unknown] | undefined {
  const [kind, which, part, act] = parts;
  if (kind !== "environments" || (part !== "push-deploy" && part !== "pushes")) return undefined;
  const env = state.environments.find((each) => each.id === which)!;
  if (part === "pushes") return [200, { data: pushes.filter((each) => each.environment_id === which), next_cursor: null }];
  const held = settings.get(env.id) ?? none(env);
  const told = (now: PushDeploy) => {
    now.sources = sourcesOf(env, now.repositories);
    settings.set(env.id, now);
    publish("push_deploy.updated", { environment_id: env.id });
    return now;
  };
  if (act === "rotate") return [200, { push_deploy: told({ ...held, secret_made_at: now(), refused: { count: 0, last_at: null }, old_secret_until: body.keep_old_s ? ago(-body.keep_old_s / 60) : null }), secret: newSecret() }];
  switch (method) {
    case "POST":
      setTimeout(() => {
        pushes.unshift({ id: id("psh"), environment_id: env.id, provider: "github", event: "ping", repository: "acme/addons", branch: null, commit: null, pusher: null, outcome: "ignored", reason: "ping", detail: "GitHub tried the hook out: it works.", operation_id: null, received_at: now() });
        publish("push.updated", pushes[0]);
      }, 6000);
      return [201, { push_deploy: told({ ...made(env), ...body }), secret: newSecret() }];
    case "PATCH":
      return [200, told({ ...held, ...body })];
    case "DELETE":
      settings.delete(env.id);
      publish("push_deploy.updated", { environment_id: env.id });
      return [204, null];
    default:
      return [200, held];
  }
}
