import assert from "node:assert/strict";
import { test } from "node:test";
import type { Storage } from "../api/types";
import { bodyOf, draftOf, placeOf, presets, providers } from "./storages";

const hex = "023e105f4ecef8ad9ca31a8372d0c353";

test("each provider is asked for its own place and for no other", () => {
  assert.deepEqual(placeOf({ provider: "aws", where: " eu-central-1 ", region: "ignored" }), { region: "eu-central-1" });
  assert.deepEqual(placeOf({ provider: "b2", where: "eu-central-003", region: "" }), { region: "eu-central-003" });
  assert.deepEqual(placeOf({ provider: "r2", where: hex.toUpperCase(), region: "" }), { account_id: hex });
  assert.deepEqual(placeOf({ provider: "r2", where: `https://${hex}.r2.cloudflarestorage.com`, region: "" }), { account_id: hex });
  assert.deepEqual(placeOf({ provider: "r2", where: `https://${hex}.eu.r2.cloudflarestorage.com`, region: "" }), { endpoint: `https://${hex}.eu.r2.cloudflarestorage.com` }, "one that keeps data in the EU has an address of its own");
  assert.deepEqual(placeOf({ provider: "minio", where: "https://minio.test:9000", region: "" }), { endpoint: "https://minio.test:9000" });
  assert.deepEqual(placeOf({ provider: "ceph", where: "https://rgw.test", region: "de" }), { endpoint: "https://rgw.test", region: "de" });
});

test("a form that was not touched says again what the storage is, and no secret", () => {
  const storage = { name: "Main", provider: "r2", endpoint: `https://${hex}.r2.cloudflarestorage.com`, region: "auto", bucket: "backups", prefix: "odoo", addressing: "path", access_key: "AK", has_session_token: true, ca: null, object_lock: "none", object_lock_days: 0 } as Storage;
  const body = bodyOf(draftOf(storage, null));
  assert.deepEqual(body, { name: "Main", provider: "r2", account_id: hex, bucket: "backups", prefix: "odoo", addressing: "path", access_key: "AK", ca: null, object_lock: "none", object_lock_days: 0 });
  assert.equal(bodyOf({ ...draftOf(storage, null), dropToken: true }).session_token, null);
  assert.equal(bodyOf({ ...draftOf(storage, null), prefix: "/a/b/" }).prefix, "a/b");
});

test("every provider says where its things are found, in one or two sentences", () => {
  for (const provider of providers) {
    const { where, bucket, keys } = presets[provider];
    for (const text of [where.says, bucket, keys]) assert.match(text, /\.$/, `${provider}: ${text}`);
  }
});
