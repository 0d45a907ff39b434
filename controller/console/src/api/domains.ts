import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const domainsQuery = (org: string) =>
  queryOptions(wholeList(keys.domains(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/domains", { params: { path: { org }, query }, signal }))));
