import type { IconName } from "../ui/Icon";

const marks: Record<string, IconName> = { google: "google", github: "github", gitlab: "gitlab", bitbucket: "bitbucket", microsoft: "microsoft" };

export function providerIcon(kind: string): IconName {
  return marks[kind] ?? "shield";
}

/** Pages of the controller that send the browser on to the provider; they come back to `next`. */
export function ssoStart(slug: string, next: string): string {
  return `/api/v1/sso/${encodeURIComponent(slug)}/start?return=${encodeURIComponent(ownPath(next))}`;
}

export function ssoLink(slug: string, next: string): string {
  return `/api/v1/sso/${encodeURIComponent(slug)}/link?return=${encodeURIComponent(ownPath(next))}`;
}

/** The controller takes plain paths back, with letters, digits and -._~/?&=% alone. */
function ownPath(path: string): string {
  return /^\/(?!\/)[\w\-.~/?&=%:+,]{0,499}$/.test(path) ? path : "/";
}
