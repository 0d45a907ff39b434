import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const projectsQuery = (org: string) =>
  wholeList(keys.projects(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/projects", { params: { path: { org }, query }, signal })));

export const projectQuery = (org: string, project: string) =>
  queryOptions({
    queryKey: keys.project(org, project),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/projects/{project}", { params: { path: { org, project } }, signal })),
  });

export const credentialsQuery = (org: string) =>
  wholeList(keys.credentials(org), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/git-credentials", { params: { path: { org }, query }, signal })),
  );
