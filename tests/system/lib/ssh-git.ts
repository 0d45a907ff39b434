// A git server over ssh, as customers have one: Debian's sshd with a deploy key that may fetch and nothing else.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./controller.ts";
import { folder } from "./paths.ts";
import { ended, run } from "./process.ts";
import { poll } from "./wait.ts";

export class SshGit {
  #process: ChildProcess | undefined;
  #exit: Promise<number> = Promise.resolve(0);

  private constructor(private readonly dir: string, readonly address: string, readonly port: number) {}

  static async start(dir: string, address: string): Promise<SshGit> {
    const self = new SshGit(folder(dir), address, await freePort(address));
    await self.newHostKey();
    await self.authorize(await self.newDeployKey());
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd insists on it
    await self.#start();
    return self;
  }

  /** Of a repository by its path on this machine. */
  url(repository: string): string {
    return `ssh://root@${this.address}:${this.port}${repository}`;
  }

  /** A fresh private key; `authorize` lets it in. */
  async newDeployKey(): Promise<string> {
    const file = join(this.dir, "deploy");
    rmSync(file, { force: true });
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", file]);
    return readFileSync(file, "utf8");
  }

  /** From now on only this private key gets in. */
  async authorize(privateKey: string): Promise<void> {
    const file = join(this.dir, "authorized");
    writeFileSync(file, privateKey, { mode: 0o600 });
    const { stdout } = await run("ssh-keygen", ["-y", "-f", file]);
    writeFileSync(join(this.dir, "authorized_keys"),
      `restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ${stdout.trim()}\n`, { mode: 0o600 });
  }

  async newHostKey(): Promise<void> {
    const file = join(this.dir, "host");
    rmSync(file, { force: true });
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "host", "-f", file]);
  }

  /** As if the server had been set up anew, or another one answered in its place. */
  async restartWithNewHostKey(): Promise<void> {
    await this.stop();
    await this.newHostKey();
    await this.#start();
  }

  async stop(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#exit;
  }

  async #start(): Promise<void> {
    const config = join(this.dir, "sshd_config");
    writeFileSync(config, [
      `ListenAddress ${this.address}:${this.port}`, `HostKey ${join(this.dir, "host")}`,
      `AuthorizedKeysFile ${join(this.dir, "authorized_keys")}`, "PermitRootLogin forced-commands-only",
      "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no", "StrictModes no", "PidFile none", "",
    ].join("\n"));
    const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
    this.#process = child;
    this.#exit = ended(child);
    await poll("sshd answers", 60_000, async () => {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
      return new Promise<true | undefined>((done) => {
        const socket = connect(this.port, this.address, () => { socket.destroy(); done(true); });
        socket.on("error", () => done(undefined));
      });
    });
  }
}

/** Debian packages of this machine's own release, as an apt repository on a host that reaches no network. */
export async function offerPackages(
  host: { copy(from: string, to: string): Promise<void>; sh(script: string): Promise<string> }, dir: string, packages: string[],
): Promise<void> {
  folder(dir);
  await run("apt-get", ["-q", "-o", "APT::Sandbox::User=root", "download", ...packages], { cwd: dir, timeoutMs: 120_000 });
  const index = await run("apt-ftparchive", ["packages", "."], { cwd: dir });
  writeFileSync(join(dir, "Packages"), index.stdout);
  await host.copy(dir, "/srv/offered");
  await host.sh("echo 'deb [trusted=yes] file:/srv/offered ./' >/etc/apt/sources.list.d/offered.list");
}
