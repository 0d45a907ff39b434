import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const supportQuery = (org: string) =>
  wholeList(keys.support(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/support-access", { params: { path: { org }, query }, signal })));

/** For whoever looks after the installation: organizations whose owners let support look just now. */
export const supportedOrgsQuery = wholeList(["installation", "orgs"], ({ query, signal }) => need(api.GET("/api/v1/installation/orgs", { params: { query }, signal })));

/** One of them. Each answer is an entry in that organization's audit log, so nothing asks for it by itself. */
export const supportedOrgQuery = (id: string) =>
  queryOptions({
    queryKey: ["installation", "orgs", id],
    queryFn: ({ signal }) => need(api.GET("/api/v1/installation/orgs/{id}", { params: { path: { id } }, signal })),
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  });
