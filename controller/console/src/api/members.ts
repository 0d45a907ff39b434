import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const membersQuery = (org: string) =>
  wholeList(keys.members(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/members", { params: { path: { org }, query }, signal })));

export const memberQuery = (org: string, user: string) =>
  queryOptions({
    queryKey: keys.member(org, user),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/members/{user}", { params: { path: { org, user } }, signal })),
  });

export const invitationsQuery = (org: string) =>
  wholeList(keys.invitations(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/invitations", { params: { path: { org }, query }, signal })));
