import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

export const orgQuery = (org: string) =>
  queryOptions({
    queryKey: keys.self(org),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}", { params: { path: { org } }, signal })),
  });
