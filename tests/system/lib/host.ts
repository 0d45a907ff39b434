// Throw-away customer servers, by tests/hosts/host.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hosts } from "./paths.ts";
import { type Ran, run, type RunOptions } from "./process.ts";

const command = join(hosts, "host");

export type Image = "debian12" | "debian12-bare" | "debian13-bare";

export interface HostOptions {
  image?: Image;
  /** Size of its disk ("600M"), where a test fills it. */
  disk?: string;
  /** Its disk's file system can share blocks between files. */
  sharedBlocks?: boolean;
  /** Taken down after this many seconds whatever happens. */
  limit?: number;
}

/** An address of this machine that every host reaches. */
export async function controllerAddress(): Promise<string> {
  return (await run(command, ["ip", "--controller"])).stdout.trim();
}

export class Host {
  private constructor(readonly name: string, readonly ip: string, readonly image: Image) {}

  /** Makes and boots one; it ends with this process at the latest. The first of an image takes minutes. */
  static async up(name: string, options: HostOptions = {}): Promise<Host> {
    const image = options.image ?? "debian12";
    const args = ["up", name, "--image", image, "--limit", String(options.limit ?? 3600), "--owner", String(process.pid)];
    if (options.disk) args.push("--disk", options.disk);
    if (options.sharedBlocks) args.push("--blocks", "shared");
    await run(command, args, { timeoutMs: 900_000 });
    return new Host(name, (await run(command, ["ip", name])).stdout.trim(), image);
  }

  /** This machine's end of the server's own line, which no other server shares. */
  get gateway(): string {
    return this.ip.replace(/\d+$/, "1");
  }

  /** Runs a program inside as root. */
  async exec(args: string[], options: RunOptions = {}): Promise<Ran> {
    return run(command, ["exec", this.name, "--", ...args], options);
  }

  /** Runs a shell script inside as root, stopping at the first error; its standard output. */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    return (await this.exec(["bash", "-c", `set -euo pipefail\n${script}`], options)).stdout;
  }

  /** The words that run a program of this machine in its network. */
  inNetwork(program: string, ...args: string[]): string[] {
    return [command, "net", this.name, "--", program, ...args];
  }

  async copy(from: string, to: string): Promise<void> {
    await run(command, ["copy", this.name, from, to]);
  }

  async write(path: string, text: string): Promise<void> {
    await this.exec(["sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path], { input: text });
  }

  /** Makes programs inside trust an authority: what update-ca-certificates would do for this one, which looks at all others too and takes five seconds. */
  async trust(name: string, certificate: string): Promise<void> {
    const hash = (await run("openssl", ["x509", "-noout", "-subject_hash"], { input: certificate })).stdout.trim();
    const script = `set -e
cat >"/usr/local/share/ca-certificates/$1.crt"
cd /etc/ssl/certs
ln -sf "/usr/local/share/ca-certificates/$1.crt" "$1.pem"
cat "$1.pem" >>ca-certificates.crt
n=0
while [ -e "$2.$n" ] && [ "$(readlink "$2.$n")" != "$1.pem" ]; do n=$((n + 1)); done
ln -sf "$1.pem" "$2.$n"`;
    await this.exec(["sh", "-c", script, "sh", name, hash], { input: certificate });
  }

  /** A power cut. */
  async kill(): Promise<void> {
    await run(command, ["kill", this.name]);
  }

  async boot(): Promise<void> {
    await run(command, ["boot", this.name], { timeoutMs: 180_000 });
  }

  async down(): Promise<void> {
    await run(command, ["down", this.name]);
  }

  /** What a person would look at first, as text. */
  async report(): Promise<string> {
    const looks = [
      "systemctl --no-pager --failed",
      "systemctl --no-pager list-units 'fairlead*' 'postgresql*'",
      "journalctl --no-pager -b -o short-precise -n 3000",
      "find /var/lib/fairlead /etc/fairlead -maxdepth 4 -printf '%M %u %s %p\\n' 2>/dev/null | head -n 500",
      "ps axfo user,pid,rss,stat,start,args",
      "df -h; ss -tulnp",
    ];
    let text = "";
    for (const look of looks) {
      const said = await this.exec(["bash", "-c", look], { check: false, timeoutMs: 20_000 }).catch((error: unknown) => ({
        stdout: String(error),
        stderr: "",
      }));
      text += `\n===== ${look}\n${said.stdout}${said.stderr}`;
    }
    const log = `${process.env.FAIRLEAD_HOSTS ?? "/var/lib/fairlead-tests/hosts"}/run/${this.name}/console.log`;
    if (existsSync(log)) text += `\n===== console\n${readFileSync(log, "utf8").slice(-20_000)}`;
    return text;
  }
}
