/** How a receiver verifies what comes: functions to copy, each tested as it stands here (verify.test.ts). Both take the body as it came, before anything parsed it. */
export const recipes = {
  node: `import { createHmac, timingSafeEqual } from "node:crypto";

export function verify(secret, headers, body) {
  const id = headers["webhook-id"];
  const sent = headers["webhook-timestamp"];
  const age = Date.now() / 1000 - Number(sent);
  if (!(Math.abs(age) < 300)) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const mine = createHmac("sha256", key)
    .update(id + "." + sent + ".").update(body).digest();
  const signatures = headers["webhook-signature"] ?? "";
  return signatures.split(" ").some((each) => {
    const [version, text = ""] = each.split(",");
    if (version !== "v1") return false;
    const theirs = Buffer.from(text, "base64");
    return theirs.length === mine.length && timingSafeEqual(theirs, mine);
  });
}`,
  python: `import base64, hashlib, hmac, time

def verify(secret, headers, body):
    id = headers["webhook-id"]
    sent = headers["webhook-timestamp"]
    if abs(time.time() - int(sent)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{sent}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    mine = "v1," + base64.b64encode(digest).decode()
    signatures = headers["webhook-signature"].split()
    return any(hmac.compare_digest(mine, each) for each in signatures)`,
} as const;
