// pebble, a real ACME authority for tests, with a name server whose answers a test chooses. It looks for each name at one port of
// ours, in place of 443.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { freePort } from "./controller.ts";
import { folder } from "./paths.ts";
import { makeAuthority } from "./pki.ts";
import { ended, run } from "./process.ts";
import { poll } from "./wait.ts";

const systemStore = "/etc/ssl/certs/ca-certificates.crt";
const loopback = "127.0.0.1";

export interface PebbleOptions {
  /** Of each certificate. */
  lastsS?: number;
  /** At most so long does it think before it looks. */
  thinksS?: number;
}

export class Pebble {
  #children: ChildProcess[] = [];

  private constructor(
    private readonly dir: string,
    private readonly ports: Record<"directory" | "management" | "dns" | "answers", number>,
    /** Where the names are to be found. */
    private readonly found: { address: string; port: number },
  ) {}

  static async make(dir: string, found: { address: string; port: number }): Promise<Pebble> {
    folder(dir);
    const authority = await makeAuthority(join(dir, "authority"), "Directory of the tests");
    const { key, certificate } = await authority.issue("directory", ["DNS:localhost"]);
    writeFileSync(join(dir, "directory.key"), key);
    writeFileSync(join(dir, "directory.pem"), certificate);
    writeFileSync(join(dir, "trusted.pem"), `${readFileSync(systemStore, "utf8")}\n${authority.certificate}`);
    const [directory, management, dns, answers] = [await freePort(loopback), await freePort(loopback), await freePort(loopback), await freePort(loopback)];
    return new Pebble(dir, { directory, management, dns, answers }, found);
  }

  /** For the egress's exceptions. */
  get place(): string {
    return `localhost:${this.ports.directory}`;
  }
  get settings(): string {
    return `\nacme:\n  directory: https://${this.place}/dir\n  contact: ops@example.org\n  terms_accepted: true\n`;
  }
  /** Starts a program for which the system's store has the directory's authority too; nobody else sees that. */
  get launcher(): string[] {
    return ["unshare", "--mount", "--propagation", "private", "bash", "-c", `mount --bind "$0" ${systemStore} && exec "$@"`, join(this.dir, "trusted.pem")];
  }

  /** A new authority each time: it remembers no account. */
  async start({ lastsS = 90 * 24 * 3600, thinksS = 0 }: PebbleOptions = {}): Promise<void> {
    const { directory, management, dns, answers } = this.ports;
    writeFileSync(join(this.dir, "pebble.json"), JSON.stringify({ pebble: {
      listenAddress: `${loopback}:${directory}`, managementListenAddress: `${loopback}:${management}`,
      certificate: join(this.dir, "directory.pem"), privateKey: join(this.dir, "directory.key"),
      httpPort: 1, tlsPort: this.found.port, ocspResponderURL: "", externalAccountBindingRequired: false, certificateValidityPeriod: lastsS,
    } }));
    this.#run("names", "pebble-challtestsrv", [
      "-defaultIPv4", this.found.address, "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "",
      "-dns01", `${loopback}:${dns}`, "-management", `${loopback}:${answers}`,
    ]);
    this.#run("pebble", "pebble", ["-config", join(this.dir, "pebble.json"), "-dnsserver", `${loopback}:${dns}`], {
      // One nonce in twenty is refused, as the real one does now and then.
      PEBBLE_WFE_NONCEREJECT: "5", PEBBLE_AUTHZREUSE: "0", ...(thinksS ? { PEBBLE_VA_SLEEPTIME: String(thinksS) } : { PEBBLE_VA_NOSLEEP: "1" }),
    });
    await poll("the directory answers", 60_000, async () =>
      (await run("curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code}", `https://${this.place}/dir`], { check: false })).stdout === "200" || undefined);
    await poll("the name server takes answers", 60_000, async () => (await this.#tell("clear-a", { host: "nothing.example" })) || undefined);
  }

  /** Takes connections and answers nobody until `goOn`: whoever asks waits. */
  hold(): void {
    for (const child of this.#children) child.kill("SIGSTOP");
  }
  goOn(): void {
    for (const child of this.#children) child.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#children.map((child) => ended(child).catch(() => undefined)));
    this.#children = [];
  }

  /** From now on the name is at this address; undefined: where all are. */
  async lead(name: string, address?: string): Promise<void> {
    await this.#tell("clear-a", { host: `${name}.` });
    if (address) await this.#tell("add-a", { host: `${name}.`, addresses: [address] });
  }

  #run(name: string, program: string, words: string[], more: Record<string, string> = {}): void {
    const log = openSync(join(this.dir, `${name}.log`), "a");
    const child = spawn(program, words, { stdio: ["ignore", log, log], env: { ...process.env, ...more } });
    closeSync(log);
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    this.#children.push(child);
  }

  #tell(what: string, body: unknown): Promise<boolean> {
    return new Promise((done, failed) => {
      const call = request({ host: loopback, port: this.ports.answers, path: `/${what}`, method: "POST", agent: false }, (response) => {
        response.resume();
        response.on("end", () => done(response.statusCode === 200));
      });
      call.on("error", failed).end(JSON.stringify(body));
    });
  }
}
