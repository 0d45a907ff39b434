// Proves in this browser, with what the page was given and nothing else, that an entry is in the audit log: RFC 6962 hashing, the way
// up of RFC 9162 section 2.1.3.2, and the signed note (C2SP signed-note, tlog-checkpoint) that names the root.

/** As `GET …/audit/{entry}/proof` gives it. */
export interface Proof {
  seq: number;
  leaf: string;
  leaf_hash: string;
  path: string[];
  checkpoint: { size: number; note: string };
  key: string;
}

export interface Proven {
  /** Entries that the signed state has, and the root of its tree (base64). */
  size: number;
  root: string;
  /** False where this browser knows no Ed25519: then the root is only what the controller says. */
  signature: boolean;
}

/** What does not fit, as a sentence. */
export class NotProven extends Error {}

const utf8 = new TextEncoder();

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}
function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);
const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The root that a leaf leads to. Sizes stay below 2⁵³, where halves are exact. */
async function rootOf(leaf: Uint8Array, seq: number, size: number, path: string[]): Promise<Uint8Array> {
  let [hash, at, last] = [leaf, seq, size - 1];
  for (const step of path) {
    if (last === 0) throw new NotProven("The way to the root is longer than the log is deep.");
    const beside = bytesOf(step);
    if (at % 2 === 1 || at === last) {
      hash = await sha256(nodePrefix, beside, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = await sha256(nodePrefix, hash, beside);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0) throw new NotProven("The way to the root ends before it.");
  return hash;
}

/** Origin, size and root of a note, once its signature by that key was checked. */
async function openNote(note: string, key: string): Promise<{ size: number; root: string; signature: boolean }> {
  const end = note.indexOf("\n\n");
  const [name, id, encoded] = key.split(/\+(.*?)\+(.*)/s);
  if (end < 0 || !name || !id || !encoded) throw new NotProven("The signed state of the log cannot be read.");
  const text = note.slice(0, end + 1);
  const [, size, root] = text.split("\n");
  const material = bytesOf(encoded);
  const line = note.slice(end + 2).split("\n").find((one) => one.startsWith(`— ${name} `));
  if (!line || material[0] !== 1 || material.length !== 33) throw new NotProven(`The state of the log is not signed by ${name}.`);
  const signed = bytesOf(line.slice(`— ${name} `.length));
  const hint = (await sha256(utf8.encode(`${name}\n`), material)).slice(0, 4);
  if (!same(hint, signed.slice(0, 4))) throw new NotProven("The state of the log is signed by another key than the one that is shown.");
  const signature = await verified(material.slice(1), signed.slice(4), utf8.encode(text));
  if (signature === false) throw new NotProven("The signature of the log's state is wrong.");
  return { size: Number(size), root: root ?? "", signature: signature ?? false };
}

/** Undefined where the browser has no Ed25519. */
async function verified(key: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>, text: Uint8Array<ArrayBuffer>): Promise<boolean | undefined> {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch {
    return undefined;
  }
  return crypto.subtle.verify("Ed25519", imported, signature, text);
}

/** Whether two values are the same JSON, whatever the order of their members. */
function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameJson(a[name as keyof typeof a], b[name as keyof typeof b]));
}

/** Throws NotProven unless what is shown as `entry` is what was hashed, its hash leads to a root, and that root is signed. */
export async function prove(entry: object, proof: Proof): Promise<Proven> {
  const { org: _, ...hashed } = JSON.parse(proof.leaf) as Record<string, unknown>;
  if (!sameJson(hashed, entry) || hashed.seq !== proof.seq) throw new NotProven("What this page shows is not what was written into the log.");
  const leaf = await sha256(leafPrefix, utf8.encode(proof.leaf));
  if (!same(leaf, bytesOf(proof.leaf_hash))) throw new NotProven("The text of the entry does not fit its hash.");
  const signed = await openNote(proof.checkpoint.note, proof.key);
  if (!Number.isSafeInteger(signed.size) || signed.size !== proof.checkpoint.size || proof.seq < 0 || proof.seq >= signed.size) {
    throw new NotProven("The signed state of the log does not reach to this entry.");
  }
  const root = base64Of(await rootOf(leaf, proof.seq, signed.size, proof.path));
  if (root !== signed.root) throw new NotProven("The entry does not lead to the root that was signed.");
  return { size: signed.size, root, signature: signed.signature };
}
