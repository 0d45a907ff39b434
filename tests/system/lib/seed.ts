// Chance that can be had again: drawn from FAIRLEAD_KILL_SEED, or from the commit that is tested, so that each has its own.
import { createHash } from "node:crypto";
import { root } from "./paths.ts";
import { run } from "./process.ts";

/** A whole number from 0 to below `below`; the same for the same seed and `what`. */
export type Draw = (what: string, below: number) => number;

/** Says how to have the same again. */
export async function seeded(): Promise<Draw> {
  const seed = process.env.FAIRLEAD_KILL_SEED ?? (await run("git", ["-C", root, "rev-parse", "--short=12", "HEAD"])).stdout.trim();
  console.log(`# FAIRLEAD_KILL_SEED=${seed}`);
  return (what, below) => createHash("sha256").update(`${seed} ${what}`).digest().readUInt32BE(0) % below;
}
