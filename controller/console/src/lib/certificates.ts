import type { Certificate, CustomHostname } from "../api/types";

type Tone = "good" | "busy" | "idle" | "warn" | "bad";

/** What a name is shown just now matters more than how the last attempt went: one that failed to be renewed is good for a while. */
export function standing(one: Certificate, now: number): [tone: Tone, word: string] {
  const valid = one.not_after !== null && Date.parse(one.not_after) > now;
  if (one.running) return ["busy", valid ? "Being renewed" : "Being asked for"];
  if (valid) return one.state === "failed" ? ["warn", "Not renewed yet"] : ["good", "Valid"];
  if (one.not_after) return ["bad", "Over"];
  if (one.state === "failed") return ["bad", "Not issued"];
  return one.next_attempt_at ? ["busy", "Waits for its turn"] : ["idle", "Not asked for"];
}

/** How a name stands that Cloudflare serves. */
export function standingThere({ state, error }: CustomHostname): [tone: Tone, word: string] {
  if (state === "issued") return ["good", "Active"];
  if (state === "failed") return ["bad", "Not active"];
  if (!error) return ["busy", "Being set up"];
  return ["warn", error.code === "cloudflare_pending" ? "Waits for your DNS" : "Held up"];
}

/** By name, labels from the right, so that what belongs together stands together. */
export function byName<One extends { name: string }>(list: readonly One[]): One[] {
  const turned = ({ name }: One) => name.split(".").reverse().join(".");
  return [...list].sort((a, b) => turned(a).localeCompare(turned(b)));
}
