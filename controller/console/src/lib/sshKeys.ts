/** What is read of SSH public keys before anything is sent, and what is said about them. The controller looks again, and more closely. */

import type { SshKey } from "../api/types";

export interface ReadKey {
  type: string;
  /** Base64 of the key itself. */
  body: string;
  comment: string;
  fingerprint: string;
}

const types: Record<string, string> = {
  "ssh-ed25519": "Ed25519",
  "ssh-rsa": "RSA",
  "ecdsa-sha2-nistp256": "ECDSA",
  "ecdsa-sha2-nistp384": "ECDSA",
  "ecdsa-sha2-nistp521": "ECDSA",
  "sk-ssh-ed25519@openssh.com": "Ed25519, security key",
  "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA, security key",
};

/** What people call this kind of key: "RSA 4096". */
export function kindOf({ type, bits }: Pick<SshKey, "type" | "bits">): string {
  const name = types[type] ?? type;
  return type === "ssh-rsa" ? `${name} ${bits}` : name;
}

/** Whether somebody has pasted a private key, in whatever form: it must not leave this page. */
export function hasPrivateKey(text: string): boolean {
  return /PRIVATE KEY|PuTTY-User-Key-File|Private-(Lines|MAC)|b3BlbnNzaC1rZXktdjE|AGE-SECRET-KEY-/i.test(text);
}

/** Why this cannot be a public key that is taken; nothing where it can. */
export function wrongKey(text: string): string | undefined {
  if (hasPrivateKey(text)) return "This is a private key. It was not sent: it belongs on your own machine alone. Paste the line of the file beside it that ends in .pub.";
  const line = text.trim();
  if (!line) return undefined;
  if (/[\r\n]/.test(line)) return "This is more than one line. Add keys one by one.";
  const [type = "", body = ""] = line.split(/[ \t]+/);
  if (type === "ssh-dss") return "OpenSSH takes DSA keys no more. Make another one: ssh-keygen -t ed25519";
  if (/-cert-v0\d@/.test(type)) return "This is a certificate. Paste the public key itself.";
  if (!(type in types)) {
    if (line.split(/[ \t]+/).some((word) => word in types)) return "This begins with options, which are not taken over. Paste the key alone, from its type on.";
    return "This is no public key of SSH. It is one line such as “ssh-ed25519 AAAA… name”, in the file that ends in .pub.";
  }
  return packedType(body) === type ? undefined : "This key is damaged: copy the whole line again.";
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** The type that the key's own bytes begin with. */
function packedType(body: string): string | undefined {
  const bytes = bytesOf(body);
  if (!bytes || bytes.length < 5) return undefined;
  const size = new DataView(bytes.buffer).getUint32(0);
  return size < 64 && bytes.length > 4 + size ? String.fromCharCode(...bytes.slice(4, 4 + size)) : undefined;
}

/** The key with the fingerprint that ssh-keygen -l shows; nothing where it is none. */
export async function readKey(text: string): Promise<ReadKey | undefined> {
  const line = text.trim();
  if (!line || wrongKey(line)) return undefined;
  const [type = "", body = "", ...comment] = line.split(/[ \t]+/);
  const bytes = bytesOf(body);
  if (!bytes) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  const print = btoa(String.fromCharCode(...digest)).replace(/=+$/, "");
  return { type, body, comment: comment.join(" "), fingerprint: `SHA256:${print}` };
}

/** The lines of a server's policy that let keys be kept for this user; as one command, so that nothing has to be typed. */
export function policyFor(user: string): string {
  return `printf 'ssh_keys:\\n  - allow: [${user}]\\n' | sudo tee -a /etc/fairlead/policy.yaml`;
}

/** Fetches the ProxyCommand from this controller. */
export function fetchScript(origin: string): string {
  return `mkdir -p ~/.local/bin && curl -fsSL ${origin}/fairlead-ssh -o ~/.local/bin/fairlead-ssh && chmod 755 ~/.local/bin/fairlead-ssh`;
}

/** An entry of ~/.ssh/config by which ssh, scp and rsync reach the server through the controller. */
export function sshConfig(origin: string, org: string, server: { id: string; name: string }, user: string): string {
  const host = server.name.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, "-");
  return `Host ${host}\n    User ${user}\n    HostKeyAlias ${server.id.toLowerCase()}\n    ProxyCommand fairlead-ssh ${origin} ${org} ${server.id}`;
}

export const stateWords: Record<SshKey["state"], ["good" | "busy" | "warn" | "dim", string]> = {
  adding: ["busy", "Being added"],
  active: ["good", "In place"],
  proving: ["busy", "Being replaced"],
  removing: ["busy", "Being removed"],
  missing: ["warn", "Not on the server"],
};

/** The key that takes this one's place, where somebody has begun that. */
export function nextOf(one: SshKey, all: readonly SshKey[]): SshKey | undefined {
  return all.find((other) => other.replaces === one.id);
}

/** Whether there is an old key that this one can take the place of now. */
export function finishes(one: SshKey, all: readonly SshKey[]): SshKey | undefined {
  return one.state === "active" && one.replaces ? all.find((other) => other.id === one.replaces && other.state !== "proving" && other.state !== "removing") : undefined;
}
