import type { ConnectSession, OrgAccess, Visit } from "../api/types";

/** The client's organization as the console's pages know one. It has no short name here, so its id is its address. */
export function visitedOrg({ org }: Visit): OrgAccess {
  return { ...org, role_name: org.role_name || "What was granted", slug: org.id, role: "", owner: false };
}

/** What nobody from outside is given, whatever their grant says. */
const never = ["org.edit", "plan.", "members.", "invitations.", "roles.", "api_keys.", "security.", "support.", "connect."];

export function canBeGranted(code: string): boolean {
  return !never.some((beginning) => code.startsWith(beginning));
}

const causes: Record<NonNullable<ConnectSession["ended_because"]>, string> = {
  left: "left by themselves",
  ended: "ended by somebody",
  expired: "its time was over",
  grant_revoked: "the grant was taken back",
  switched_off: "Connect-As was switched off",
  member_restricted: "the person may not use it any more",
  signed_out: "signed out",
};

/** Why a session ended, in words. */
export function endedBecause(cause: ConnectSession["ended_because"]): string {
  return cause === null ? "" : causes[cause];
}
