import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList } from "./list";

export const pushDeployQuery = (org: string, environment: string) =>
  queryOptions({
    queryKey: keys.pushDeploy(org, environment),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/environments/{environment}/push-deploy", { params: { path: { org, environment } }, signal })),
  });

export const pushesQuery = (org: string, environment: string) =>
  pagedList(keys.pushes(org, environment), 20, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/environments/{environment}/pushes", { params: { path: { org, environment }, query }, signal })),
  );
