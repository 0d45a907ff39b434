// What somebody has who took a controller's data folder: the authority's key and the controller's own, in the clear,
// and so every certificate they like. Opens the keystore (common/crypto/keystore.hpp) as anybody could.
import { createDecipheriv, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Controller } from "./controller.ts";
import { run } from "./process.ts";

export interface KeyPair {
  key: string;
  certificate: string;
}

export interface AgentCertificate {
  /** Common name: the server's id. */
  server: string;
  org: string;
  /** PEM of a private key; a new one otherwise. */
  key?: string;
  /** Days from now. */
  from?: number;
  to?: number;
}

/** The authority that signs agents' certificates, with its key. */
export class Authority {
  #dir = mkdtempSync(join(tmpdir(), "fairlead-stolen-"));

  constructor(readonly pair: KeyPair) {
    writeFileSync(join(this.#dir, "ca.key"), pair.key, { mode: 0o600 });
    writeFileSync(join(this.#dir, "ca.pem"), pair.certificate);
  }

  /** One that nobody trusts, with the same name as `like`. */
  static async foreign(like: Authority): Promise<Authority> {
    const dir = mkdtempSync(join(tmpdir(), "fairlead-foreign-"));
    const subject = (await run("openssl", ["x509", "-noout", "-subject", "-nameopt", "RFC2253"], { input: like.pair.certificate })).stdout;
    const name = /CN=(.*)/.exec(subject)?.[1] ?? "Fairlead CA";
    await run("openssl", [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", `/CN=${name.trim()}`,
      "-keyout", join(dir, "key"), "-out", join(dir, "pem"),
      "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    ]);
    return new Authority({ key: readFileSync(join(dir, "key"), "utf8"), certificate: readFileSync(join(dir, "pem"), "utf8") });
  }

  agent(wanted: AgentCertificate): Promise<KeyPair> {
    return this.#sign(wanted.server, `URI:fairlead:org:${wanted.org}`, "clientAuth", wanted);
  }

  /** For a controller of that name; the chain holds the authority too. */
  async server(name: string): Promise<KeyPair> {
    const pair = await this.#sign(name, `DNS:${name}`, "serverAuth", {});
    return { key: pair.key, certificate: pair.certificate + this.pair.certificate };
  }

  async #sign(name: string, names: string, usage: string, { key, from = -1, to = 30 }: Partial<AgentCertificate>): Promise<KeyPair> {
    const base = join(this.#dir, randomBytes(6).toString("hex"));
    if (key) writeFileSync(`${base}.key`, key, { mode: 0o600 });
    else await run("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", `${base}.key`]);
    await run("openssl", ["req", "-new", "-key", `${base}.key`, "-subj", `/CN=${name}`, "-out", `${base}.csr`]);
    writeFileSync(`${base}.ext`, `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${usage}\nsubjectAltName=${names}\n`);
    writeFileSync(`${base}.index`, "");
    writeFileSync(`${base}.cnf`, `[ca]\ndefault_ca=own\n[own]\ndatabase=${base}.index\nnew_certs_dir=${this.#dir}\nrand_serial=yes\n` +
      "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n");
    await run("openssl", [
      "ca", "-batch", "-notext", "-config", `${base}.cnf`, "-cert", join(this.#dir, "ca.pem"), "-keyfile", join(this.#dir, "ca.key"),
      "-in", `${base}.csr`, "-out", `${base}.pem`, "-extfile", `${base}.ext`, "-startdate", stamp(from), "-enddate", stamp(to),
    ]);
    return { key: readFileSync(`${base}.key`, "utf8"), certificate: readFileSync(`${base}.pem`, "utf8") };
  }
}

export interface Stolen {
  authority: Authority;
  /** What the controller itself shows. */
  own: KeyPair;
  /** The keys that sign for organizations' streams, of each its 32 bytes. */
  tunnelKeys: { id: string; public_key: string; seed: Buffer }[];
}

/** Reads it all out of a data folder; the controller may be running. */
export async function steal(controller: Controller): Promise<Stolen> {
  const master = new Map<string, Buffer>();
  for (const line of readFileSync(join(controller.data, "master.key"), "utf8").trim().split("\n")) {
    const [id = "", key = ""] = line.split(" ");
    master.set(id, Buffer.from(key, "base64url"));
  }
  const open = (hex: string, place: string): Buffer => {
    const sealed = Buffer.from(hex, "hex");
    const key = unseal(master.get(sealed.subarray(1, 9).toString("hex"))!, sealed.subarray(9, 9 + 72), `key of ${place}`);
    return unseal(key, sealed.subarray(9 + 72), place);
  };
  const queryAll = async <T>(sql: string): Promise<T[]> =>
    JSON.parse((await run("sqlite3", ["-readonly", "-json", join(controller.data, "fairlead.db"), sql])).stdout || "[]") as T[];
  const query = async <T>(sql: string): Promise<T> => (await queryAll<T>(sql))[0]!;
  const ca = await query<{ number: number; certificate: string; key: string }>(
    "SELECT number, certificate, hex(sealed_key) AS key FROM authority WHERE stage = 'issuing'");
  const own = await query<{ chain: string; key: string }>("SELECT chain, hex(sealed_key) AS key FROM own_certificate");
  const tunnel = await queryAll<{ id: string; public_key: string; seed: string }>("SELECT id, public_key, hex(sealed_seed) AS seed FROM tunnel_keys WHERE state = 'current'");
  return {
    authority: new Authority({ key: open(ca.key, `authority/${ca.number}`).toString(), certificate: ca.certificate }),
    own: { key: open(own.key, "own_certificate/1").toString(), certificate: own.chain },
    tunnelKeys: tunnel.map(({ id, public_key, seed }) => ({ id, public_key, seed: open(seed, `tunnel_key/${id}`) })),
  };
}

/** XChaCha20-Poly1305 as libsodium writes it: nonce, text, tag. */
function unseal(key: Buffer, sealed: Buffer, context: string): Buffer {
  const nonce = sealed.subarray(0, 24);
  const cipher = createDecipheriv(
    "chacha20-poly1305", hchacha20(key, nonce.subarray(0, 16)), Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]), { authTagLength: 16 });
  cipher.setAAD(Buffer.from(context), { plaintextLength: sealed.length - 40 });
  cipher.setAuthTag(sealed.subarray(sealed.length - 16));
  return Buffer.concat([cipher.update(sealed.subarray(24, sealed.length - 16)), cipher.final()]);
}

function hchacha20(key: Buffer, nonce: Buffer): Buffer {
  const x = new Uint32Array(16);
  x.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  for (let i = 0; i < 8; i++) x[4 + i] = key.readUInt32LE(4 * i);
  for (let i = 0; i < 4; i++) x[12 + i] = nonce.readUInt32LE(4 * i);
  const turn = (i: number, by: number): void => void (x[i] = (x[i]! << by) | (x[i]! >>> (32 - by)));
  const quarter = (a: number, b: number, c: number, d: number): void => {
    for (const [one, other, third, by] of [[a, b, d, 16], [c, d, b, 12], [a, b, d, 8], [c, d, b, 7]] as const) {
      x[one] = x[one]! + x[other]!;
      x[third] = x[third]! ^ x[one]!;
      turn(third, by);
    }
  };
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
    for (let i = 0; i < 4; i++) quarter(i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  const out = Buffer.alloc(32);
  for (let i = 0; i < 4; i++) {
    out.writeUInt32LE(x[i]!, 4 * i);
    out.writeUInt32LE(x[12 + i]!, 16 + 4 * i);
  }
  return out;
}

function stamp(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
}
