// Where things are, and what a person may change from outside.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
export const hosts = join(root, "tests/hosts");

/** The build folder whose programs and packages are tested. */
export const build = resolve(root, process.env.FAIRLEAD_BUILD ?? "build/release");

/** Logs of failed tests. */
export const artifacts = resolve(root, process.env.FAIRLEAD_ARTIFACTS ?? "build/system-logs");

/** A program or package of the build; a clear sentence where it is missing. */
export function built(...candidates: string[]): string {
  for (const candidate of candidates) {
    const path = join(build, candidate);
    if (existsSync(path)) return path;
  }
  throw new Error(`${candidates.join(" or ")} is not in ${build}; build it first, or say where by FAIRLEAD_BUILD`);
}

export function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
