import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList, wholeList } from "./list";

export const environmentsQuery = (org: string) =>
  wholeList(keys.environments(org), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/environments", { params: { path: { org }, query }, signal })),
  );

export const environmentQuery = (org: string, environment: string) =>
  queryOptions({
    queryKey: keys.environment(org, environment),
    queryFn: ({ signal }) =>
      need(api.GET("/api/v1/orgs/{org}/environments/{environment}", { params: { path: { org, environment } }, signal })),
  });

export const releasesQuery = (org: string, environment: string) =>
  pagedList(keys.releases(org, environment), 20, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/environments/{environment}/releases", { params: { path: { org, environment }, query }, signal })),
  );

export const variablesQuery = (org: string, environment: string) =>
  wholeList(keys.variables(org, environment), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/environments/{environment}/variables", { params: { path: { org, environment }, query }, signal })),
  );
