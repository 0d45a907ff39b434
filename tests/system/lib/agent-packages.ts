// Other versions of the agent, made of the package of the build: what a controller hands out then, well and badly signed.
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Controller } from "./controller.ts";
import { build, built, folder } from "./paths.ts";
import { run } from "./process.ts";

/** What makes a package another one; with the folder that it is made of. */
export type Change = (tree: string) => void;

const program = "usr/bin/fairlead-agent";

/** An agent whose link never connects; all else of it works. */
export const mute: Change = (tree) => {
  renameSync(join(tree, program), join(tree, "usr/lib/fairlead/agent-itself"));
  writeFileSync(join(tree, program), '#!/bin/sh\n[ "$1" != link ] || exec sleep infinity\nexec /usr/lib/fairlead/agent-itself "$@"\n');
  chmodSync(join(tree, program), 0o755);
};

/** A package script that does something first. */
export const script = (name: "preinst" | "postinst", words: string): Change => (tree) => {
  const path = join(tree, "DEBIAN", name);
  const before = existsSync(path) ? readFileSync(path, "utf8").replace(/^#!\/bin\/sh\n/, "") : "";
  writeFileSync(path, `#!/bin/sh\n${words}\n${before}`);
  chmodSync(path, 0o755);
};

/** A unit that the versions before have not; the package's scripts may start it. */
export const novelSocket: Change = (tree) => {
  const unit = "[Socket]\nListenStream=/run/fairlead/novel.sock\nRemoveOnStop=yes\nAccept=yes\n";
  writeFileSync(join(tree, "usr/lib/systemd/system/fairlead-novel.socket"), unit);
  writeFileSync(join(tree, "usr/lib/systemd/system/fairlead-novel@.service"), "[Service]\nExecStart=/bin/true\n");
};

export class AgentPackages {
  /** Of the build. */
  readonly version: string;
  #key: KeyObject;

  private constructor(private readonly dir: string, readonly served: string) {
    const name = readdirSync(built("packages")).find((one) => /^fairlead-agent_.*_amd64\.deb$/.test(one));
    assert.ok(name, "the build has no package of the agent");
    this.version = name.split("_")[1]!;
    this.#key = createPrivateKey(readFileSync(process.env.FAIRLEAD_SIGNING_KEY ?? join(build, "signing-key.pem"), "utf8"));
  }

  /** From now on the controller hands out what is in a folder of the test's: at first the packages of the build. */
  static async servedBy(controller: Controller, dir: string): Promise<AgentPackages> {
    const packages = new AgentPackages(folder(dir), join(dir, "served"));
    cpSync(built("packages"), packages.served, { recursive: true });
    const config = readFileSync(controller.config, "utf8");
    assert.match(config, /^packages: .*$/m);
    writeFileSync(controller.config, config.replace(/^packages: .*$/m, `packages: ${packages.served}`));
    await controller.stop();
    await controller.start();
    return packages;
  }

  /** A version that differs from the build's in its last digit: the program says so, too. */
  next(digit: number): string {
    return this.version.slice(0, -1) + String(digit);
  }

  /** Makes this version, and hands it out. */
  async offer(version: string, ...changes: Change[]): Promise<string> {
    assert.equal(version.length, this.version.length, "the program holds it in its place");
    const tree = join(this.dir, `tree-${version}`);
    rmSync(tree, { recursive: true, force: true });
    await run("dpkg-deb", ["--raw-extract", built(`packages/fairlead-agent_${this.version}_amd64.deb`), tree]);
    const bytes = readFileSync(join(tree, program)).toString("latin1");
    const parts = bytes.split(`${this.version}\0`);
    assert.ok(parts.length > 1, `the program does not hold ${this.version}`);
    writeFileSync(join(tree, program), Buffer.from(parts.join(`${version}\0`), "latin1"));
    const control = join(tree, "DEBIAN/control");
    writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*$/m, `Version: ${version}`));
    for (const change of changes) change(tree);
    for (const old of readdirSync(this.served)) if (/^fairlead-agent/.test(old)) rmSync(join(this.served, old));
    await run("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, join(this.served, `fairlead-agent_${version}_amd64.deb`)]);
    await this.sign();
    return version;
  }

  /** Sums of what is there, signed by the release's key or by another one. */
  async sign(key: "release" | "other" = "release"): Promise<void> {
    const sums = (await run("bash", ["-c", 'cd "$1" && sha256sum fairlead-agent*', "sums", this.served])).stdout;
    writeFileSync(join(this.served, "SHA256SUMS"), sums);
    const by = key === "release" ? this.#key : generateKeyPairSync("ed25519").privateKey;
    writeFileSync(join(this.served, "SHA256SUMS.sig"), sign(null, Buffer.from(sums), by));
  }

  /** Turns one bit of the package that is handed out, behind its signature's back. */
  alter(version: string): void {
    const path = join(this.served, `fairlead-agent_${version}_amd64.deb`);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
  }
}
