import assert from "node:assert/strict";
import { test } from "node:test";
import { domainsIn, hostIn, isAmong, shutOut } from "./domains";

test("of a pasted address its host counts, in every form that git takes", () => {
  assert.equal(hostIn("https://GitHub.com/acme/addons.git"), "github.com");
  assert.equal(hostIn("https://user:secret@git.example.org:8443/x"), "git.example.org");
  assert.equal(hostIn("ssh://git@git.example.org:2222/x.git"), "git.example.org");
  assert.equal(hostIn("git@github.com:acme/addons.git"), "github.com");
  assert.equal(hostIn("github.com/acme"), "github.com");
  assert.equal(hostIn("*.Example.org."), "*.example.org");
  assert.deepEqual(domainsIn("https://github.com/a\n github.com, *.odoo.com"), ["github.com", "*.odoo.com"]);
  assert.deepEqual(domainsIn("10.0.0.1"), ["10.0.0.1"], "what is no domain is left for the controller to refuse by name");
});

test("a star is for all below a domain and not for the domain", () => {
  assert.equal(isAmong(["*.example.org"], "git.example.org"), true);
  assert.equal(isAmong(["*.example.org"], "a.b.example.org"), true);
  assert.equal(isAmong(["*.example.org"], "example.org"), false);
  assert.equal(isAmong(["*.example.org"], "badexample.org"), false);
  assert.equal(isAmong(["example.org"], "git.example.org"), false);
});

test("a list names the projects that it would keep from being deployed, and what it lacks", () => {
  const source = (url: string) => ({ url });
  const projects = [
    { id: "prj_1", name: "Acme", odoo_source: source("https://github.com/odoo/odoo.git"), addons: [source("git@git.acme.example:a.git"), source("https://git.acme.example/b.git")] },
    { id: "prj_2", name: "Birk", odoo_source: source("https://github.com/odoo/odoo.git"), addons: [] },
  ] as unknown as Parameters<typeof shutOut>[1];
  assert.deepEqual(shutOut(["github.com"], projects), [{ project: { id: "prj_1", name: "Acme" }, hosts: ["git.acme.example"] }]);
  assert.deepEqual(shutOut(["github.com", "*.acme.example"], projects), []);
  assert.deepEqual(shutOut([], projects), [], "no list is no limit");
});
