import type { Domain } from "../api/types";

type Facts = Pick<Domain, "state" | "failing_since" | "checking">;

/** What a claim is at, in a word; the tone repeats it. */
export function claimWord({ state, failing_since, checking }: Facts): { tone: "good" | "busy" | "warn" | "bad"; word: string; pulse: boolean } {
  if (checking) return { tone: "busy", word: "Being looked at", pulse: true };
  if (state === "verified") return failing_since ? { tone: "warn", word: "Proof is missing", pulse: false } : { tone: "good", word: "Proved", pulse: false };
  return state === "pending" ? { tone: "warn", word: "Waits for its proof", pulse: false } : { tone: "bad", word: "Not proved", pulse: false };
}

const cures: Record<string, string> = {
  record_missing: "New records take as long as the one before was to be kept, often an hour. Look whether your provider added the zone's name twice.",
  record_differs: "Put in the value that is shown here; records of other claims may stay beside it.",
  resolver_failed: "Your name servers did not answer, or answered with a failure. Nothing is decided by that: it is looked at again.",
  domain_taken: "If the name is yours, ask whoever looks after this controller.",
  egress_missing: "The controller's own way out is not running. Whoever runs the controller has to look at fairlead-egress.",
  outbound_busy: "Too many requests were under way at this moment. It is looked at again by itself.",
};

/** What to do about what was found; empty where its sentence says all. */
export function cureOf(code: string): string {
  return cures[code] ?? "";
}

/** Newest first, those that need something before the others. */
export function inOrder(domains: readonly Domain[]): Domain[] {
  const rank = (one: Domain) => (one.state === "verified" && !one.failing_since ? 1 : 0);
  return [...domains].sort((a, b) => rank(a) - rank(b) || b.created_at.localeCompare(a.created_at));
}
