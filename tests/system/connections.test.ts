// How many connections a controller takes: of one address, and of all together, so that nobody takes the place of everybody else.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, describe } from "node:test";
import { connect as connectTls } from "node:tls";
import { poll } from "./lib/wait.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const most = 48;
const mostOfOne = 16;

describe("a controller's connections", () => {
  const world = worldOfSuite(`\nconnections: ${most}\nconnections_per_address: ${mostOfOne}\n`);
  const open: Socket[] = [];
  afterEach(() => open.splice(0).forEach((one) => one.destroy()));

  /** One that says nothing, from an address of this machine. */
  async function hold(from: string): Promise<Socket> {
    const { address, port } = (await world.api()).endpoint;
    const socket = connect({ host: address, port, localAddress: from });
    socket.on("error", () => undefined);
    open.push(socket);
    await once(socket, "connect");
    return socket;
  }
  /** Whether a stranger at that address gets an answer. */
  async function served(from: string): Promise<boolean> {
    const { address, port, name, ca } = (await world.api()).endpoint;
    const plain = connect({ host: address, port, localAddress: from });
    const socket = connectTls({ socket: plain, servername: name, ca });
    open.push(plain);
    return new Promise((done) => {
      socket.on("secureConnect", () => socket.write(`GET /healthz HTTP/1.1\r\nHost: ${name}:${port}\r\nConnection: close\r\n\r\n`));
      socket.once("data", (data: Buffer) => done(/^HTTP\/1\.1 200 /.test(data.toString())));
      socket.on("error", () => done(false));
      socket.on("close", () => done(false));
    });
  }

  scenario(world, "are so many of one address, and those of others go on [S-NET-02]", async () => {
    const held: Socket[] = [];
    for (let i = 0; i < mostOfOne; i += 1) held.push(await hold("127.0.1.1"));
    const more = await hold("127.0.1.1");
    if (!more.destroyed) await once(more, "close"); // at once, and without an answer
    assert.equal(await served("127.0.1.1"), false);
    assert.equal(await served("127.0.1.2"), true);
    held[0]!.destroy();
    await poll("there is room again", 30_000, async () => (await served("127.0.1.1")) || undefined, 100);
  });

  scenario(world, "are so many of all, and whoever goes makes room [S-NET-02]", async () => {
    let last: Socket | undefined;
    for (let i = 0; i <= most; i += 1) last = await hold(`127.0.2.${Math.floor(i / (mostOfOne - 1)) + 1}`); // the tests' own client has one, too
    if (!last!.destroyed) await once(last!, "close");
    assert.equal(await served("127.0.3.1"), false);
    open.splice(0).forEach((one) => one.destroy());
    await poll("there is room again", 30_000, async () => (await served("127.0.3.1")) || undefined, 100);
    // Both limits stand in the file that `init` writes, with what they are.
    const written = readFileSync((await world.controller()).config, "utf8");
    for (const name of ["connections", "connections_per_address"]) assert.match(written, new RegExp(`^#${name}: \\d+$`, "m"), name);
  });
});
