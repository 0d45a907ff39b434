// The ways to a site on a server that its own port does not leave: each ends TLS where the visitors are and has TLS of its own to the
// server. Programs of "the server" run in the host's network.
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../system/lib/controller.ts";
import type { Host } from "../system/lib/host.ts";
import { folder } from "../system/lib/paths.ts";
import { makeAuthority } from "../system/lib/pki.ts";
import { run } from "../system/lib/process.ts";
import { poll } from "../system/lib/wait.ts";
import { cpuOf, Service } from "./processes.ts";

export interface Way {
  name: string;
  /** Where visitors go. */
  url: string;
  /** Of the address that the name in it has. */
  address: string;
  /** Those that it costs CPU, by the kernel's names of them. */
  programs: RegExp;
}

const nginxBase = (dir: string) => `daemon off; user root; worker_processes auto; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;
  client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p; fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_max_temp_file_size 0;
`;

/** Downloads at once: megabytes a second of all, CPU seconds a gigabyte, fastest over slowest. */
export interface Bulk { rate: number; cpu: number; unfair: number }

export async function download(way: Way, file: string, bytes: number, streams: number): Promise<Bulk> {
  const { hostname, port } = new URL(way.url);
  const before = cpuOf(way.programs);
  const began = performance.now();
  const rates = await Promise.all(Array.from({ length: streams }, () => new Promise<number>((done, failed) => {
    const child = spawn("curl", ["-fsSk", "-m", "300", "-o", "/dev/null", "-w", "%{speed_download}", "--resolve", `${hostname}:${port}:${way.address}`, `${way.url}/${file}`]);
    let said = "";
    child.stdout.on("data", (more: Buffer) => (said += String(more)));
    child.on("error", failed);
    child.on("close", (code) => (code === 0 ? done(Number(said)) : failed(new Error(`curl by ${way.name}: ${code}`))));
  })));
  const seconds = (performance.now() - began) / 1000;
  const all = (bytes * streams) / 1e6;
  return { rate: all / seconds, cpu: (cpuOf(way.programs) - before) / (all / 1e3), unfair: Math.max(...rates) / Math.min(...rates) };
}

/** Measures way by way in each run, so that what disturbs one disturbs all; by way, and then by run. */
export async function inTurn<T>(ways: Way[], runs: number, once: (way: Way) => Promise<T>): Promise<T[][]> {
  const found: T[][] = ways.map(() => []);
  for (let i = 0; i < runs; ++i)
    for (const [at, way] of ways.entries()) found[at]!.push(await once(way));
  return found;
}

export class Ways {
  readonly #services: Service[] = [];

  private constructor(private readonly host: Host, private readonly dir: string, private readonly near: string, private readonly site: string, private readonly origin: number) {}

  /** `near`: this machine's address that the host reaches; `site`: the name visitors use. The origin listens at the host's 127.0.0.1:`port`. */
  static async make(host: Host, dir: string, near: string, site: string, port: number, bigBytes: number): Promise<Ways> {
    const ways = new Ways(host, folder(dir), near, site, port);
    const { key, certificate } = await (await makeAuthority(join(dir, "ca"))).issue("site", ["DNS:*.tunnel.test", `IP:${near}`, `IP:${host.ip}`]);
    writeFileSync(join(dir, "site.key"), key, { mode: 0o600 });
    writeFileSync(join(dir, "site.pem"), certificate);
    const www = folder(join(dir, "www"));
    for (const [name, bytes] of [["big", bigBytes], ["part", Math.floor(bigBytes / 10)]] as const) {
      writeFileSync(join(www, name), "");
      truncateSync(join(www, name), bytes);
    }
    writeFileSync(join(www, "small"), `{"text": "${"x".repeat(180)}"}\n`);
    // Under a name of its own, so that its CPU is not taken for a way's.
    copyFileSync("/usr/sbin/nginx", join(dir, "bench-origin"));
    chmodSync(join(dir, "bench-origin"), 0o755);
    await ways.#nginx("origin", "server", `server { listen 127.0.0.1:${port}; root ${www}; }`, join(dir, "bench-origin"));
    return ways;
  }

  /** No TLS and nothing between: what the line itself carries. */
  async direct(): Promise<Way> {
    const port = await freePort(this.near);
    await this.#nginx("direct", "server", `server { listen ${this.host.ip}:${port}; root ${this.dir}/www; }`);
    return { name: "direct", url: `http://${this.site}:${port}`, address: this.host.ip, programs: /^nginx$/ };
  }

  /** nginx here, before a port that OpenSSH forwards to the server. */
  async ssh(): Promise<Way> {
    const dir = folder(join(this.dir, "ssh"));
    for (const name of ["host", "user"]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
    copyFileSync(join(dir, "user.pub"), join(dir, "authorized_keys"));
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd insists on it
    const [sshd, forwarded] = [await freePort(this.near), await freePort("127.0.0.1")];
    writeFileSync(join(dir, "config"), `ListenAddress ${this.near}:${sshd}\nHostKey ${dir}/host\nAuthorizedKeysFile ${dir}/authorized_keys\nPermitRootLogin prohibit-password\nUsePAM no\nStrictModes no\nPidFile none\n`);
    this.#start("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", join(dir, "config")]);
    await this.#listens(sshd, this.near);
    this.#start("ssh", this.host.inNetwork("ssh", "-N", "-i", join(dir, "user"), "-p", String(sshd), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
      "-o", "ExitOnForwardFailure=yes", "-R", `127.0.0.1:${forwarded}:127.0.0.1:${this.origin}`, `root@${this.near}`));
    await this.#listens(forwarded);
    return { name: "ssh -R", ...(await this.#front("ssh", `http://127.0.0.1:${forwarded}`)), programs: /^(sshd|ssh|nginx)$/ };
  }

  /** nginx here, before stunnel's two ends. */
  async stunnel(): Promise<Way> {
    const [far, here] = [await freePort(this.near), await freePort("127.0.0.1")];
    const config = (name: string, text: string): string => {
      const file = join(this.dir, `stunnel-${name}.conf`);
      writeFileSync(file, `foreground = yes\npid =\ndebug = 4\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n[way]\n${text}`);
      return file;
    };
    this.#start("stunnel-far", this.host.inNetwork("stunnel4", config("far", `accept = ${this.host.ip}:${far}\nconnect = 127.0.0.1:${this.origin}\ncert = ${this.dir}/site.pem\nkey = ${this.dir}/site.key\n`)));
    this.#start("stunnel-here", ["stunnel4", config("here", `client = yes\naccept = 127.0.0.1:${here}\nconnect = ${this.host.ip}:${far}\n`)]);
    await this.#listens(here);
    return { name: "stunnel", ...(await this.#front("stunnel", `http://127.0.0.1:${here}`)), programs: /^(stunnel4?|nginx)$/ };
  }

  /** nginx here and nginx there: a plain proxy to a server that lets it in. */
  async nginx(): Promise<Way> {
    const far = await freePort(this.near);
    await this.#nginx("far", "server", `upstream origin { server 127.0.0.1:${this.origin}; keepalive 64; }
      server { listen ${this.host.ip}:${far} ssl; ssl_certificate ${this.dir}/site.pem; ssl_certificate_key ${this.dir}/site.key; location / { proxy_pass http://origin; } }`);
    return { name: "nginx", ...(await this.#front("nginx", `https://${this.host.ip}:${far}`)), programs: /^nginx$/ };
  }

  /** One after the other, the last first. */
  async stop(): Promise<void> {
    for (const service of this.#services.splice(0).reverse()) await service.stop();
  }

  async #front(name: string, to: string): Promise<Pick<Way, "url" | "address">> {
    const port = await freePort(this.near);
    const { protocol, host } = new URL(to);
    await this.#nginx(`front-${name}`, "here", `upstream way { server ${host}; keepalive 64; }
      server { listen ${this.near}:${port} ssl; ssl_certificate ${this.dir}/site.pem; ssl_certificate_key ${this.dir}/site.key; location / { proxy_pass ${protocol}//way; } }`);
    await this.#listens(port, this.near);
    return { url: `https://${this.site}:${port}`, address: this.near };
  }

  async #nginx(name: string, where: "here" | "server", text: string, program = "/usr/sbin/nginx"): Promise<void> {
    const dir = folder(join(this.dir, name));
    writeFileSync(join(dir, "nginx.conf"), `${nginxBase(dir)}${text}\n}\n`);
    const command = [program, "-c", join(dir, "nginx.conf"), "-p", dir];
    this.#start(name, where === "here" ? command : this.host.inNetwork(program, ...command.slice(1)));
  }

  #start(name: string, [program, ...args]: string[]): void {
    this.#services.push(Service.start(program!, args, join(this.dir, `${name}.log`)));
  }

  #listens(port: number, address = "127.0.0.1"): Promise<true> {
    return poll(`something listens at ${address}:${port} (logs in ${this.dir})`, 15_000, async () =>
      (await run("ss", ["-Htln", `src ${address}:${port}`])).stdout.trim() ? true : undefined, 50);
  }
}
