import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList } from "./list";

export const orgQuery = (org: string) =>
  queryOptions({
    queryKey: keys.self(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}", { params: { path: { org } }, signal })),
  });

export interface AuditFilter {
  actor?: string;
  action?: string;
  target?: string;
  after?: string;
  before?: string;
}

export const auditQuery = (org: string, filter: AuditFilter) =>
  pagedList(keys.audit(org, filter), 50, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/audit", { params: { path: { org }, query: { ...query, ...filter } }, signal })),
  );
