// Hybrid Public Key Encryption (RFC 9180), as the one it is for: base mode, one message, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
// A server seals what it has to say for a key that this page made; the controller in between passes on what it cannot read.
import { fromBase64Url, toBase64Url } from "./webauthn";

type Bytes = Uint8Array<ArrayBuffer>;

export interface SealingKey {
  /** An uncompressed point in base64url: what the other side seals for. */
  publicKey: string;
  /** Cannot be taken out of the browser, and is gone with the page. */
  privateKey: CryptoKey;
}

const curve = { name: "ECDH", namedCurve: "P-256" } as const;
const pointLength = 65;
const tagLength = 16;

const text = (words: string): Bytes => new TextEncoder().encode(words) as Bytes;
const number = (value: number): Bytes => Uint8Array.of(value >> 8, value & 255);

function joined(...parts: Uint8Array[]): Bytes {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const kem = joined(text("KEM"), number(0x0010));
const suite = joined(text("HPKE"), number(0x0010), number(0x0001), number(0x0001));

/** False where the page did not come by https: then the browser has no such functions. */
export function canUnseal(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

export async function makeSealingKey(): Promise<SealingKey> {
  const pair = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
  return { publicKey: toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))), privateKey: pair.privateKey };
}

/** What was sealed; throws where it was for another key or purpose, or was changed on the way. */
export async function unseal(key: SealingKey, info: string, sealed: string): Promise<string> {
  const bytes = fromBase64Url(sealed);
  if (bytes.length < pointLength + tagLength) throw new Error("What came is no sealed message.");
  const encapsulated = bytes.slice(0, pointLength);
  const theirs = await crypto.subtle.importKey("raw", encapsulated, curve, false, []);
  const point = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, key.privateKey, 256));
  const shared = await expand(kem, await extract(kem, new Uint8Array(), "eae_prk", point), "shared_secret", joined(encapsulated, fromBase64Url(key.publicKey)), 32);
  const context = joined(Uint8Array.of(0), await extract(suite, new Uint8Array(), "psk_id_hash", new Uint8Array()), await extract(suite, new Uint8Array(), "info_hash", text(info)));
  const secret = await extract(suite, shared, "secret", new Uint8Array());
  const cipher = await crypto.subtle.importKey("raw", await expand(suite, secret, "key", context, 16), "AES-GCM", false, ["decrypt"]);
  const iv = await expand(suite, secret, "base_nonce", context, 12);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, tagLength: tagLength * 8 }, cipher, bytes.slice(pointLength));
  return new TextDecoder("utf-8", { fatal: true }).decode(plain);
}

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  // No key is a key of zeros here (RFC 5869 section 2.2), and WebCrypto takes no empty one.
  const imported = await crypto.subtle.importKey("raw", key.length ? key : new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

function extract(of: Bytes, salt: Bytes, label: string, input: Bytes): Promise<Bytes> {
  return hmac(salt, joined(text("HPKE-v1"), of, text(label), input));
}

/** At most 32 bytes: one block. */
async function expand(of: Bytes, key: Bytes, label: string, info: Bytes, length: number): Promise<Bytes> {
  return (await hmac(key, joined(number(length), text("HPKE-v1"), of, text(label), info, Uint8Array.of(1)))).slice(0, length);
}
