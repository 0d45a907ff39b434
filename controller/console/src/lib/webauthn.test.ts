import assert from "node:assert/strict";
import { test } from "node:test";
import { assertionJson, creationOptions, fromBase64Url, registrationJson, requestOptions, toBase64Url, whyNoPasskey } from "./webauthn";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("bytes survive the way through base64url, at every length", () => {
  for (let length = 0; length < 6; length++) {
    const given = Uint8Array.from({ length }, (_, i) => 255 - i * 3);
    const text = toBase64Url(given);
    assert.match(text, /^[\w-]*$/);
    assert.deepEqual(fromBase64Url(text), given);
  }
  assert.equal(toBase64Url(bytes(0xfb, 0xff, 0xfe)), "-__-");
});

test("options from the controller become bytes where the browser wants bytes, and stay as they are elsewhere", () => {
  const made = creationOptions({
    challenge: "AQI",
    user: { id: "Aw", name: "ada@acme.example", displayName: "Ada" },
    excludeCredentials: [{ id: "BAU", type: "public-key", transports: ["usb"] }],
    rp: { id: "fairlead.example", name: "Fairlead" },
  } as never);
  assert.deepEqual(made.challenge, bytes(1, 2));
  assert.deepEqual(made.user, { id: bytes(3), name: "ada@acme.example", displayName: "Ada" });
  assert.deepEqual(made.excludeCredentials, [{ id: bytes(4, 5), type: "public-key", transports: ["usb"] }]);
  assert.equal(made.rp.id, "fairlead.example");
  const asked = requestOptions({ challenge: "AQI", userVerification: "required" } as never);
  assert.deepEqual(asked.challenge, bytes(1, 2));
  assert.equal(asked.allowCredentials, undefined);
  assert.equal(asked.userVerification, "required");
});

test("what the browser gives is told as its toJSON() would", () => {
  const data = { id: "BAU", rawId: bytes(4, 5).buffer, type: "public-key", authenticatorAttachment: "platform" };
  const made = registrationJson({
    ...data,
    response: { clientDataJSON: bytes(1).buffer, attestationObject: bytes(2).buffer, getTransports: () => ["internal"] },
  } as never);
  assert.deepEqual(made, {
    id: "BAU", rawId: "BAU", type: "public-key", clientExtensionResults: {}, authenticatorAttachment: "platform",
    response: { clientDataJSON: "AQ", attestationObject: "Ag", transports: ["internal"] },
  });
  const used = assertionJson({
    ...data,
    response: { clientDataJSON: bytes(1).buffer, authenticatorData: bytes(2).buffer, signature: bytes(3).buffer, userHandle: null },
  } as never);
  assert.deepEqual(used.response, { clientDataJSON: "AQ", authenticatorData: "Ag", signature: "Aw" });
});

test("a person who turned away is not told so twice; everything else is said", () => {
  assert.equal(whyNoPasskey(new DOMException("aborted", "AbortError")), null);
  assert.match(whyNoPasskey(new DOMException("x", "InvalidStateError"))!, /already has a passkey/);
  assert.match(whyNoPasskey(new TypeError("odd"))!, /odd/);
});
