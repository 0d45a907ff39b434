// A log's tree and signed note, as RFC 9162 and C2SP define them: for the stand-in, and for the test of who climbs the tree.
import { createHash, generateKeyPairSync, sign } from "node:crypto";

const hash = (...parts: Buffer[]) => createHash("sha256").update(Buffer.concat(parts)).digest();
export const leafHash = (text: string) => hash(Buffer.from([0]), Buffer.from(text));
const node = (a: Buffer, b: Buffer) => hash(Buffer.from([1]), a, b);
/** The largest power of two below n. */
const half = (n: number) => 2 ** Math.ceil(Math.log2(n) - 1);

function root(leaves: Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  const k = half(leaves.length);
  return node(root(leaves.slice(0, k)), root(leaves.slice(k)));
}

function path(leaves: Buffer[], at: number): Buffer[] {
  if (leaves.length === 1) return [];
  const k = half(leaves.length);
  return at < k ? [...path(leaves.slice(0, k), at), root(leaves.slice(k))] : [...path(leaves.slice(k), at - k), root(leaves.slice(0, k))];
}

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const name = "fairlead.example/audit";
const material = Buffer.concat([Buffer.from([1]), Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url")]);
const id = hash(Buffer.from(`${name}\n`), material).subarray(0, 4);
export const auditKey = `${name}+${id.toString("hex")}+${material.toString("base64")}`;

function note(size: number, top: Buffer): string {
  const text = `${name}/org_1\n${size}\n${top.toString("base64")}\n`;
  return `${text}\n— ${name} ${Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]).toString("base64")}\n`;
}

/** What proves the entry at `seq` in a log of these entries. */
export function proofOf(entries: { seq: number }[], seq: number) {
  const texts = [...entries].sort((a, b) => a.seq - b.seq).map((one) => JSON.stringify({ ...one, org: "org_1" }));
  const leaves = texts.map(leafHash);
  return {
    seq,
    leaf: texts[seq]!,
    leaf_hash: leaves[seq]!.toString("base64"),
    path: path(leaves, seq).map((one) => one.toString("base64")),
    checkpoint: { size: leaves.length, at: new Date().toISOString(), note: note(leaves.length, root(leaves)) },
    key: auditKey,
  };
}
