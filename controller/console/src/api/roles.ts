import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

/** What can be held at all; the same for every organization, and for as long as the controller is not another one. */
export const permissionsQuery = { ...wholeList(["permissions"], ({ signal }) => need(api.GET("/api/v1/permissions", { signal }))), staleTime: Infinity };

export const rolesQuery = (org: string) =>
  wholeList(keys.roles(org), ({ signal }) => need(api.GET("/api/v1/orgs/{org}/roles", { params: { path: { org } }, signal })));
