import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import { keys } from "../api/keys";
import type { Backup, Environment, Operation, Push, Release, StepEvent, WebhookDelivery } from "../api/types";
import { markGone } from "./gone";
import { isFinal, newerOperation, withItem, withoutItem, withStep } from "./reduce";

export const orgEvents = [
  "reset",
  "server.updated",
  "server.deleted",
  "terminal.updated",
  "terminal.deleted",
  "ssh_keys.updated",
  "agent_rollout.updated",
  "alerts.updated",
  "project.updated",
  "project.deleted",
  "environment.updated",
  "environment.deleted",
  "operation.updated",
  "operation.step",
  "release.updated",
  "storage.updated",
  "storage.deleted",
  "backup.updated",
  "backup.deleted",
  "import.updated",
  "import.deleted",
  "copy.updated",
  "certificate.updated",
  "certificate.deleted",
  "custom_hostname.updated",
  "custom_hostname.deleted",
  "domain.updated",
  "domain.deleted",
  "webhook.updated",
  "webhook.deleted",
  "webhook.delivery",
  "push_deploy.updated",
  "push.updated",
] as const;

type Pages<T> = InfiniteData<{ data: T[]; next_cursor: string | null }>;

interface Thing {
  id: string;
  status?: string;
}

/** Subjects that are held as a list and one by one: each `<name>.updated` and `<name>.deleted` is handled alike. */
const things: Record<string, { list: (org: string) => QueryKey; one: (org: string, id: string) => QueryKey; fresh?: (org: string) => QueryKey }> = {
  server: { list: keys.servers, one: keys.server, fresh: keys.tokens }, // a new server has used a token
  project: { list: keys.projects, one: keys.project },
  storage: { list: keys.storages, one: keys.storage },
  certificate: { list: keys.certificates, one: keys.certificate },
  custom_hostname: { list: keys.customHostnames, one: keys.customHostname },
  domain: { list: keys.domains, one: keys.domain },
  webhook: { list: keys.webhooks, one: keys.webhook },
  environment: { list: keys.environments, one: keys.environment, fresh: keys.founds }, // a new one may be one that was found
};

/** Puts one event of the organization's stream into what is held, so that every page shows it without a fetch. */
export function applyOrgEvent(client: QueryClient, org: string, name: string, data: unknown) {
  const [subject = "", what] = name.split(".");
  const thing = things[subject];
  // What a server holds comes just after it connects and has no event of its own; its next sign of life tells.
  if (name === "server.updated") void client.invalidateQueries({ queryKey: keys.found(org, (data as Thing).id) });
  if (subject === "terminal") return void client.invalidateQueries({ queryKey: keys.allTerminals(org) });
  if (subject === "agent_rollout") return void client.invalidateQueries({ queryKey: keys.rollouts(org) });
  if (subject === "ssh_keys") return void client.invalidateQueries({ queryKey: keys.sshKeys(org, (data as Thing).id) });
  if (subject === "alerts") return void client.invalidateQueries({ queryKey: keys.allAlerts(org) });
  // How an environment's names stand follows from claims, of which it has no event of its own.
  if (subject === "domain") for (const what of ["environments", "environment"]) void client.invalidateQueries({ queryKey: ["org", org, what] });
  if (name === "environment.updated") followPolicy(client, org, data as Environment);
  if (thing && what === "updated") return applyThing(client, org, thing, data as Thing);
  if (thing && what === "deleted") {
    const { id } = data as Thing;
    markGone(id);
    client.setQueryData<Thing[]>(thing.list(org), (list) => list && withoutItem(list, id));
    return recount(client, org);
  }
  switch (name) {
    case "reset":
      return void client.invalidateQueries({ queryKey: keys.org(org) });
    case "operation.updated":
      return applyOperation(client, org, data as Operation);
    case "operation.step":
      return applyStep(client, org, data as StepEvent);
    case "release.updated":
      return applyRelease(client, org, data as Release);
    case "backup.updated":
      return applyBackup(client, org, data as Backup);
    case "import.updated":
    case "import.deleted":
      return void client.invalidateQueries({ queryKey: keys.imports(org, (data as { environment_id: string }).environment_id) });
    case "backup.deleted":
      markGone((data as Thing).id);
      return void client.invalidateQueries({ queryKey: keys.backups(org) });
    case "webhook.delivery":
      return void client.invalidateQueries({ queryKey: keys.deliveries(org, (data as WebhookDelivery).webhook_id) });
    case "push_deploy.updated":
      return void client.invalidateQueries({ queryKey: keys.pushDeploy(org, (data as Push).environment_id) });
    case "push.updated":
      void client.invalidateQueries({ queryKey: keys.pushDeploy(org, (data as Push).environment_id) }); // it tells which one waits
      return void client.invalidateQueries({ queryKey: keys.pushes(org, (data as Push).environment_id) });
    case "copy.updated":
      return void client.invalidateQueries({ queryKey: keys.copies(org) });
  }
}

function recount(client: QueryClient, org: string) {
  void client.invalidateQueries({ queryKey: keys.self(org) });
}

function applyThing(client: QueryClient, org: string, { list, one, fresh }: (typeof things)[string], now: Thing) {
  const known = client.getQueryData<Thing[]>(list(org))?.find((each) => each.id === now.id);
  client.setQueryData<Thing[]>(list(org), (held) => held && withItem(held, now, true));
  client.setQueryData<Thing>(one(org, now.id), (held) => held && now);
  // Numbers change with a thing's coming and its status; a server's heartbeat changes neither.
  if (!known || known.status !== now.status) recount(client, org);
  if (!known && fresh) void client.invalidateQueries({ queryKey: fresh(org) });
}

function applyStep(client: QueryClient, org: string, { operation_id, step }: StepEvent) {
  client.setQueryData<Operation>(keys.operation(org, operation_id), (held) => held && withStep(held, step));
  client.setQueriesData<Pages<Operation>>({ queryKey: keys.operations(org) }, (pages) =>
    mapPages(pages, (op) => (op.id === operation_id ? withStep(op, step) : op)),
  );
}

function applyRelease(client: QueryClient, org: string, release: Release) {
  const key = keys.releases(org, release.environment_id);
  const held = client.getQueryData<Pages<Release>>(key);
  if (held?.pages.some((page) => page.data.some((r) => r.id === release.id))) {
    client.setQueryData<Pages<Release>>(key, (pages) => mapPages(pages, (r) => (r.id === release.id ? release : r)));
  } else {
    void client.invalidateQueries({ queryKey: key });
  }
}

function applyBackup(client: QueryClient, org: string, backup: Backup) {
  const before = client.getQueryData<Backup>(keys.backup(org, backup.id));
  client.setQueryData<Backup>(keys.backup(org, backup.id), (held) => held && backup);
  let found: Backup | undefined;
  client.setQueriesData<Pages<Backup>>({ queryKey: [...keys.backups(org), "list"] }, (pages) =>
    mapPages(pages, (one) => {
      if (one.id !== backup.id) return one;
      found ??= one;
      return backup;
    }),
  );
  // A new one has its place in some lists, and one of another state may have come to fit a list, or ceased to.
  if (!found || found.state !== backup.state || (before && before.state !== backup.state)) void client.invalidateQueries({ queryKey: keys.backups(org) });
}

/** What the server last said of its backups is in the policy too, which has no event of its own. */
function followPolicy(client: QueryClient, org: string, now: Environment) {
  const before = client.getQueryData<Environment>(keys.environment(org, now.id));
  const ended = now.last_operation?.kind === "backup.configure" && before?.last_operation?.state !== now.last_operation.state;
  if (before && (ended || JSON.stringify(before.backup) !== JSON.stringify(now.backup))) void client.invalidateQueries({ queryKey: keys.policy(org, now.id) });
}

export function applyOperation(client: QueryClient, org: string, operation: Operation) {
  const before = client.getQueryData<Operation>(keys.operation(org, operation.id));
  client.setQueryData<Operation>(keys.operation(org, operation.id), (held) => newerOperation(held, operation));
  let found = false;
  client.setQueriesData<Pages<Operation>>({ queryKey: keys.operations(org) }, (pages) =>
    mapPages(pages, (op) => {
      if (op.id !== operation.id) return op;
      found = true;
      return newerOperation(op, operation);
    }),
  );
  if (!found) void client.invalidateQueries({ queryKey: keys.operations(org) });
  else if (before?.state !== operation.state) {
    // It may have come to fit, or ceased to fit, a list of one state.
    void client.invalidateQueries({
      queryKey: keys.operations(org),
      predicate: ({ queryKey }) => (queryKey[3] as { state?: string } | undefined)?.state !== undefined,
    });
  }
  if (!before || isFinal(before.state) !== isFinal(operation.state)) {
    recount(client, org);
  }
}

function mapPages<T>(pages: Pages<T> | undefined, change: (item: T) => T): Pages<T> | undefined {
  if (!pages) return pages;
  let changed = false;
  const next = pages.pages.map((page) => ({
    ...page,
    data: page.data.map((item) => {
      const now = change(item);
      if (now !== item) changed = true;
      return now;
    }),
  }));
  return changed ? { ...pages, pages: next } : pages;
}
