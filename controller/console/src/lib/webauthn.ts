// Passkeys between the controller, which speaks JSON, and the browser, which speaks bytes. Newer browsers convert by themselves
// (parseCreationOptionsFromJSON, toJSON); those that the console still supports do not.

export function toBase64Url(bytes: ArrayBuffer | Uint8Array): string {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

interface CredentialName {
  id: string;
  type: string;
  transports?: string[];
}

/** PublicKeyCredentialCreationOptionsJSON, as far as the controller uses it. */
export interface CreationJson {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: CredentialName[];
}

/** PublicKeyCredentialRequestOptionsJSON, likewise. */
export interface RequestJson {
  challenge: string;
  allowCredentials?: CredentialName[];
}

const names = (list: CredentialName[] | undefined) => list?.map((one) => ({ ...one, id: fromBase64Url(one.id) }) as PublicKeyCredentialDescriptor);

export function creationOptions(json: CreationJson): PublicKeyCredentialCreationOptions {
  const { challenge, user, excludeCredentials } = json;
  return {
    ...(json as unknown as PublicKeyCredentialCreationOptions),
    challenge: fromBase64Url(challenge),
    user: { ...user, id: fromBase64Url(user.id) },
    excludeCredentials: names(excludeCredentials),
  };
}

export function requestOptions(json: RequestJson): PublicKeyCredentialRequestOptions {
  const { challenge, allowCredentials } = json;
  return {
    ...(json as unknown as PublicKeyCredentialRequestOptions),
    challenge: fromBase64Url(challenge),
    allowCredentials: names(allowCredentials),
  };
}

const named = (credential: PublicKeyCredential) => ({
  id: credential.id,
  rawId: toBase64Url(credential.rawId),
  type: "public-key" as const,
  clientExtensionResults: {},
  ...(credential.authenticatorAttachment ? { authenticatorAttachment: credential.authenticatorAttachment as "platform" | "cross-platform" } : {}),
});

/** RegistrationResponseJSON: what `toJSON()` gives where it exists. */
export function registrationJson(credential: PublicKeyCredential) {
  const { clientDataJSON, attestationObject, getTransports } = credential.response as AuthenticatorAttestationResponse;
  return {
    ...named(credential),
    response: {
      clientDataJSON: toBase64Url(clientDataJSON),
      attestationObject: toBase64Url(attestationObject),
      transports: getTransports?.call(credential.response) ?? [],
    },
  };
}

/** AuthenticationResponseJSON, likewise. */
export function assertionJson(credential: PublicKeyCredential) {
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response as AuthenticatorAssertionResponse;
  return {
    ...named(credential),
    response: {
      clientDataJSON: toBase64Url(clientDataJSON),
      authenticatorData: toBase64Url(authenticatorData),
      signature: toBase64Url(signature),
      ...(userHandle ? { userHandle: toBase64Url(userHandle) } : {}),
    },
  };
}

export const passkeysWork = (): boolean => typeof PublicKeyCredential !== "undefined" && Boolean(navigator.credentials);

/** Browsers that offer passkeys among what they fill into the e-mail field. */
export async function conditionalWorks(): Promise<boolean> {
  try {
    return passkeysWork() && (await PublicKeyCredential.isConditionalMediationAvailable?.()) === true;
  } catch {
    return false;
  }
}

/** Why the browser gave no passkey, for the person; null where they turned away and know it. */
export function whyNoPasskey(error: unknown): string | null {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  switch (name) {
    case "AbortError":
      return null;
    case "NotAllowedError":
      return "No passkey was used. The browser's question was closed or took too long, or this device has none for this controller.";
    case "InvalidStateError":
      return "This device or security key already has a passkey for your account.";
    case "SecurityError":
      return "The browser does not use passkeys at this address. Open the console by the host name that it was set up with, over HTTPS.";
    case "NotSupportedError":
      return "This device cannot make a passkey of the kind that is needed. Try another device or a security key.";
    default:
      return `The browser could not use a passkey: ${error instanceof Error ? error.message : String(error)}`;
  }
}
