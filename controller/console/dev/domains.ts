// The stand-in's domains. The proof of one whose name has "bad" in it is never found, of the others at the second look.
import { randomBytes } from "node:crypto";
import type { Domain } from "../src/api/types";
import { Refusal } from "./account";
import { ago, audit, id, me, now, publish } from "./state";

const domains: Domain[] = [];

function row(name: string, part: Partial<Domain> = {}): Domain {
  const token = randomBytes(32).toString("base64url");
  const host = name.replace(/^\*\./, "");
  const path = `/.well-known/fairlead-challenge/${token}`;
  const one: Domain = {
    id: id("dom"), name, state: "pending", method: null, checking: false, checked_at: null, next_check_at: ago(-1), last_error: null,
    challenge: {
      record: { name: `_fairlead-challenge.${host}`, type: "TXT", value: `fairlead-domain=${token}` },
      file: host === name ? { path, url: `https://${host}${path}`, text: `fairlead-domain=${randomBytes(32).toString("hex")}` } : null,
    },
    verified_at: null, failing_since: null, fails_at: null, failed_at: null, expires_at: ago(-60 * 24 * 7), created_at: now(), created_by: { id: me.id, email: me.email }, ...part,
  };
  domains.unshift(one);
  return one;
}

export function fillDomains() {
  const missing = { code: "record_missing", message: "_fairlead-challenge.bad.example.com has no TXT record of Fairlead. https://bad.example.com answers 404, not 200 with the file." };
  row("shop.example.com", { state: "verified", method: "dns", checked_at: ago(200), verified_at: ago(60 * 24 * 20), expires_at: null });
  row("bad.example.com", { state: "verified", method: "file", checked_at: ago(90), verified_at: ago(60 * 24 * 9), expires_at: null, failing_since: ago(60 * 20), fails_at: ago(-60 * 52), last_error: missing });
  row("old.example.com", { state: "failed", challenge: null, checked_at: ago(60 * 30), failed_at: ago(60 * 30), expires_at: null, next_check_at: null, last_error: missing });
  row("*.example.org");
}

function look(one: Domain) {
  Object.assign(one, { checking: true });
  publish("domain.updated", one);
  setTimeout(() => {
    const found = one.checked_at !== null && !one.name.includes("bad");
    const last_error = found ? null : { code: "record_missing", message: `${one.challenge!.record.name} has no TXT record of Fairlead.` };
    Object.assign(one, { checking: false, checked_at: now(), last_error });
    if (found) Object.assign(one, { state: "verified", method: "dns", verified_at: now(), expires_at: null, failing_since: null, fails_at: null });
    publish("domain.updated", one);
  }, 1500);
}

/** Undefined: none of these. */
export function answerDomains(method: string, parts: string[], body: Record<string, any>): [number, unknown] | undefined {
  const [kind, which, part] = parts;
  if (kind !== "domains") return undefined;
  if (!which && method === "GET") return [200, { data: domains, next_cursor: null }];
  if (!which) {
    const name = String(body.name).toLowerCase().replace(/\.$/, "");
    if (domains.some((each) => each.name === name && each.state !== "failed")) throw new Refusal(409, "domain_claimed", `${name} is claimed by this organization already.`);
    const made = row(name);
    audit("domain.claim", { type: "domain", id: made.id, name });
    publish("domain.updated", made);
    return [201, made];
  }
  const one = domains.find((each) => each.id === which);
  if (!one) throw new Refusal(404, "not_found", "There is no such domain.");
  if (part === "check") {
    look(one);
    return [202, one];
  }
  if (method === "DELETE") {
    domains.splice(domains.indexOf(one), 1);
    publish("domain.deleted", { id: one.id });
    return [204, null];
  }
  return [200, one];
}
