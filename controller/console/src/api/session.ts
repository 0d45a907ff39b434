import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { wholeList } from "./list";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => need(api.GET("/api/v1/session", { signal })),
  staleTime: 60_000,
  retry: false,
});

export const sessionsQuery = wholeList(["sessions"], ({ query, signal }) => need(api.GET("/api/v1/sessions", { params: { query }, signal })));
