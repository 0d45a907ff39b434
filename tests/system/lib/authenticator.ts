// A passkey without a browser: a key, and the two answers that navigator.credentials gives (Web Authentication sections 5.1, 6.1).
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

type Credential = Record<string, unknown>;

const cbor = {
  head: (major: number, value: number): Buffer =>
    value < 24 ? Buffer.from([(major << 5) | value]) : value < 256 ? Buffer.from([(major << 5) | 24, value]) : Buffer.from([(major << 5) | 25, value >> 8, value & 255]),
  text: (text: string): Buffer => Buffer.concat([cbor.head(3, text.length), Buffer.from(text)]),
  bytes: (bytes: Buffer): Buffer => Buffer.concat([cbor.head(2, bytes.length), bytes]),
  int: (value: number): Buffer => (value < 0 ? cbor.head(1, -1 - value) : cbor.head(0, value)),
  map: (...pairs: [Buffer, Buffer][]): Buffer => Buffer.concat([cbor.head(5, pairs.length), ...pairs.flat()]),
};

export class Authenticator {
  #id = randomBytes(32);
  #key: KeyObject;
  #publicKey: Buffer;
  #count = 0;

  constructor(private readonly origin: string) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    const { x, y } = publicKey.export({ format: "jwk" });
    const number = cbor.int;
    this.#publicKey = cbor.map([number(1), number(2)], [number(3), number(-7)], [number(-1), number(1)],
      [number(-2), cbor.bytes(Buffer.from(x!, "base64url"))], [number(-3), cbor.bytes(Buffer.from(y!, "base64url"))]);
  }

  /** What create() gives for these options. */
  create(options: { challenge: string }): Credential {
    const length = Buffer.from([0, this.#id.length]);
    const data = Buffer.concat([this.#data(0x45), Buffer.alloc(16), length, this.#id, this.#publicKey]);
    const attestation = cbor.map([cbor.text("fmt"), cbor.text("none")], [cbor.text("attStmt"), cbor.map()], [cbor.text("authData"), cbor.bytes(data)]);
    return this.#credential({
      clientDataJSON: this.#said("webauthn.create", options.challenge).toString("base64url"), attestationObject: attestation.toString("base64url"), transports: ["internal"],
    });
  }

  /** What get() gives for these options. */
  get(options: { challenge: string }): Credential {
    const data = this.#data(0x05);
    const said = this.#said("webauthn.get", options.challenge);
    const signature = sign("sha256", Buffer.concat([data, createHash("sha256").update(said).digest()]), this.#key);
    return this.#credential({
      clientDataJSON: said.toString("base64url"), authenticatorData: data.toString("base64url"), signature: signature.toString("base64url"), userHandle: null,
    });
  }

  /** Hash of the site, flags (present, verified, perhaps with a new key), counter. */
  #data(flags: number): Buffer {
    const rest = Buffer.alloc(5);
    rest[0] = flags;
    rest.writeUInt32BE(++this.#count, 1);
    return Buffer.concat([createHash("sha256").update(new URL(this.origin).hostname).digest(), rest]);
  }

  #said(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }));
  }

  #credential(response: Record<string, unknown>): Credential {
    const id = this.#id.toString("base64url");
    return { id, rawId: id, type: "public-key", response, clientExtensionResults: {}, authenticatorAttachment: "platform" };
  }
}
