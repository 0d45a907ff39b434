import type { Problem } from "../api/types";
import type { Way } from "../ui/FactorForm";

/** A sign-in whose first half is done. */
export interface Waiting {
  challenge: string;
  methods: Way[];
}

const known: Way[] = ["passkey", "totp", "recovery_code"];

function waiting(challenge: string | null | undefined, methods: string[] | undefined): Waiting | null {
  const ways = known.filter((way) => methods?.includes(way));
  return challenge && ways.length ? { challenge, methods: ways } : null;
}

/** From the refusal that is none: `second_factor_required` says how to go on. */
export function waitingOf({ code, challenge, methods }: Pick<Problem, "code" | "challenge" | "methods">): Waiting | null {
  return code === "second_factor_required" ? waiting(challenge, methods) : null;
}

/** From the address that single sign-on comes back to: `#second_factor=…&methods=totp,passkey`. */
export function waitingInHash(hash: string): Waiting | null {
  const told = new URLSearchParams(hash.slice(1));
  return waiting(told.get("second_factor"), told.get("methods")?.split(","));
}
