import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const certificatesQuery = (org: string) =>
  queryOptions(wholeList(keys.certificates(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/certificates", { params: { path: { org }, query }, signal }))));

/** Names that Cloudflare serves; none where the operator has put nothing before the edge. */
export const customHostnamesQuery = (org: string) =>
  queryOptions(wholeList(keys.customHostnames(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/custom-hostnames", { params: { path: { org }, query }, signal }))));
