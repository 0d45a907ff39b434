import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList, wholeList } from "./list";

export interface AuditFilter {
  actor?: string;
  action?: string;
  target?: string;
  after?: string;
  before?: string;
  connect_session?: string;
}

export const auditQuery = (org: string, filter: AuditFilter) =>
  pagedList(keys.audit(org, filter), 50, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/audit", { params: { path: { org }, query: { ...query, ...filter } }, signal })),
  );

export const checkpointQuery = (org: string) =>
  queryOptions({
    queryKey: keys.audit(org, { only: "checkpoint" }),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/audit/checkpoint", { params: { path: { org } }, signal })),
  });

export const witnessesQuery = (org: string) =>
  wholeList(keys.audit(org, { only: "witnesses" }), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/audit/witnesses", { params: { path: { org }, query }, signal })),
  );

/** Where the browser fetches a file from; the export is itself an entry. */
export const exportAddress = (org: string, format: "csv" | "jsonl", filter: AuditFilter) =>
  `/api/v1/orgs/${org}/audit/export?${new URLSearchParams({ format, ...filter })}`;
