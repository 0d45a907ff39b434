import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

/** The newest 50. */
export const tunnelKeysQuery = (org: string) =>
  queryOptions({
    queryKey: keys.tunnelKeys(org),
    queryFn: async ({ signal }) => (await need(api.GET("/api/v1/orgs/{org}/tunnel-keys", { params: { path: { org } }, signal }))).data,
  });
