// A controller that was taken over and the streams to a server: without a key that servers were told of none is opened, and where
// root pinned the organization's no other opens any.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { newId } from "./lib/direct.ts";
import { FalseController, type FalseLink } from "./lib/peers.ts";
import { steal, type Stolen } from "./lib/stolen.ts";
import { ends, Signer, StreamOpener } from "./lib/streams.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

interface TunnelKey {
  id: string;
  state: string;
  public_key: string;
}

describe("streams of a controller that was taken over", () => {
  const world = worldOfSuite();
  let on: Enrolled, stolen: Stolen, hostile: FalseController | undefined, held: TunnelKey[];

  before(async () => {
    on = await world.server("streams");
    const controller = await world.controller();
    held = (await (await world.api()).get<{ data: TunnelKey[] }>(`${await world.org()}/tunnel-keys`)).data;
    stolen = await steal(controller);
    await controller.kill();
    hostile = await FalseController.start(controller.address, controller.port, stolen.own);
  });
  after(() => hostile?.stop());

  /** The agent's next link, welcomed, with these keys told. */
  async function linked(keys: Signer[]): Promise<StreamOpener> {
    await on.host.sh("systemctl stop fairlead-link; systemctl start fairlead-link");
    let link: FalseLink;
    do link = await hostile!.link();
    while (!link.socket.open); // those from before
    assert.ok(Number(link.hello.protocol) >= 3, JSON.stringify(link.hello));
    link.welcome({ protocol: 3 });
    link.send({ type: "tunnel_keys", keys: keys.map((one) => one.told) });
    return new StreamOpener(link);
  }
  const tunnel = (): Record<string, string | number> => ({ kind: "tunnel", environment: newId("env"), port: 8069 });
  const signedBy = (who: Signer): string => who.capability(on.server.id, tunnel());

  scenario(world, "are refused without a key that counts, and taken once with it: for the server that they were signed for", async () => {
    assert.deepEqual(held.map((one) => one.state), ["current"]);
    const [real] = stolen.tunnelKeys;
    assert.equal(real!.public_key, held[0]!.public_key);
    const own = Signer.of(real!.id, real!.seed);
    assert.equal(own.publicKey, real!.public_key);
    const attacker = Signer.fresh(real!.id);
    const streams = await linked([own]);
    const refused = async (what: string, text: string): Promise<void> => {
      const { code, reason } = await streams.answer(text);
      assert.equal(code, ends.denied, `${what}: ${reason}`);
    };
    await refused("not signed", JSON.stringify(tunnel()));
    await refused("signed by somebody else in the key's name", signedBy(attacker));
    await refused("signed by a key that was not told", signedBy(Signer.fresh(newId("tkey"))));
    await refused("signed for another server", own.capability(newId("srv"), tunnel()));
    const text = signedBy(own);
    // It counts; there is no such environment.
    assert.equal((await streams.answer(text)).code, ends.notOffered);
    await refused("the same again", text);
    assert.match(await on.host.sh("journalctl --sync || true; journalctl -b --no-pager -u fairlead-link -g 'a stream was refused' | tail -n 1"), /used before/);
  });

  scenario(world, "are refused to whoever brings a key of their own, where root named the organization's", async () => {
    const real = Signer.of(stolen.tunnelKeys[0]!.id, stolen.tunnelKeys[0]!.seed);
    const attacker = Signer.fresh(newId("tkey"));
    const before = await linked([attacker, real]);
    assert.equal((await before.answer(signedBy(attacker))).code, ends.notOffered, "who holds the controller names the keys");
    await on.host.sh(`printf 'tunnel_keys:\\n  - ${real.publicKey}\\n' >> /etc/fairlead/policy.yaml`);
    const pinned = await linked([attacker, real]);
    const said = await pinned.answer(signedBy(attacker));
    assert.equal(said.code, ends.denied, said.reason);
    assert.equal((await pinned.answer(signedBy(real))).code, ends.notOffered);
  });
});
