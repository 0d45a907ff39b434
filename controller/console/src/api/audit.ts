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

/** Whose log: an organization's, or null for the installation's own. */
export type LogOf = string | null;

export const auditQuery = (org: LogOf, filter: AuditFilter) =>
  pagedList(keys.audit(org, filter), 50, ({ query, signal }) =>
    need(
      org
        ? api.GET("/api/v1/orgs/{org}/audit", { params: { path: { org }, query: { ...query, ...filter } }, signal })
        : api.GET("/api/v1/installation/audit", { params: { query: { ...query, ...filter } }, signal }),
    ),
  );

export const checkpointQuery = (org: LogOf) =>
  queryOptions({
    queryKey: keys.audit(org, { only: "checkpoint" }),
    queryFn: ({ signal }) =>
      need(
        org
          ? api.GET("/api/v1/orgs/{org}/audit/checkpoint", { params: { path: { org } }, signal })
          : api.GET("/api/v1/installation/audit/checkpoint", { signal }),
      ),
  });

export const witnessesQuery = (org: string) =>
  wholeList(keys.audit(org, { only: "witnesses" }), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/audit/witnesses", { params: { path: { org }, query }, signal })),
  );

export const entryProof = (org: LogOf, entry: string) =>
  need(
    org
      ? api.GET("/api/v1/orgs/{org}/audit/{entry}/proof", { params: { path: { org, entry } } })
      : api.GET("/api/v1/installation/audit/{entry}/proof", { params: { path: { entry } } }),
  );

/** Where the browser fetches a file from; the export is itself an entry. */
export const exportAddress = (org: LogOf, format: "csv" | "jsonl", filter: AuditFilter) =>
  `/api/v1/${org ? `orgs/${org}` : "installation"}/audit/export?${new URLSearchParams({ format, ...filter })}`;
