import { api, need } from "./client";
import { keys } from "./keys";
import { wholeList } from "./list";

export const apiKeysQuery = (org: string) =>
  wholeList(keys.apiKeys(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/api-keys", { params: { path: { org }, query }, signal })));
