import assert from "node:assert/strict";
import { test } from "node:test";
import { providerIcon, ssoLink, ssoStart } from "./providers";

test("the way to a provider comes back to a page of ours, and to nothing else", () => {
  assert.equal(ssoStart("github", "/o/acme/servers?from=mail"), "/api/v1/sso/github/start?return=%2Fo%2Facme%2Fservers%3Ffrom%3Dmail");
  assert.equal(ssoLink("own-idp", "/o/acme/account/security"), "/api/v1/sso/own-idp/link?return=%2Fo%2Facme%2Faccount%2Fsecurity");
  for (const bad of ["//evil.example", "https://evil.example", "/a\\b", "/a b", "/a#b"]) assert.equal(ssoStart("x", bad), "/api/v1/sso/x/start?return=%2F");
});

test("a provider of another kind has a mark too", () => {
  assert.equal(providerIcon("github"), "github");
  assert.equal(providerIcon("oidc"), "shield");
});
