// Logging in to made-up Odoos: users and links sealed for the page that asks, as an agent does it.
import { createCipheriv, createECDH, createHmac } from "node:crypto";
import { Refusal } from "./account";
import { audit, blankOperation, state } from "./state";
import { begin } from "./work";

const two = (value: number) => Buffer.from([value >> 8, value & 255]);
const kem = Buffer.concat([Buffer.from("KEM"), two(0x10)]);
const suite = Buffer.concat([Buffer.from("HPKE"), two(0x10), two(1), two(1)]);
const none = Buffer.alloc(0);

const extract = (of: Buffer, salt: Buffer, label: string, input: Buffer) => createHmac("sha256", salt).update(Buffer.concat([Buffer.from(`HPKE-v1`), of, Buffer.from(label), input])).digest();
const expand = (of: Buffer, key: Buffer, label: string, info: Buffer, length: number) =>
  createHmac("sha256", key).update(Buffer.concat([two(length), Buffer.from("HPKE-v1"), of, Buffer.from(label), info, Buffer.from([1])])).digest().subarray(0, length);

function seal(publicKey: string, info: string, said: object): string {
  const pair = createECDH("prime256v1");
  const encapsulated = pair.generateKeys();
  const theirs = Buffer.from(publicKey, "base64url");
  const shared = expand(kem, extract(kem, none, "eae_prk", pair.computeSecret(theirs)), "shared_secret", Buffer.concat([encapsulated, theirs]), 32);
  const context = Buffer.concat([Buffer.from([0]), extract(suite, none, "psk_id_hash", none), extract(suite, none, "info_hash", Buffer.from(info))]);
  const secret = extract(suite, shared, "secret", none);
  const cipher = createCipheriv("aes-128-gcm", expand(suite, secret, "key", context, 16), expand(suite, secret, "base_nonce", context, 12));
  return Buffer.concat([encapsulated, cipher.update(JSON.stringify(said)), cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

const users = [
  { login: "admin", name: "Mitchell Admin" },
  { login: "demo", name: "Marc Demo" },
  { login: "clerk@acme.example", name: "Ines Clerk" },
];

/** Of an environment called "Nightly" its server allows nobody. */
export function answerOdoo(method: string, [what, which, odoo, act]: string[], body: Record<string, any>): [number, unknown] | null {
  if (method !== "POST" || what !== "environments" || odoo !== "odoo" || (act !== "users" && act !== "login")) return null;
  const environment = state.environments.find((one) => one.id === which);
  if (!environment) throw new Refusal(404, "not_found", "There is no such environment.");
  const operation = blankOperation(environment, `odoo.${act}`, [[act, act === "users" ? "List whom it can be" : "Make the link"]]);
  if (act === "login") {
    operation.note = String(body.reason);
    audit("odoo.login", { type: "environment", id: environment.id, name: environment.name }, { after: { user: body.user, reason: body.reason, operation_id: operation.id } });
  }
  begin(operation, async () => {
    if (/nightly/i.test(environment.name)) {
      operation.state = "failed";
      operation.error = {
        code: "policy_refused",
        message: `The policy of this server has no rule in "odoo_login" that lets people log in to the Odoo of ${environment.slug} as anybody now, so it is refused. Its root allows it in /etc/fairlead/policy.yaml:\n\nodoo_login:\n  - allow: ['admin']\n    environments: ['${environment.slug}']`,
        step: act,
      };
      return;
    }
    const said = act === "users" ? { users, more: false } : { url: `${environment.url ?? "http://127.0.0.1:18069"}/fairlead/login#${"T".repeat(43)}`, expires_ms: Date.now() + 60_000 };
    operation.result = { sealed: seal(String(body.public_key), `${operation.kind}\n${operation.id}`, said) };
  });
  return [202, operation];
}
