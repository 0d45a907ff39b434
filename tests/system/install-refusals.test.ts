// What install.sh refuses, with which words, and that it leaves nothing behind. On a bare host, against a peer that can lie.
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { after, afterEach, before, describe } from "node:test";
import { controllerAddress, type Host } from "./lib/host.ts";
import type { Ran } from "./lib/process.ts";
import { ReleasePeer } from "./lib/release-peer.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

const token = `flt_${"a".repeat(38)}`;

describe("install.sh refuses", () => {
  const world = worldOfSuite();
  let host: Host;
  let peer: ReleasePeer;

  before(async () => {
    host = await world.host("refusals", { image: "debian12-bare" });
    peer = await ReleasePeer.start(`${world.dir}/peer`, await controllerAddress());
  });
  afterEach(() => {
    peer.lies = {}; // of a test that failed half way
  });
  after(() => peer?.stop());

  /** Runs the script as fetched, with `around` before bash, and holds the host against how it was. */
  async function refused(args: string, words: RegExp, how: { around?: string; script?: string } = {}): Promise<Ran> {
    const earlier = await traces();
    await host.write("/root/install.sh", how.script ?? peer.script());
    await host.sh("chmod 755 /root; chmod 644 /root/install.sh");
    const ran = await host.exec(
      ["bash", "-c", `cd /; ${how.around ?? ""} bash -s -- ${args} </root/install.sh`], { check: false, timeoutMs: 120_000 },
    );
    assert.match(ran.stderr, words);
    assert.notEqual(ran.code, 0, "a refusal must be told by the exit status too");
    assert.doesNotMatch(ran.stdout + ran.stderr, /unbound|syntax error|command not found|flt_a/);
    assert.equal(await traces(), earlier);
    return ran;
  }

  /** All that an installation could leave. */
  function traces(): Promise<string> {
    return host.sh(`
      getent passwd fairlead || true; getent group fairlead || true
      dpkg-query -W 'fairlead*' 2>/dev/null || true
      find /etc /usr /var /run /tmp /opt -xdev \\( -name '*fairlead*' -o -name 'tmp.*' \\) | sort
      systemctl list-unit-files --no-legend 'fairlead*' || true; systemctl list-units --all --no-legend 'fairlead*' || true`);
  }

  const inNamespace = (change: string): string => `unshare -m bash -c '${change}; exec "$@"' with`;

  scenario(world, "users other than root", async () => {
    await refused(`--token ${token}`, /needs root, and runs as nobody[\s\S]*sudo/, {
      around: "setpriv --reuid nobody --regid nogroup --clear-groups",
    });
  });

  scenario(world, "a system without systemd", async () => {
    await refused(`--token ${token}`, /systemd does not run this system/, { around: inNamespace("mount -t tmpfs none /run/systemd") });
  });

  scenario(world, "another architecture, by its name", async () => {
    await refused(`--token ${token}`, /no agent for Linux i686/, { around: "setarch i686" });
  });

  scenario(world, "a distribution that is too old, by its name", async () => {
    for (const [id, version] of [["debian", "11"], ["ubuntu", "20.04"]]) {
      await host.write("/root/os-release", `ID=${id}\nVERSION_ID="${version}"\n`);
      await refused(`--token ${token}`, new RegExp(`${id} ${version} is too old`), {
        around: inNamespace("mount --bind /root/os-release $(realpath /etc/os-release)"),
      });
    }
  });

  scenario(world, "no distribution that is new enough, or that it does not know", async () => {
    peer.lies = { files: { "SHA256SUMS.sig": (sig) => flip(sig, 0) } };
    for (const release of ['ID=ubuntu\nVERSION_ID="22.04"', 'ID=ubuntu\nVERSION_ID="24.04"', "ID=debian\nVERSION_ID=13", "ID=debian", "ID=fedora\nVERSION_ID=40"]) {
      await host.write("/root/os-release", `${release}\n`);
      await refused(`--token ${token}`, /signature/, { // the platform will do, and the next check is reached
        around: inNamespace("mount --bind /root/os-release $(realpath /etc/os-release)"),
      });
    }
    peer.lies = {};
  });

  scenario(world, "a full disk, with what is there and what is needed", async () => {
    await refused(`--token ${token}`, /\/var\/lib has \d MB free; 200 MB are needed/, {
      around: inNamespace("mount -t tmpfs -o size=8m none /var/lib"),
    });
  });

  scenario(world, "a token that is missing or malformed", async () => {
    peer.asked = [];
    await refused("", /there is no --token[\s\S]*Add server/);
    await refused("--token", /--token has no value/);
    await refused("--token flt_short", /token is malformed/);
    await refused("--token 'flt_with space and more characters'", /token is malformed/);
    await refused(`--token ${token} --frob x`, /unknown option '--frob'/);
    assert.deepEqual(peer.asked, [], "all that was seen without asking the controller");
  });

  scenario(world, "a controller that cannot be reached", async () => {
    const script = peer.script().replace(peer.url, peer.url.replace(/\d+$/, "1"));
    await refused(`--token ${token}`, /cannot be reached at https:\/\/\S+:1: .*Failed to connect[\s\S]*port/, { script });
    const nowhere = peer.script().replace(peer.url, "https://nowhere.fairlead.test");
    await refused(`--token ${token}`, /cannot be reached at https:\/\/nowhere.*Could not resolve/, { script: nowhere });
  });

  scenario(world, "a controller that is not the one of the pin, and one that nothing vouches for", async () => {
    const other = `sha256//${Buffer.alloc(32, 7).toString("base64")}`;
    await refused(`--token ${token} --pin ${other}`, /certificate pin mismatch[\s\S]*stands between/);
    await refused(`--token ${token} --pin 1234`, /--pin '1234' is malformed/);
    await refused(`--token ${token}`, /not signed by an authority that this server knows[\s\S]*--pin/, { script: peer.script("") });
    assert.ok(!peer.asked.includes("/api/v1/agent/enroll"));
  });

  scenario(world, "a clock that is off by more than a minute, saying by how much", async () => {
    peer.lies = { clock: 95 };
    await refused(`--token ${token}`, /clock of this server is (?:8[5-9]|9\d) s behind the controller's[\s\S]*timedatectl/);
    peer.lies = { clock: -3600 };
    await refused(`--token ${token}`, /clock of this server is 36\d\d s ahead of the controller's/);
    peer.lies = { clock: 45, files: { "SHA256SUMS.sig": (sig) => flip(sig, 0) } };
    await refused(`--token ${token}`, /signature/); // this clock will do, and the next check is reached
    peer.lies = {};
  });

  scenario(world, "packages that were altered", async () => {
    const deb = readdirSync(peer.packages).find((name) => /^fairlead-agent_.*\.deb$/.test(name));
    assert.ok(deb);
    peer.lies = { files: { [deb]: (real) => flip(real, real.length >> 1) } };
    await refused(`--token ${token}`, /package fairlead-agent_\S+ was altered: its SHA-256/);
    // The sums altered to fit: then their signature does not.
    peer.lies = { files: { SHA256SUMS: (sums) => Buffer.from(sums.toString().replace(/^[0-9a-f]{4}/gm, "0000")) } };
    await refused(`--token ${token}`, /signature of the checksums is not the release key's/);
    peer.lies = { files: { "SHA256SUMS.sig": (sig) => flip(sig, 5) } };
    await refused(`--token ${token}`, /signature of the checksums/);
    peer.lies = { files: { "SHA256SUMS.sig": () => Buffer.alloc(0) } };
    await refused(`--token ${token}`, /signature of the checksums/);
    // A good signature of somebody else's key.
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
    const sums = readFileSync(`${peer.packages}/SHA256SUMS`);
    peer.lies = { files: { "SHA256SUMS.sig": () => sign(null, sums, pem) } };
    await refused(`--token ${token}`, /signature of the checksums/);
    peer.lies = {};
  });

  for (const [code, detail] of [
    ["token_unknown", "This registration token is not known."],
    ["token_expired", "This registration token expired."],
    ["token_used_up", "This registration token has no uses left."],
    ["token_revoked", "This registration token was revoked."],
  ] as const) {
    scenario(world, `what the controller refuses: ${code}`, async () => {
      peer.lies = { enroll: { status: 403, code, detail } };
      const ran = await refused(`--token ${token}`, new RegExp(`${detail.replaceAll(".", "\\.")}[\\s\\S]*new one in the console`));
      assert.match(ran.stderr, /Everything is as it was before/);
      assert.ok(peer.asked.includes("/api/v1/agent/enroll"));
      peer.lies = {};
    });
  }

  scenario(world, "to do anything at all when the download was cut off", async () => {
    const script = peer.script();
    const earlier = await traces();
    peer.asked = [];
    const lastLine = script.lastIndexOf("\nmain ");
    for (const cut of [1, 40, 700, script.indexOf("main()") + 200, lastLine, lastLine + 3, lastLine + 8, script.length - 2]) {
      await host.write("/root/install.sh", script.slice(0, cut));
      await host.exec(["bash", "-c", `bash -s -- --token ${token} </root/install.sh`], { check: false });
      assert.equal(await traces(), earlier, `cut at ${cut}`);
    }
    assert.deepEqual(peer.asked, []);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const altered = Buffer.from(bytes);
  altered[at]! ^= 1;
  return altered;
}
