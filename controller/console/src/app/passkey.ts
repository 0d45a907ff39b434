// The browser's part of passkeys. What it throws becomes an ApiError, so that forms show it like a refusal of the controller.
import { ownProblem } from "../api/client";
import { assertionJson, creationOptions, registrationJson, requestOptions, whyNoPasskey, type CreationJson, type RequestJson } from "../lib/webauthn";

let asking: AbortController | null = null;

/** A browser has one question at a time: the next one ends the one before, such as the quiet one of the sign-in page. */
function next(ended?: AbortSignal): AbortSignal {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  if (ended?.aborted) mine.abort();
  ended?.addEventListener("abort", () => mine.abort());
  return mine.signal;
}

/** `quietly`: among what the browser offers for a field, until somebody chooses it or the signal ends it. */
export async function askForPasskey(options: RequestJson, quietly?: AbortSignal) {
  const signal = next(quietly);
  try {
    const mediation = quietly ? { mediation: "conditional" as const } : {};
    const given = await navigator.credentials.get({ publicKey: requestOptions(options), signal, ...mediation });
    return assertionJson(given as PublicKeyCredential);
  } catch (error) {
    throw refusal(error);
  }
}

export async function makePasskey(options: CreationJson) {
  const signal = next();
  try {
    return registrationJson((await navigator.credentials.create({ publicKey: creationOptions(options), signal })) as PublicKeyCredential);
  } catch (error) {
    throw refusal(error);
  }
}

function refusal(error: unknown) {
  return ownProblem("passkey_not_used", "No passkey was used", whyNoPasskey(error) ?? "The browser's question was closed.");
}
