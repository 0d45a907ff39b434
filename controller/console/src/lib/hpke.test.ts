import assert from "node:assert/strict";
import { test } from "node:test";
import { makeSealingKey, unseal, type SealingKey } from "./hpke";

const curve = { name: "ECDH", namedCurve: "P-256" } as const;

/** skRm of RFC 9180 A.3.1. */
async function published(): Promise<SealingKey> {
  const jwk = { kty: "EC", crv: "P-256", d: "885_2uV-GjENh_HrvebzKL4Kmc28rfTWWJzyneS4_9I", x: "_owZzgkFGR68KYqSRXklMfJvDOziRgY56Lw5y39waoI", y: "anebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA" };
  return {
    publicKey: "BP6MGc4JBRkevCmKkkV5JTHybwzs4kYGOei8Oct_cGqCanebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA",
    privateKey: await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]),
  };
}

// By pyca/cryptography 48, which the agent's tests open too.
const sealed =
  "BPoXLBLpJG2ciZ4zuwenWKXujWdS9a1jc3I7h9R0sLMM44urkwl0WRDARwfFpYi4JQCpxtxRRTLAklxdYdQgeidTUs3JoRQfSsJwb2HlDFetBrQJ1vIuyvsVbWKesDdquMBVE-Kji6DAnfdP4k4";

test("what another implementation sealed for this key and purpose is read", async () => {
  assert.equal(await unseal(await published(), "odoo.login\nenv_1", sealed), "Beauty is truth, truth beauty");
});

test("what was sealed for another purpose or key, changed or cut is not", async () => {
  const key = await published();
  await assert.rejects(unseal(key, "odoo.login\nenv_2", sealed));
  await assert.rejects(unseal(key, "odoo.login\nenv_1", `${sealed.slice(0, -2)}AA`));
  await assert.rejects(unseal(key, "odoo.login\nenv_1", sealed.slice(0, -4)));
  await assert.rejects(unseal(key, "odoo.login\nenv_1", sealed.slice(0, 90)));
  await assert.rejects(unseal(await makeSealingKey(), "odoo.login\nenv_1", sealed));
});

test("a key is what servers seal for, another one each time, and cannot be taken out", async () => {
  const one = await makeSealingKey();
  assert.match(one.publicKey, /^B[A-Za-z0-9_-]{86}$/);
  assert.notEqual(one.publicKey, (await makeSealingKey()).publicKey);
  assert.equal(one.privateKey.extractable, false);
});
