// The controller's side of byte streams (proto/README.md section 6) by hand: capabilities as anybody could sign them, and frames.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { FalseLink } from "./peers.ts";
import { TimedOut, within } from "./wait.ts";

const type = { open: 1, reset: 5, begin: 6, resumed: 8 };

/** StreamEnd of proto/messages.hpp. */
export const ends = { notOffered: 100, unreachable: 101, denied: 103 };

/** Somebody who signs. */
export class Signer {
  private constructor(readonly id: string, private readonly key: KeyObject) {}

  static fresh(id: string): Signer {
    return new Signer(id, generateKeyPairSync("ed25519").privateKey);
  }

  static of(id: string, seed: Buffer): Signer {
    return new Signer(id, createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]), format: "der", type: "pkcs8" }));
  }

  get publicKey(): string {
    return `ed25519:${createPublicKey(this.key).export({ format: "jwk" }).x!}`;
  }

  /** As `tunnel_keys` names it. */
  get told(): { id: string; public_key: string; ends_ms: number } {
    return { id: this.id, public_key: this.publicKey, ends_ms: 0 };
  }

  capability(server: string, purpose: Record<string, string | number>): string {
    const whole: Record<string, string | number> = { ...purpose, key: this.id, expires_ms: Date.now() + 60_000, nonce: randomBytes(16).toString("base64url") };
    const item = (text: string): string => `${Buffer.byteLength(text)}:${text},`;
    const members = Object.keys(whole).sort().map((name) => item(name) + item(typeof whole[name] === "number" ? `n${whole[name]}` : `t${whole[name]}`));
    const text = item("fairlead stream 1") + item(server) + members.join("");
    return JSON.stringify({ ...whole, signature: sign(null, Buffer.from(text), this.key).toString("base64url") });
  }
}

function frame(kind: number, stream: number, offset: bigint, payload = ""): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(stream, 4);
  head.writeBigUInt64BE(offset, 8);
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** Opens streams over one link of an agent; its welcome has said protocol 3. */
export class StreamOpener {
  #next = 2;
  #begun = false;

  constructor(private readonly link: FalseLink) {}

  /** What the agent resets a stream with that is opened so. */
  async answer(text: string): Promise<{ code: number; reason: string }> {
    if (!this.#begun) {
      this.link.socket.send(frame(type.begin, 0, randomBytes(8).readBigUInt64BE()));
      this.link.socket.send(frame(type.resumed, 0, 0n));
      await this.#until("the agent begins", (one) => one[0] === type.resumed);
      this.#begun = true;
    }
    const id = this.#next;
    this.#next += 2;
    this.link.socket.send(frame(type.open, id, 0n, text));
    const reset = await this.#until("the agent answers", (one) => one[0] === type.reset && one.readUInt32BE(4) === id);
    return { code: reset.readUInt32BE(16), reason: reset.subarray(20).toString() };
  }

  #until(what: string, fits: (frame: Buffer) => boolean): Promise<Buffer> {
    const { socket } = this.link;
    return within(what, 60_000, async (signal) => {
      while (!signal.aborted) {
        const change = socket.change();
        const found = socket.binaries.find(fits);
        if (found) return found;
        if (!socket.open) throw new Error(`${what}: the agent ended the link: ${JSON.stringify(await socket.closed)}`);
        await change;
      }
      throw new TimedOut(what);
    });
  }
}
