// What the one public port speaks: TLS 1.2 and newer, and plain HTTP only to say where to go.
import assert from "node:assert/strict";
import { connect as connectPlain } from "node:net";
import { connect, type SecureVersion } from "node:tls";
import { describe } from "node:test";
import { controllerName } from "./lib/controller.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

describe("the controller's port", () => {
  const world = worldOfSuite();

  /** The protocol that was agreed on, or why none was. */
  async function handshake(version: SecureVersion, ciphers = "ALL:@SECLEVEL=0"): Promise<string> {
    const endpoint = await (await world.controller()).endpoint();
    return new Promise((done) => {
      const socket = connect({
        host: endpoint.address, port: endpoint.port, servername: controllerName, ca: endpoint.ca,
        minVersion: version, maxVersion: version, ciphers,
      });
      socket.once("secureConnect", () => { done(socket.getProtocol() ?? ""); socket.destroy(); });
      socket.once("error", (error: NodeJS.ErrnoException) => done(`refused: ${error.code ?? error.message}`));
    });
  }

  scenario(world, "speaks TLS 1.2 and 1.3, and nothing older [S-TLS-01] [S-TLS-02]", async () => {
    assert.equal(await handshake("TLSv1.3"), "TLSv1.3");
    assert.equal(await handshake("TLSv1.2"), "TLSv1.2");
    for (const old of ["TLSv1.1", "TLSv1"] as const) assert.match(await handshake(old), /^refused: /, old);
    // Weak ciphers of TLS 1.2 are not taken either.
    for (const weak of ["AES128-SHA", "AES256-SHA256", "DES-CBC3-SHA", "NULL-SHA256"]) {
      assert.match(await handshake("TLSv1.2", `${weak}:@SECLEVEL=0`).catch((error: Error) => `refused: ${error.message}`), /^refused: /, weak);
    }
  });

  scenario(world, "tells plain HTTP where to go and nothing else, and browsers never to come that way again [S-TLS-01] [S-TLS-02]", async () => {
    const api = await world.api();
    for (const path of ["/", "/api/v1/session", "/api/v1/openapi.json"]) {
      const { address, port } = api.endpoint;
      const text = await new Promise<string>((done, failed) => {
        let read = "";
        const socket = connectPlain(port, address, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${controllerName}\r\nCookie: __Host-fairlead=x\r\n\r\n`));
        socket.on("data", (chunk) => (read += chunk.toString()));
        socket.once("close", () => done(read));
        socket.once("error", failed);
      });
      assert.match(text, /^HTTP\/1\.1 308 /, path);
      assert.match(text, new RegExp(`location: https://${controllerName}:${port}${path.replaceAll(".", "\\.")}\r\n`, "i"));
      assert.doesNotMatch(text, /set-cookie/i);
    }
    for (const path of ["/", "/api/v1/session", "/healthz"]) {
      assert.equal((await api.send("GET", path)).headers["strict-transport-security"], "max-age=31536000", path);
    }
  });
});
