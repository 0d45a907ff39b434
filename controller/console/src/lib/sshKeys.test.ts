import assert from "node:assert/strict";
import { test } from "node:test";
import type { SshKey } from "../api/types";
import { finishes, hasPrivateKey, kindOf, nextOf, policyFor, readKey, sshConfig, wrongKey } from "./sshKeys";

const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF5pnmpet0MGoqED8tw5xsiJHWb71NvFsHJfJbp+VFvs";
const pem = ["-----BEGIN OPENSSH", "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA"].join(" ");

test("a key is told by the fingerprint that ssh-keygen shows, and its comment is its first label", async () => {
  const key = await readKey(`${line} ada@laptop home\n`);
  assert.equal(key?.fingerprint, "SHA256:FObFIcxUYRDfUjrRTERl6HqcfuTJTV399Hzc0kCFpe0");
  assert.equal(key.comment, "ada@laptop home");
  assert.equal(wrongKey(line), undefined);
});

test("a private key is found in every form, and is no key to go on with", async () => {
  for (const text of [pem, `${line} ${pem}`, "b3BlbnNzaC1rZXktdjEAAAAA", "PuTTY-User-Key-File-3: ssh-ed25519", "-----BEGIN RSA PRIVATE KEY-----"]) {
    assert.ok(hasPrivateKey(text), text);
    assert.match(wrongKey(text) ?? "", /not sent/);
    assert.equal(await readKey(text), undefined);
  }
});

test("what is no public key says what it is instead", () => {
  assert.match(wrongKey(`no-pty ${line}`) ?? "", /options/);
  assert.match(wrongKey(`${line}\n${line}`) ?? "", /more than one line/);
  assert.match(wrongKey("ssh-dss AAAA") ?? "", /DSA/);
  assert.match(wrongKey("ssh-ed25519-cert-v01@openssh.com AAAA") ?? "", /certificate/);
  assert.match(wrongKey("hello") ?? "", /no public key/);
  for (const text of ["ssh-ed25519", "ssh-ed25519 !!!", line.replace("ssh-ed25519", "ssh-rsa"), line.slice(0, 20)]) assert.match(wrongKey(text) ?? "", /damaged/, text);
  assert.equal(wrongKey("  "), undefined);
});

test("the entry for ssh names server and user, and its host is a word", () => {
  const entry = sshConfig("https://c.example", "org_1", { id: "srv_1", name: "Shop Fra 1" }, "deploy");
  assert.match(entry, /^Host shop-fra-1\n {4}User deploy\n/);
  assert.match(entry, /ProxyCommand fairlead-ssh https:\/\/c\.example org_1 srv_1$/);
});

test("kinds, the cure and the steps of a rotation", () => {
  assert.equal(kindOf({ type: "ssh-rsa", bits: 4096 }), "RSA 4096");
  assert.equal(kindOf({ type: "ssh-ed25519", bits: 256 }), "Ed25519");
  assert.match(policyFor("ops"), /allow: \[ops\]/);
  const key = (id: string, state: SshKey["state"], replaces: string | null = null) => ({ id, state, replaces }) as SshKey;
  const old = key("a", "active");
  const all = [old, key("b", "active", "a")];
  assert.equal(nextOf(old, all)?.id, "b");
  assert.equal(finishes(all[1]!, all)?.id, "a");
  assert.equal(finishes(key("b", "adding", "a"), all), undefined);
  assert.equal(finishes(all[1]!, [key("a", "proving"), all[1]!]), undefined);
  assert.equal(nextOf(all[1]!, all), undefined);
});
