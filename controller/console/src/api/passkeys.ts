import { queryOptions } from "@tanstack/react-query";
import { askForPasskey, makePasskey } from "../app/passkey";
import { api, need } from "./client";
import type { Session } from "./types";

export const passkeysQuery = queryOptions({
  queryKey: ["account", "passkeys"],
  queryFn: async ({ signal }) => (await need(api.GET("/api/v1/account/passkeys", { signal }))).data,
});

/** Makes a passkey on whatever the browser offers, and keeps it under the name. */
export async function addPasskey(name: string) {
  // The first request asks for the step-up where one is due, so that the browser's question comes after it.
  const options = await need(api.POST("/api/v1/account/passkeys/options"));
  const credential = await makePasskey(options);
  return need(api.POST("/api/v1/account/passkeys", { body: { name, credential } }));
}

/** Without a password. `quietly`: see askForPasskey. */
export async function signInByPasskey(quietly?: AbortSignal): Promise<Session> {
  const options = await need(api.POST("/api/v1/session/passkey/options"));
  const credential = await askForPasskey(options, quietly);
  return need(api.POST("/api/v1/session/passkey", { body: { credential } }));
}

/** After the password. */
export async function secondByPasskey(challenge: string): Promise<Session> {
  const options = await need(api.POST("/api/v1/session/second-factor/passkey/options", { body: { challenge } }));
  const credential = await askForPasskey(options);
  return need(api.POST("/api/v1/session/second-factor/passkey", { body: { challenge, credential } }));
}

/** Once more, in a session. */
export async function elevateByPasskey() {
  const options = await need(api.POST("/api/v1/session/elevate/passkey/options"));
  const credential = await askForPasskey(options);
  return need(api.POST("/api/v1/session/elevate/passkey", { body: { credential } }));
}
