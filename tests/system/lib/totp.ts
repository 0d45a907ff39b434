// Codes of an authenticator app, by oathtool, which knows nothing of us.
import { run } from "./process.ts";

/** The code that an app shows which has read this address ("otpauth://totp/…") from its QR picture. */
export async function codeOf(uri: string, offsetSeconds = 0): Promise<string> {
  const at = new URL(uri);
  const of = (name: string) => at.searchParams.get(name) ?? "";
  const now = new Date(Date.now() + offsetSeconds * 1000).toISOString().replace("T", " ").slice(0, 19);
  const said = await run("oathtool", [
    `--totp=${of("algorithm")}`, `--digits=${of("digits")}`, `--time-step-size=${of("period")}s`, `--now=${now} UTC`, "--base32", of("secret"),
  ]);
  return said.stdout.trim();
}
