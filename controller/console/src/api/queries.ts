import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import type { Operation, Release } from "./types";

interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** All pages of a list that is short by nature (plans cap it); stops at 2,000 so that nothing is unbounded. */
async function all<T>(page: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 10; pages++) {
    const { data, next_cursor } = await page(cursor);
    items.push(...data);
    if (!next_cursor) break;
    cursor = next_cursor;
  }
  return items;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => need(api.GET("/api/v1/session", { signal })),
  staleTime: 60_000,
  retry: false,
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: () => all((cursor) => need(api.GET("/api/v1/sessions", { params: { query: { limit: 200, cursor } } }))),
});

export const keys = {
  org: (org: string) => ["org", org] as const,
  servers: (org: string) => ["org", org, "servers"] as const,
  server: (org: string, id: string) => ["org", org, "server", id] as const,
  projects: (org: string) => ["org", org, "projects"] as const,
  project: (org: string, id: string) => ["org", org, "project", id] as const,
  environments: (org: string) => ["org", org, "environments"] as const,
  environment: (org: string, id: string) => ["org", org, "environment", id] as const,
  operations: (org: string) => ["org", org, "operations"] as const,
  operation: (org: string, id: string) => ["org", org, "operation", id] as const,
  releases: (org: string, environment: string) => ["org", org, "environment", environment, "releases"] as const,
  variables: (org: string, environment: string) => ["org", org, "environment", environment, "variables"] as const,
  tokens: (org: string) => ["org", org, "tokens"] as const,
  credentials: (org: string) => ["org", org, "credentials"] as const,
};

export const orgQuery = (org: string) =>
  queryOptions({
    queryKey: [...keys.org(org), "self"],
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}", { params: { path: { org } }, signal })),
  });

export const serversQuery = (org: string) =>
  queryOptions({
    queryKey: keys.servers(org),
    queryFn: () =>
      all((cursor) => need(api.GET("/api/v1/orgs/{org}/servers", { params: { path: { org }, query: { limit: 200, cursor } } }))),
  });

export const serverQuery = (org: string, server: string) =>
  queryOptions({
    queryKey: keys.server(org, server),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/servers/{server}", { params: { path: { org, server } }, signal })),
  });

export const factsQuery = (org: string, server: string, resolution: "30s" | "10m", hours: number) =>
  queryOptions({
    queryKey: [...keys.server(org, server), "facts", resolution, hours],
    queryFn: ({ signal }) =>
      need(
        api.GET("/api/v1/orgs/{org}/servers/{server}/facts", {
          params: { path: { org, server }, query: { resolution, from: new Date(Date.now() - hours * 3_600_000).toISOString() } },
          signal,
        }),
      ),
    refetchInterval: resolution === "30s" ? 30_000 : 300_000,
  });

export const tokensQuery = (org: string) =>
  queryOptions({
    queryKey: keys.tokens(org),
    queryFn: () =>
      all((cursor) =>
        need(api.GET("/api/v1/orgs/{org}/registration-tokens", { params: { path: { org }, query: { limit: 200, cursor } } })),
      ),
  });

export const credentialsQuery = (org: string) =>
  queryOptions({
    queryKey: keys.credentials(org),
    queryFn: () =>
      all((cursor) =>
        need(api.GET("/api/v1/orgs/{org}/git-credentials", { params: { path: { org }, query: { limit: 200, cursor } } })),
      ),
  });

export const projectsQuery = (org: string) =>
  queryOptions({
    queryKey: keys.projects(org),
    queryFn: () =>
      all((cursor) => need(api.GET("/api/v1/orgs/{org}/projects", { params: { path: { org }, query: { limit: 200, cursor } } }))),
  });

export const projectQuery = (org: string, project: string) =>
  queryOptions({
    queryKey: keys.project(org, project),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/projects/{project}", { params: { path: { org, project } }, signal })),
  });

export const environmentsQuery = (org: string) =>
  queryOptions({
    queryKey: keys.environments(org),
    queryFn: () =>
      all((cursor) => need(api.GET("/api/v1/orgs/{org}/environments", { params: { path: { org }, query: { limit: 200, cursor } } }))),
  });

export const environmentQuery = (org: string, environment: string) =>
  queryOptions({
    queryKey: keys.environment(org, environment),
    queryFn: ({ signal }) =>
      need(api.GET("/api/v1/orgs/{org}/environments/{environment}", { params: { path: { org, environment } }, signal })),
  });

export const variablesQuery = (org: string, environment: string) =>
  queryOptions({
    queryKey: keys.variables(org, environment),
    queryFn: () =>
      all((cursor) =>
        need(
          api.GET("/api/v1/orgs/{org}/environments/{environment}/variables", {
            params: { path: { org, environment }, query: { limit: 200, cursor } },
          }),
        ),
      ),
  });

export const operationQuery = (org: string, operation: string) =>
  queryOptions({
    queryKey: keys.operation(org, operation),
    queryFn: ({ signal }) =>
      need(api.GET("/api/v1/orgs/{org}/operations/{operation}", { params: { path: { org, operation } }, signal })),
  });

const nextPage = <T>(page: Page<T>) => page.next_cursor ?? undefined;

export const releasesQuery = (org: string, environment: string) =>
  infiniteQueryOptions({
    queryKey: keys.releases(org, environment),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      need(
        api.GET("/api/v1/orgs/{org}/environments/{environment}/releases", {
          params: { path: { org, environment }, query: { limit: 20, cursor } },
          signal,
        }),
      ) as Promise<Page<Release>>,
    getNextPageParam: nextPage<Release>,
  });

export interface OperationFilter {
  environment?: string;
  server?: string;
  state?: Operation["state"];
  kind?: Operation["kind"];
}

export const operationsQuery = (org: string, filter: OperationFilter = {}, limit = 30) =>
  infiniteQueryOptions({
    queryKey: [...keys.operations(org), filter, limit],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      need(
        api.GET("/api/v1/orgs/{org}/operations", { params: { path: { org }, query: { limit, cursor, ...filter } }, signal }),
      ) as Promise<Page<Operation>>,
    getNextPageParam: nextPage<Operation>,
  });

export interface AuditFilter {
  actor?: string;
  action?: string;
  target?: string;
  after?: string;
  before?: string;
}

export const auditQuery = (org: string, filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: [...keys.org(org), "audit", filter],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) =>
      need(api.GET("/api/v1/orgs/{org}/audit", { params: { path: { org }, query: { limit: 50, cursor, ...filter } }, signal })),
    getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
  });
