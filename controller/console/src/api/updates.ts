import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import type { paths } from "./contract";

/** What this controller hands out. */
export const agentPackageQuery = (org: string) =>
  queryOptions({
    queryKey: keys.agentPackage(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/agent-package", { params: { path: { org } }, signal })),
    retry: false, // a controller without packages has none a moment later either
  });

/** The newest 50. */
export const rolloutsQuery = (org: string) =>
  queryOptions({
    queryKey: keys.rollouts(org),
    queryFn: async ({ signal }) => (await need(api.GET("/api/v1/orgs/{org}/agent-rollouts", { params: { path: { org } }, signal }))).data,
  });

export const rolloutQuery = (org: string, rollout: string) =>
  queryOptions({
    queryKey: keys.rollout(org, rollout),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/agent-rollouts/{rollout}", { params: { path: { org, rollout } }, signal })),
  });

export const updateAgent = (org: string, server: string, version: string, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/update-agent", { params: { path: { org, server }, header: { "Idempotency-Key": key } }, body: { version } }));

type NewRollout = paths["/api/v1/orgs/{org}/agent-rollouts"]["post"]["requestBody"]["content"]["application/json"];

export const beginRollout = (org: string, body: NewRollout, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/agent-rollouts", { params: { path: { org }, header: { "Idempotency-Key": key } }, body }));

export type RolloutAct = "pause" | "resume" | "cancel";

export const actOnRollout = (org: string, rollout: string, act: RolloutAct, key: string) => {
  const how = { params: { path: { org, rollout }, header: { "Idempotency-Key": key } } };
  if (act === "pause") return need(api.POST("/api/v1/orgs/{org}/agent-rollouts/{rollout}/pause", how));
  if (act === "resume") return need(api.POST("/api/v1/orgs/{org}/agent-rollouts/{rollout}/resume", how));
  return need(api.POST("/api/v1/orgs/{org}/agent-rollouts/{rollout}/cancel", how));
};
