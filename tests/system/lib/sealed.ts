// A page that a server seals something for: HPKE (RFC 9180) with P-256, HKDF-SHA256 and AES-128-GCM, as its recipient.
import { createDecipheriv, createECDH, createHmac, type ECDH } from "node:crypto";

const two = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const kem = Buffer.concat([Buffer.from("KEM"), two(0x10)]);
const suite = Buffer.concat([Buffer.from("HPKE"), two(0x10), two(1), two(1)]);
const version = Buffer.from("HPKE-v1");
const none = Buffer.alloc(0);

const extract = (of: Buffer, salt: Buffer, label: string, input: Buffer): Buffer => createHmac("sha256", salt).update(Buffer.concat([version, of, Buffer.from(label), input])).digest();
const expand = (of: Buffer, key: Buffer, label: string, info: Buffer, length: number): Buffer =>
  createHmac("sha256", key).update(Buffer.concat([two(length), version, of, Buffer.from(label), info, Buffer.from([1])])).digest().subarray(0, length);

export class SealingKey {
  #pair: ECDH = createECDH("prime256v1");
  readonly public: string;

  constructor() {
    this.public = this.#pair.generateKeys().toString("base64url");
  }

  /** Throws where it was sealed for another key or purpose. */
  open(info: string, sealed: string): string {
    const bytes = Buffer.from(sealed, "base64url");
    const encapsulated = bytes.subarray(0, 65);
    const point = this.#pair.computeSecret(encapsulated);
    const shared = expand(kem, extract(kem, none, "eae_prk", point), "shared_secret", Buffer.concat([encapsulated, this.#pair.getPublicKey()]), 32);
    const context = Buffer.concat([Buffer.from([0]), extract(suite, none, "psk_id_hash", none), extract(suite, none, "info_hash", Buffer.from(info))]);
    const secret = extract(suite, shared, "secret", none);
    const cipher = createDecipheriv("aes-128-gcm", expand(suite, secret, "key", context, 16), expand(suite, secret, "base_nonce", context, 12));
    cipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([cipher.update(bytes.subarray(65, -16)), cipher.final()]).toString();
  }
}
