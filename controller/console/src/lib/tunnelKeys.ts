import type { TunnelKey } from "../api/types";

export const counts = ({ state }: Pick<TunnelKey, "state">): boolean => state === "current" || state === "previous";

/** What a rotation does to what is open. */
export function graceWords(grace: string): string {
  return grace === "0"
    ? "From now on nothing counts but the new key: everything that is open ends at once, and browsers connect again. Choose this if you think that somebody else can sign with the old one."
    : "New connections are signed with the new key within seconds, as soon as servers know it. What is open under the old one goes on until then; what is still open ends, and browsers connect again.";
}

/** What stops with a key. */
export function revokeWords({ state }: Pick<TunnelKey, "state">): string {
  return state === "current"
    ? "It is the key that signs. Every address of this organization that goes through a tunnel stops to answer at once, downloads and open pages break off, and stays so until somebody makes a new key. To replace it without that, make a new key instead."
    : "What is still open under it ends at once, and browsers connect again. Connections under the current key go on.";
}
