import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList } from "./list";
import type { Operation } from "./types";

export const operationQuery = (org: string, operation: string) =>
  queryOptions({
    queryKey: keys.operation(org, operation),
    queryFn: ({ signal }) =>
      need(api.GET("/api/v1/orgs/{org}/operations/{operation}", { params: { path: { org, operation } }, signal })),
  });

export interface OperationFilter {
  environment?: string;
  server?: string;
  state?: Operation["state"];
  kind?: Operation["kind"];
}

export const operationsQuery = (org: string, filter: OperationFilter = {}, limit = 30) =>
  pagedList([...keys.operations(org), filter, limit], limit, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/operations", { params: { path: { org }, query: { ...query, ...filter } }, signal })),
  );
