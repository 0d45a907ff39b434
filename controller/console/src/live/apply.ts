import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import { keys } from "../api/queries";
import type { Environment, Operation, Project, Release, Server, StepEvent } from "../api/types";
import { markGone } from "./gone";
import { isFinal, newerOperation, withItem, withoutItem, withStep } from "./reduce";

export const orgEvents = [
  "reset",
  "server.updated",
  "server.deleted",
  "project.updated",
  "project.deleted",
  "environment.updated",
  "environment.deleted",
  "operation.updated",
  "operation.step",
  "release.updated",
] as const;

type Pages<T> = InfiniteData<{ data: T[]; next_cursor: string | null }>;

/** Puts one event of the organization's stream into what is held, so that every page shows it without a fetch. */
export function applyOrgEvent(client: QueryClient, org: string, name: string, data: unknown) {
  if (name.endsWith(".deleted")) markGone((data as { id: string }).id);
  const recount = () => void client.invalidateQueries({ queryKey: [...keys.org(org), "self"] });

  switch (name) {
    case "reset":
      void client.invalidateQueries({ queryKey: keys.org(org) });
      return;
    case "server.updated": {
      const server = data as Server;
      const known = client.getQueryData<Server[]>(keys.servers(org))?.find((s) => s.id === server.id);
      client.setQueryData<Server[]>(keys.servers(org), (list) => list && withItem(list, server, true));
      client.setQueryData<Server>(keys.server(org, server.id), (held) => held && server);
      if (known?.status !== server.status) recount();
      if (!known) void client.invalidateQueries({ queryKey: keys.tokens(org) });
      return;
    }
    case "server.deleted":
      client.setQueryData<Server[]>(keys.servers(org), (list) => list && withoutItem(list, (data as { id: string }).id));
      recount();
      return;
    case "project.updated":
      client.setQueryData<Project>(keys.project(org, (data as Project).id), (held) => held && (data as Project));
      client.setQueryData<Project[]>(keys.projects(org), (list) => list && withItem(list, data as Project, true));
      recount();
      return;
    case "project.deleted":
      client.setQueryData<Project[]>(keys.projects(org), (list) => list && withoutItem(list, (data as { id: string }).id));
      recount();
      return;
    case "environment.updated": {
      const environment = data as Environment;
      const known = client.getQueryData<Environment[]>(keys.environments(org))?.find((e) => e.id === environment.id);
      client.setQueryData<Environment[]>(keys.environments(org), (list) => list && withItem(list, environment, true));
      client.setQueryData<Environment>(keys.environment(org, environment.id), (held) => held && environment);
      if (known?.status !== environment.status) recount();
      return;
    }
    case "environment.deleted": {
      const { id } = data as { id: string };
      client.setQueryData<Environment[]>(keys.environments(org), (list) => list && withoutItem(list, id));
      recount();
      return;
    }
    case "operation.updated":
      applyOperation(client, org, data as Operation);
      return;
    case "operation.step": {
      const { operation_id, step } = data as StepEvent;
      client.setQueryData<Operation>(keys.operation(org, operation_id), (held) => held && withStep(held, step));
      client.setQueriesData<Pages<Operation>>({ queryKey: keys.operations(org) }, (pages) =>
        mapPages(pages, (op) => (op.id === operation_id ? withStep(op, step) : op)),
      );
      return;
    }
    case "release.updated": {
      const release = data as Release;
      const key = keys.releases(org, release.environment_id);
      const held = client.getQueryData<Pages<Release>>(key);
      if (held?.pages.some((page) => page.data.some((r) => r.id === release.id))) {
        client.setQueryData<Pages<Release>>(key, (pages) => mapPages(pages, (r) => (r.id === release.id ? release : r)));
      } else {
        void client.invalidateQueries({ queryKey: key });
      }
      return;
    }
  }
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
    void client.invalidateQueries({ queryKey: [...keys.org(org), "self"] });
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
