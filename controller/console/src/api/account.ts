// The caller's own account, and how anybody comes to one.
import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { pagedList } from "./list";

export const accountQuery = queryOptions({
  queryKey: ["account"],
  queryFn: ({ signal }) => need(api.GET("/api/v1/account", { signal })),
});

/** The ways in that this controller has; and what a problem code in the address means. */
export const signInOptionsQuery = (problem: string) =>
  queryOptions({
    queryKey: ["sign-in-options", problem],
    queryFn: ({ signal }) => need(api.GET("/api/v1/sign-in-options", { params: { query: problem ? { problem } : {} }, signal })),
    staleTime: Infinity,
    retry: 1,
  });

export const identitiesQuery = queryOptions({
  queryKey: ["account", "identities"],
  queryFn: async ({ signal }) => (await need(api.GET("/api/v1/account/identities", { signal }))).data,
});

/** Who may make an account here, and whether the controller sends mail. */
export const registrationQuery = queryOptions({
  queryKey: ["registration"],
  queryFn: ({ signal }) => need(api.GET("/api/v1/registration", { signal })),
  staleTime: Infinity,
  retry: 1,
});

/** Letters that have not gone out; with their links where the controller sends no mail. Each look is written to the audit log: none by itself. */
export const lettersQuery = {
  ...pagedList(["letters"], 50, ({ query, signal }) => need(api.GET("/api/v1/installation/links", { params: { query }, signal }))),
  staleTime: Infinity,
  gcTime: 0,
};
