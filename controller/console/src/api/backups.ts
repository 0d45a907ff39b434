import { queryOptions } from "@tanstack/react-query";
import { api, idempotencyKey, need } from "./client";
import { keys } from "./keys";
import { pagedList, wholeList } from "./list";
import type { Backup, Retention } from "./types";

export const storagesQuery = (org: string) =>
  wholeList(keys.storages(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/storages", { params: { path: { org }, query }, signal })));

export const recoveryQuery = (org: string) =>
  queryOptions({
    queryKey: keys.recovery(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/backup-settings", { params: { path: { org } }, signal })),
  });

export const policyQuery = (org: string, environment: string) =>
  queryOptions({
    queryKey: keys.policy(org, environment),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/environments/{environment}/backup-policy", { params: { path: { org, environment } }, signal })),
  });

/** Which backups would stay by a retention that is not saved yet. Asked for anew while the person still tries numbers out. */
export const previewQuery = (org: string, environment: string, retention: Retention, time_zone: string) =>
  queryOptions({
    queryKey: [...keys.backups(org), "preview", environment, retention, time_zone],
    queryFn: ({ signal }) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/backup-policy/preview", {
          params: { path: { org, environment }, header: { "Idempotency-Key": idempotencyKey() } },
          body: { retention, time_zone },
          signal,
        }),
      ),
    gcTime: 60_000,
    retry: 1,
  });

export interface BackupFilter {
  environment?: string;
  storage?: string;
  state?: Backup["state"];
}

export const backupsQuery = (org: string, filter: BackupFilter = {}, limit = 30) =>
  pagedList([...keys.backups(org), "list", filter, limit], limit, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/backups", { params: { path: { org }, query: { ...query, ...filter } }, signal })),
  );

export const backupQuery = (org: string, backup: string) =>
  queryOptions({
    queryKey: keys.backup(org, backup),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/backups/{backup}", { params: { path: { org, backup } }, signal })),
  });

/** The newest copy that an operation is part of, or that goes into an environment; null where there is none. */
export const copyQuery = (org: string, of: { operation: string } | { environment: string }) =>
  queryOptions({
    queryKey: [...keys.copies(org), of],
    queryFn: async ({ signal }) => (await need(api.GET("/api/v1/orgs/{org}/copies", { params: { path: { org }, query: { ...of, limit: 1 } }, signal }))).data[0] ?? null,
  });
