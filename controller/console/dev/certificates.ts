// The stand-in's certificates: one that is fine, one that cannot be renewed, one that is refused.
import type { Certificate } from "../src/api/types";
import { Refusal } from "./account";
import { ago, audit, id, now, publish } from "./state";

const day = 60 * 24;
const row = (name: string, part: Partial<Certificate> = {}): Certificate => ({
  id: id("crt"), name, state: "issued", running: false, issuer: "R11", serial: "04a1b2c3", not_before: ago(20 * day), not_after: ago(-70 * day), next_attempt_at: ago(-40 * day),
  failures: 0, failing_since: null, error: null, created_at: ago(20 * day), ...part,
});
const refused = (code: string, message: string): Partial<Certificate> => ({ state: "failed", failures: 3, failing_since: ago(90), next_attempt_at: ago(-55), error: { code, message } });

const certificates: Certificate[] = [
  row("shop.example.org"),
  row("staging.example.org", { ...refused("acme_connection", "The certificate authority cannot reach the name at port 443. Point it at this controller, and let port 443 through. It said: 203.0.113.7: Timeout during connect"), not_before: ago(65 * day), not_after: ago(-25 * day) }),
  row("new.example.net", { ...refused("acme_caa", "A CAA record of the domain forbids this certificate authority. Add one that allows it. It said: CAA record for example.net prevents issuance"), issuer: null, serial: null, not_before: null, not_after: null }),
];

export function answerCertificates(method: string, parts: string[]): [number, unknown] | undefined {
  const [kind, which, act] = parts;
  if (kind !== "certificates") return undefined;
  if (!which) return [200, { data: certificates, next_cursor: null }];
  const one = certificates.find((each) => each.id === which);
  if (!one) throw new Refusal(404, "not_found", "There is no such certificate.");
  if (method !== "POST" || act !== "renew") return [200, one];
  Object.assign(one, { running: true, next_attempt_at: now() });
  audit("certificate.ask", { type: "certificate", id: one.id, name: one.name });
  publish("certificate.updated", one);
  setTimeout(() => {
    Object.assign(one, row(one.name, { id: one.id, not_before: now(), not_after: ago(-90 * day), next_attempt_at: ago(-60 * day), created_at: one.created_at }));
    publish("certificate.updated", one);
  }, 3000);
  return [202, one];
}
