import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

export const orgQuery = (org: string) =>
  queryOptions({
    queryKey: keys.self(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}", { params: { path: { org } }, signal })),
  });

export const planQuery = (org: string) =>
  queryOptions({
    queryKey: keys.plan(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/plan", { params: { path: { org } }, signal })),
  });

export const securityQuery = (org: string) =>
  queryOptions({
    queryKey: keys.security(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/security", { params: { path: { org } }, signal })),
  });
