import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList } from "./list";

export const importsQuery = (org: string, environment: string) =>
  pagedList(keys.imports(org, environment), 20, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/environments/{environment}/imports", { params: { path: { org, environment }, query }, signal })),
  );
