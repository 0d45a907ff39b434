import { queryOptions } from "@tanstack/react-query";
import { ApiError, api, controllerNow, need } from "./client";
import { keys } from "./keys";
import { pagedList, wholeList } from "./list";

export const givenGrantsQuery = (org: string) =>
  wholeList([...keys.grants(org), "given"], ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/connect/grants", { params: { path: { org }, query }, signal })));

export const receivedGrantsQuery = (org: string) =>
  wholeList([...keys.grants(org), "received"], ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/connect/received", { params: { path: { org }, query }, signal })));

export const connectSessionsQuery = (org: string, state: "all" | "open") =>
  pagedList([...keys.connects(org), state], 50, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/connect/sessions", { params: { path: { org }, query: { ...query, state } }, signal })),
  );

const kept = "fairlead-connect-until";

/** The session itself is in a cookie that no script reads; this remembers in the same browser that asking for it is worth while. */
export function rememberVisit(until: string) {
  localStorage.setItem(kept, until);
}

export function forgetVisit() {
  localStorage.removeItem(kept);
}

function worthAsking(): boolean {
  return Date.parse(localStorage.getItem(kept) ?? "") > controllerNow();
}

/** The client's organization in which one works for an agency just now; null: none. */
export const visitQuery = queryOptions({
  queryKey: ["visit"],
  queryFn: async ({ signal }) => {
    if (!worthAsking()) return null;
    try {
      return await need(api.GET("/api/v1/connect", { signal }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      forgetVisit();
      return null;
    }
  },
  // Its time runs out, and the client may end it.
  refetchInterval: ({ state }) => (state.data ? 30_000 : false),
  retry: false,
});
