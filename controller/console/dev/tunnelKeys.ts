// The stand-in's tunnel keys: one that signs, one whose grace lasts, one that was revoked.
import type { TunnelKey } from "../src/api/types";
import { ago, id, me, now } from "./state";

const keys: TunnelKey[] = [];
const over = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const publicKey = (): string => `ed25519:${Array.from({ length: 43 }, () => "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789-_"[Math.floor(Math.random() * 58)]).join("")}`;
const key = (minutes: number, part: Partial<TunnelKey> = {}): TunnelKey => ({ id: id("tkey"), state: "current", public_key: publicKey(), created_at: ago(minutes), created_by: me.email, ends_at: null, ...part });

export function fillTunnelKeys() {
  keys.push(key(90), key(40_000, { state: "previous", ends_at: over(80_000) }), key(90_000, { state: "revoked", created_by: null, ends_at: ago(40_000) }));
}

/** Undefined: none of these. */
export function answerTunnelKeys(method: string, [kind, which, act]: string[], body: { grace_s?: number }): [number, unknown] | undefined {
  if (kind !== "tunnel-keys") return undefined;
  if (method === "GET") return [200, { data: keys }];
  if (which === "rotate") {
    const grace = body.grace_s ?? 86_400;
    for (const one of keys) if (one.state === "current") Object.assign(one, { state: grace ? "previous" : "ended", ends_at: over(grace) });
    keys.unshift(key(0));
    return [201, keys[0]];
  }
  const one = keys.find((each) => each.id === which);
  if (!one || act !== "revoke") return undefined;
  return [200, Object.assign(one, { state: "revoked", ends_at: now() })];
}
