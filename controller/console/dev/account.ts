// Accounts of the stand-in: one person, whose codes are any six digits but 000000 and whose passkeys nobody checks.
import { randomBytes } from "node:crypto";
import type { Account, Identity, Passkey, PendingLink, Problem } from "../src/api/types";
import { ago, id, me, now } from "./state";

type Body = Record<string, any>;
type Answer = [number, unknown];

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly more: Partial<Problem> & Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

const empty = process.env.STANDIN === "empty";
const providers = [
  { slug: "github", name: "GitHub", kind: "github" },
  { slug: "google", name: "Google", kind: "google" },
  { slug: "acme", name: "Acme ID", kind: "oidc" },
];

const held = {
  totp: null as string | null,
  codes: 0,
  proven: 0,
  passkeys: [] as Passkey[],
  identities: (empty ? [] : [{ id: id("idn"), provider: "github", provider_name: "GitHub", email: "ada@users.example", created_at: ago(90_000), last_used_at: ago(300) }]) as Identity[],
  letters: [
    { id: id("mal"), kind: "reset_password", email: "jon@acme.example", link: "https://fairlead.acme.example/reset-password#frt_9d2KXn", created_at: ago(12), expires_at: ago(-48), attempts: 0, next_attempt_at: null, last_error: "" },
    { id: id("mal"), kind: "verify_email", email: "eve@acme.example", link: "https://fairlead.acme.example/verify-email#fvt_7QmZ2a", created_at: ago(300), expires_at: ago(-1140), attempts: 0, next_attempt_at: null, last_error: "" },
  ] as PendingLink[],
};

const random = (bytes = 32) => randomBytes(bytes).toString("base64url");
const methods = () => [...(held.totp ? ["totp"] : []), ...(held.passkeys.length ? ["passkey"] : []), ...(held.codes ? ["recovery_code"] : [])] as Account["second_factors"];
const wrong = (field: string, message: string) => new Refusal(400, "validation_failed", "One field is not right.", { errors: [{ field, message }] });
const newCodes = () => {
  held.codes = 10;
  return { recovery_codes: Array.from({ length: 10 }, () => random(10).toLowerCase().replaceAll(/[_-]/g, "a").slice(0, 12).replace(/(.{4})(?=.)/g, "$1-")) };
};

export const elevatedUntil = () => new Date(held.proven + 15 * 60_000).toISOString();

/** Whoever has just signed in has proven who they are. STANDIN_STEP_UP=1: not so, to see the dialog. */
const signedIn = () => (held.proven = process.env.STANDIN_STEP_UP ? 0 : Date.now());
const elevated = () => (held.proven = Date.now());

function check({ code, recovery_code, password }: Body) {
  if (code === "000000" || (code && !/^\d{6}$/.test(code))) throw wrong("code", "is not the code that the app shows now");
  if (recovery_code && recovery_code.length < 8) throw wrong("recovery_code", "is none of your codes, or was used");
  if (password && password.length < 4) throw wrong("password", "is not your password");
  if (recovery_code) held.codes--;
}

function stepUp() {
  if (Date.now() - held.proven >= 15 * 60_000) throw new Refusal(403, "step_up_required", "Prove once more that it is you: this needs a second factor, or the password where the account has none, given within the last 15 minutes.");
}

const account = (): Account => ({
  id: me.id, email: me.email, name: me.name, created_at: ago(90_000), operator: true, has_password: true,
  second_factors: methods(), totp_since: held.totp, recovery_codes_left: held.codes,
});

const creation = (host: string) => ({
  rp: { id: host, name: "Fairlead" }, challenge: random(), user: { id: random(16), name: me.email, displayName: me.name },
  pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -257 }],
  authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" }, excludeCredentials: [], timeout: 300_000,
});
const question = (host: string) => ({ rpId: host, challenge: random(), userVerification: "preferred", timeout: 300_000 });

/** What may be asked without being signed in; `enter` is what opens a session. */
export function outside(route: string, body: Body, query: URLSearchParams, host: string, enter: () => Answer): Answer | null {
  const into = () => {
    signedIn();
    return enter();
  };
  switch (route) {
    case "GET sign-in-options": {
      const code = query.get("problem");
      return [200, { providers: empty ? [] : providers, registration: "open", passkeys: true, problem: code && { code, message: "The provider did not sign you in: you or it ended the attempt. Try again, or sign in another way." } }];
    }
    case "GET registration":
      return [200, { registration: "open", mail: Boolean(process.env.STANDIN_MAIL) }];
    case "POST session":
      if (String(body.password).length < 4) throw new Refusal(401, "sign_in_failed", "E-mail and password do not go together. Check both; after three tries there is a wait.");
      if (body.email.startsWith("new")) throw new Refusal(403, "email_unverified", "Confirm your e-mail address first.");
      if (methods().length) throw new Refusal(401, "second_factor_required", "A second factor is needed.", { challenge: random(), methods: methods() });
      return into();
    case "POST session/second-factor":
      check(body);
      return into();
    case "POST session/passkey/options":
    case "POST session/second-factor/passkey/options":
      return [200, question(host)];
    case "POST session/passkey":
    case "POST session/second-factor/passkey":
      return into();
    case "POST register":
      if (/^password/.test(body.password)) throw wrong("password", "is among the commonest; choose another");
      return [202, {}];
    case "POST email/resend":
    case "POST password/forgot":
      return [202, {}];
    case "POST email/verify":
    case "POST password/reset":
      if (body.token.startsWith("bad")) throw new Refusal(404, "link_invalid", "This link was used already, has run out, or a newer one took its place.");
      return route === "POST email/verify" ? [200, { email: me.email, changed: body.token.startsWith("change") }] : [204, null];
  }
  return null;
}

/** The same for whoever is signed in. */
export function own(route: string, body: Body, host: string, session: () => unknown): Answer | null {
  const [method, path] = route.split(" ") as [string, string];
  const one = /^account\/(?:passkeys|identities)\/(\w+)$/.exec(path)?.[1];
  if (one && one !== "options") {
    const passkey = held.passkeys.find((p) => p.id === one);
    if (method === "PATCH") return [200, Object.assign(passkey!, body)];
    stepUp();
    held.passkeys = held.passkeys.filter((p) => p.id !== one);
    held.identities = held.identities.filter((i) => i.id !== one);
    return [204, null];
  }
  switch (route) {
    case "GET account":
      return [200, account()];
    case "PATCH account":
      me.name = body.name;
      return [200, account()];
    case "POST session/elevate":
      check(body);
      elevated();
      return [200, session()];
    case "POST session/elevate/passkey/options":
      return [200, question(host)];
    case "POST session/elevate/passkey":
      elevated();
      return [200, session()];
    case "GET account/passkeys":
      return [200, { data: held.passkeys.map((p) => ({ ...p, last_second_factor: held.passkeys.length === 1 && !held.totp })), next_cursor: null }];
    case "GET account/identities":
      return [200, { data: held.identities, next_cursor: null }];
    case "GET installation/links":
      return [200, { data: empty ? held.letters.slice(0, 2) : held.letters, next_cursor: null }];
  }
  if (!path.startsWith("account")) return null;
  stepUp();
  switch (route) {
    case "DELETE account":
      throw new Refusal(409, "sole_owner", "You are the only owner of Acme Consulting. Make somebody else an owner first, or delete the organization.");
    case "POST account/email":
      return [202, {}];
    case "POST account/totp":
      return [200, { secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", otpauth_uri: `otpauth://totp/Fairlead:${me.email}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Fairlead` }];
    case "POST account/totp/confirm":
      check(body);
      held.totp = now();
      return [200, held.codes ? { recovery_codes: [] } : newCodes()];
    case "DELETE account/totp":
      held.totp = null;
      if (!held.passkeys.length) held.codes = 0;
      return [204, null];
    case "POST account/recovery-codes":
      return [200, newCodes()];
    case "POST account/passkeys/options":
      return [200, creation(host)];
    case "POST account/passkeys": {
      const made: Passkey = { id: id("psk"), name: body.name, aaguid: "", transports: ["internal"], user_verified: true, backup_eligible: true, backed_up: true, last_second_factor: false, created_at: now(), last_used_at: null };
      held.passkeys.push(made);
      return [201, made];
    }
  }
  return null;
}
