import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

export type Resolution = "30s" | "10m";

/** Both fetch what lies in the last `hours`; each new point is there half a minute later. */
const timing = (resolution: Resolution) => ({ refetchInterval: resolution === "30s" ? 30_000 : 300_000 });
const since = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

export const serverMetricsQuery = (org: string, server: string, resolution: Resolution, hours: number) =>
  queryOptions({
    queryKey: [...keys.server(org, server), "metrics", resolution, hours],
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/servers/{server}/metrics", { params: { path: { org, server }, query: { resolution, from: since(hours) } }, signal })),
    ...timing(resolution),
  });

export const environmentMetricsQuery = (org: string, environment: string, resolution: Resolution, hours: number) =>
  queryOptions({
    queryKey: [...keys.environment(org, environment), "metrics", resolution, hours],
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/environments/{environment}/metrics", { params: { path: { org, environment }, query: { resolution, from: since(hours) } }, signal })),
    ...timing(resolution),
  });
