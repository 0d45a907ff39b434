// People of an organization: invited, registered, signed in.
import type { Api } from "./api.ts";
import { admin } from "./controller.ts";
import type { List, Session } from "./types.ts";

export const password = "four words without sense";

export interface Person {
  api: Api;
  email: string;
  user: string;
}

/** Somebody new who joins `org` ("/api/v1/orgs/org_…") with this role, by an invitation that `by` makes; `letter` gives what came by mail. */
export async function join(
  by: Api, org: string, email: string, role: string, more: Record<string, unknown> = {}, letter = (): Promise<string> => letterToken(by, email),
): Promise<Person> {
  await by.post(`${org}/invitations`, { email, role, ...more });
  const api = by.stranger();
  await api.call("POST", "/api/v1/invitations/register", { body: { token: await letter(), name: email.split("@")[0], password } });
  return signIn(api, email);
}

/** The token of the letter that waits for this address, as whoever looks after the installation hands it over. */
export async function letterToken(by: Api, email: string, kind = "invitation/"): Promise<string> {
  // Signed in anew: what waits is shown to a fresh proof alone.
  const { api } = await signIn(by.stranger(), admin.email, admin.password);
  const { data } = await api.get<List<{ kind: string; email: string; link: string }>>("/api/v1/installation/links");
  await api.call("DELETE", "/api/v1/session");
  const letter = data.find((one) => one.email === email && one.kind.startsWith(kind));
  if (!letter) throw new Error(`no letter of the kind ${kind} waits for ${email}`);
  return letter.link.split("#")[1]!;
}

export async function signIn(api: Api, email: string, secret = password): Promise<Person> {
  const session = await api.call<Session & { user: { id: string } }>("POST", "/api/v1/session", { body: { email, password: secret } });
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
