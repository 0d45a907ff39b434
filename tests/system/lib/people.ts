// People of an organization: invited, registered, signed in.
import type { Api } from "./api.ts";
import type { Session } from "./types.ts";

export const password = "four words without sense";

export interface Person {
  api: Api;
  email: string;
  user: string;
}

/** Somebody new who joins `org` ("/api/v1/orgs/org_…") with this role, by an invitation that `by` makes. */
export async function join(by: Api, org: string, email: string, role: string, more: Record<string, unknown> = {}): Promise<Person> {
  const made = await by.post<{ token: string }>(`${org}/invitations`, { email, role, ...more });
  const api = by.stranger();
  await api.call("POST", "/api/v1/invitations/register", { body: { token: made.token, name: email.split("@")[0], password } });
  return signIn(api, email);
}

export async function signIn(api: Api, email: string): Promise<Person> {
  const session = await api.call<Session & { user: { id: string } }>("POST", "/api/v1/session", { body: { email, password } });
  return { api, email, user: session.user.id };
}

/** An organization of somebody's own; its path. */
export async function ownOrg(person: Api, name: string): Promise<string> {
  const made = await person.post<{ id: string }>("/api/v1/orgs", { name });
  return `/api/v1/orgs/${made.id}`;
}

/** A program with an API key: no cookie, no origin. */
export async function withKey(by: Api, org: string, kind: "ro" | "rw", permissions: string[], more: Record<string, unknown> = {}): Promise<{ id: string; key: string }> {
  const made = await by.post<{ api_key: { id: string }; key: string }>(`${org}/api-keys`, { name: `${kind} key`, kind: kind === "ro" ? "read_only" : "read_write", permissions, ...more });
  return { id: made.api_key.id, key: made.key };
}
