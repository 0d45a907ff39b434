// Domains as they are after their proof was found.
import { join } from "node:path";
import type { Controller } from "./controller.ts";
import { newId } from "./direct.ts";
import { run } from "./process.ts";

export type DomainState = "pending" | "verified" | "failed";

/**
 * Writes a domain, or its state, straight into the database: how a domain is proved is shown elsewhere, and what stands on it starts here.
 * `org` is the path of the organization.
 */
export async function putDomain(controller: Controller, org: string, name: string, state: DomainState = "verified"): Promise<void> {
  const tree = name.replace(/^\*\./, "").split(".").reverse().map((label) => `${label}.`).join("");
  const id = newId("dom");
  await run("sqlite3", ["-cmd", ".timeout 10000", join(controller.data, "fairlead.db"), `INSERT INTO domains (id, org_id, name, tree, state, token, method, created_ms, created_by, created_by_email, verified_ms)
    VALUES ('${id}', '${org.split("/").at(-1)}', '${name}', '${tree}', '${state}', '${id}', '${state === "pending" ? "none" : "dns"}', 0, '', '', 0) ON CONFLICT (org_id, name) DO UPDATE SET state = excluded.state`]);
}
