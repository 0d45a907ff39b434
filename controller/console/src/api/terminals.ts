import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";

/** Of one server; those that somebody has asked for and not opened are left out. */
export const terminalsQuery = (org: string, server: string) =>
  queryOptions({
    queryKey: keys.terminals(org, server),
    queryFn: async ({ signal }) =>
      (await need(api.GET("/api/v1/orgs/{org}/servers/{server}/terminals", { params: { path: { org, server } }, signal }))).data.filter((one) => one.state !== "waiting"),
  });

export interface Size {
  columns: number;
  rows: number;
}

/** A ticket for one terminal, which counts for 30 s. */
export const askForTerminal = (org: string, server: string, user: string, size: Size, record: boolean, key: string) =>
  need(api.POST("/api/v1/orgs/{org}/servers/{server}/terminals", { params: { path: { org, server }, header: { "Idempotency-Key": key } }, body: { user, ...size, record } }));

export const endTerminal = (org: string, server: string, terminal: string) =>
  need(api.DELETE("/api/v1/orgs/{org}/servers/{server}/terminals/{terminal}", { params: { path: { org, server, terminal } } }));
