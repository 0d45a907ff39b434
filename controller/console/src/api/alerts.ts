import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList } from "./list";

export const alertsQuery = (org: string, state: "firing" | "past") =>
  pagedList(keys.alerts(org, state), state === "firing" ? 200 : 50, ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/alerts", { params: { path: { org }, query: { ...query, state } }, signal })));

export const alertRulesQuery = (org: string) =>
  queryOptions({
    queryKey: keys.alertRules(org),
    queryFn: async ({ signal }) => (await need(api.GET("/api/v1/orgs/{org}/alert-rules", { params: { path: { org } }, signal }))).data,
  });
