import assert from "node:assert/strict";
import { test } from "node:test";
import { cureOf, providerOf, providers, repositoriesOf, secretDiffers } from "./pushes";

test("whose instructions come first is read from the repository's address in any of its forms", () => {
  assert.equal(providerOf("https://github.com/acme/addons.git"), "github");
  assert.equal(providerOf("git@github.com:acme/addons.git"), "github");
  assert.equal(providerOf("ssh://git@gitlab.example.org:2222/acme/addons.git"), "gitlab");
  assert.equal(providerOf("https://user@bitbucket.org/acme/addons"), "bitbucket");
  assert.equal(providerOf("https://codeberg.org/acme/addons.git"), "gitea");
  assert.equal(providerOf("https://example.org/github.com/addons.git"), "gitea", "only the host counts");
});

test("each provider is told address and secret once, and says where to click and how to see that it works", () => {
  for (const { title, where, fields, proof } of Object.values(providers)) {
    const given = fields.flatMap(([, value]) => (typeof value === "string" ? [] : [value.gives]));
    assert.deepEqual(given, ["url", "secret"], title);
    assert.match(where, /→ Webhooks →.*\.$/, title);
    assert.match(proof, /\.$/, title);
  }
});

test("where the content type is a choice, JSON is named", () => {
  for (const one of [providers.github, providers.gitea]) assert.ok(one.fields.some(([, value]) => value === "application/json"), one.title);
});

test("all of them counting is sent as null, so that a repository that comes later counts too", () => {
  const sources = [{ name: "odoo" }, { name: "acme" }];
  assert.equal(repositoriesOf(sources, ["acme", "odoo"]), null);
  assert.deepEqual(repositoriesOf(sources, ["acme"]), ["acme"]);
  assert.deepEqual(repositoriesOf(sources, ["gone", "odoo"]), ["odoo"], "one that the project no longer has is dropped");
});

test("wrong signatures matter only while no good one came after them", () => {
  const refused = (last_at: string | null, count = last_at ? 3 : 0) => ({ refused: { count, last_at }, secret_made_at: "2026-11-28T10:00:00Z" });
  assert.equal(secretDiffers(refused(null), undefined), false);
  assert.equal(secretDiffers(refused("2026-11-28T11:00:00Z"), undefined), true);
  assert.equal(secretDiffers(refused("2026-11-28T11:00:00Z"), { received_at: "2026-11-28T11:05:00Z" }), false);
  assert.equal(secretDiffers(refused("2026-11-28T11:00:00Z"), { received_at: "2026-11-28T10:30:00Z" }), true);
});

test("what is no fault needs no cure", () => {
  for (const reason of [null, "ping", "tag", "branch_deleted", "newer_push"]) assert.equal(cureOf({ reason }), "");
  assert.match(cureOf({ reason: "switched_off" }), /Turn/);
});
