import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const serversQuery = (org: string) =>
  wholeList(keys.servers(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/servers", { params: { path: { org }, query }, signal })));

export const serverQuery = (org: string, server: string) =>
  queryOptions({
    queryKey: keys.server(org, server),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/servers/{server}", { params: { path: { org, server } }, signal })),
  });

export const foundQuery = (org: string, server: string) =>
  wholeList(keys.found(org, server), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/servers/{server}/found-environments", { params: { path: { org, server }, query }, signal })),
  );

export const tokensQuery = (org: string) =>
  wholeList(keys.tokens(org), ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/registration-tokens", { params: { path: { org }, query }, signal })),
  );
