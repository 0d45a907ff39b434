import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

export const sshKeysQuery = (org: string, server: string) =>
  queryOptions({
    queryKey: keys.sshKeys(org, server),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/servers/{server}/ssh-keys", { params: { path: { org, server } }, signal })),
  });

interface NewKey {
  label: string;
  public_key: string;
}

export const addSshKey = (org: string, server: string, body: NewKey & { user: string }, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/ssh-keys", { params: { path: { org, server }, header: { "Idempotency-Key": key } }, body }));

export const rotateSshKey = (org: string, server: string, old: string, body: NewKey, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/ssh-keys/{ssh_key}/rotate", { params: { path: { org, server, ssh_key: old }, header: { "Idempotency-Key": key } }, body }));

export const finishSshKey = (org: string, server: string, ssh_key: string, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/ssh-keys/{ssh_key}/finish", { params: { path: { org, server, ssh_key }, header: { "Idempotency-Key": key } } }));

export const revokeSshKey = (org: string, server: string, ssh_key: string, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/ssh-keys/{ssh_key}/revoke", { params: { path: { org, server, ssh_key }, header: { "Idempotency-Key": key } } }));

export const retrySshKeys = (org: string, server: string, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/ssh-keys/retry", { params: { path: { org, server }, header: { "Idempotency-Key": key } } }));
