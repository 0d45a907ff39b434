// S3 servers as customers have them, on this machine: Swift with its s3api, and s3rver. TLS and faults are the relay's.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "./controller.ts";
import { folder, root } from "./paths.ts";
import { makeAuthority } from "./pki.ts";
import { ended, run } from "./process.ts";
import { type Answer, ask, type Keys } from "./s3-sign.ts";
import { Relay } from "./s3-relay.ts";
import { poll } from "./wait.ts";

export type Kind = "swift" | "s3rver";
/** Below it Swift's buckets are hosts. */
export const domain = "s3.fairlead.test";

export interface StoredObject {
  key: string;
  bytes: number;
}

/** What proto::Storage needs to reach a bucket. */
export interface StorageSettings {
  endpoint: string;
  region: string;
  bucket: string;
  prefix: string;
  addressing: "path" | "virtual_host";
  access_key: string;
  ca: string;
}

export class S3 {
  #children: ChildProcess[] = [];
  #start: () => Promise<ChildProcess[]>;
  #mounted: string | undefined;
  #relay: Relay | undefined;
  #tls = { key: "", certificate: "" };
  /** PEM of the authority of its certificate. */
  ca = "";

  private constructor(
    readonly kind: Kind, readonly dir: string, readonly address: string, readonly keys: Keys,
    /** The first one speaks S3. */
    private readonly ports: number[], start: () => Promise<ChildProcess[]>, mounted?: string,
  ) {
    this.#start = start;
    this.#mounted = mounted;
  }

  /** `address` is where clients reach it: 127.0.0.1, or controllerAddress() for hosts. */
  static async start(kind: Kind, dir: string, address: string): Promise<S3> {
    folder(dir);
    const self = kind === "swift" ? await S3.#swift(dir, address) : await S3.#s3rver(dir, address);
    const authority = await makeAuthority(join(dir, "pki"), "Fairlead tests s3");
    self.ca = authority.certificate;
    self.#tls = await authority.issue("s3", [`IP:${address}`, `DNS:${domain}`, `DNS:*.${domain}`]);
    await self.resume();
    return self;
  }

  private get port(): number {
    return this.ports[0] ?? 0;
  }

  get relay(): Relay {
    if (!this.#relay) throw new Error("the server is stopped");
    return this.#relay;
  }

  /** Secret key: keys.secret. */
  storage(bucket: string, prefix = ""): StorageSettings {
    return {
      endpoint: `https://${this.address}:${this.relay.port}`, region: this.keys.region, bucket, prefix, addressing: "path",
      access_key: this.keys.access, ca: this.ca,
    };
  }

  async createBucket(bucket: string): Promise<void> {
    this.#good(await ask(this.port, this.keys, "PUT", bucket), `making the bucket ${bucket}`);
  }

  async removeBucket(bucket: string): Promise<void> {
    for (const one of await this.objects(bucket)) await this.remove(bucket, one.key);
    this.#good(await ask(this.port, this.keys, "DELETE", bucket), `removing the bucket ${bucket}`);
  }

  /** All of them, as the server lists them. */
  async objects(bucket: string, prefix = ""): Promise<StoredObject[]> {
    const all: StoredObject[] = [];
    for (let token = ""; ; ) {
      const query = { "list-type": "2", prefix, ...(token && { "continuation-token": token }) };
      const { body } = this.#good(await ask(this.port, this.keys, "GET", bucket, "", query), `listing ${bucket}`);
      const text = body.toString();
      for (const [, one = ""] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        all.push({ key: unescaped(/<Key>(.*?)<\/Key>/s.exec(one)?.[1] ?? ""), bytes: Number(/<Size>(\d+)<\/Size>/.exec(one)?.[1]) });
      }
      token = unescaped(/<NextContinuationToken>(.*?)<\/NextContinuationToken>/s.exec(text)?.[1] ?? "");
      if (!token) return all;
    }
  }

  /** How many multipart uploads were begun and are neither whole nor given up. */
  async uploads(bucket: string): Promise<number> {
    if (this.kind === "s3rver") {
      // It has no call for that, and none that gives one up; each has a folder.
      const begun = join(this.dir, "data", bucket, "._S3rver_uploads");
      return existsSync(begun) ? readdirSync(begun).length : 0;
    }
    const { body } = this.#good(await ask(this.port, this.keys, "GET", bucket, "", { uploads: "" }), `uploads of ${bucket}`);
    return [...body.toString().matchAll(/<Upload>/g)].length;
  }

  async read(bucket: string, key: string): Promise<Buffer> {
    return this.#good(await ask(this.port, this.keys, "GET", bucket, key), `reading ${key}`).body;
  }

  async write(bucket: string, key: string, bytes: Buffer): Promise<void> {
    this.#good(await ask(this.port, this.keys, "PUT", bucket, key, {}, bytes), `writing ${key}`);
  }

  async remove(bucket: string, key: string): Promise<void> {
    this.#good(await ask(this.port, this.keys, "DELETE", bucket, key), `removing ${key}`);
  }

  /** Turns one bit of an object, in the middle where nothing else is said. */
  async alter(bucket: string, key: string, at?: number): Promise<void> {
    const bytes = await this.read(bucket, key);
    const where = at ?? bytes.length >> 1;
    bytes[where] = (bytes[where] ?? 0) ^ 1;
    await this.write(bucket, key, bytes);
  }

  async truncate(bucket: string, key: string, bytes: number): Promise<void> {
    await this.write(bucket, key, (await this.read(bucket, key)).subarray(0, bytes));
  }

  /** Gone from the network, as after a power cut; what is stored stays. */
  async suspend(): Promise<void> {
    this.#port = this.relay.port;
    await this.relay.stop();
    this.#relay = undefined;
    await Promise.all(this.#children.splice(0).map((child) => {
      child.kill("SIGKILL");
      return ended(child);
    }));
  }
  #port = 0;

  /** Back again at the same address and port. */
  async resume(): Promise<void> {
    this.#children = await this.#start();
    await poll(`${this.kind} answers`, 120_000, async () => {
      const gone = this.#children.find((child) => child.exitCode !== null);
      if (gone) throw new Error(`${gone.spawnargs.join(" ")} ended with ${gone.exitCode}; its log is in ${this.dir}`);
      // All of them: Swift's proxy avoids for a minute what did not answer it once.
      await Promise.all(this.ports.map(opened));
      return (await ask(this.port, this.keys, "GET", "")).status === 200 || undefined;
    });
    this.#port ||= await freePort(this.address);
    this.#relay = await Relay.start(this.address, this.#tls, this.port, this.#port);
  }

  async stop(): Promise<void> {
    if (this.#relay) await this.suspend();
    if (this.#mounted) await run("umount", [this.#mounted]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  #good(answer: Answer, what: string): Answer {
    if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${answer.body.toString()}`);
    return answer;
  }

  static async #s3rver(dir: string, address: string): Promise<S3> {
    const [port = 0] = await freePorts(1);
    const program = join(root, "tests/system/node_modules/s3rver/bin/s3rver.js");
    const data = folder(join(dir, "data"));
    const start = async (): Promise<ChildProcess[]> => [
      begin(dir, "s3rver", process.execPath, [program, "-d", data, "-a", "127.0.0.1", "-p", String(port), "--no-vhost-buckets"]),
    ];
    return new S3("s3rver", dir, address, { access: "S3RVER", secret: "S3RVER", region: "us-east-1" }, [port], start);
  }

  /** Its four servers with one replica of everything, tempauth for keys and a memcached, all on loopback. */
  static async #swift(dir: string, address: string): Promise<S3> {
    const [proxy = 0, cache = 0, ...stores] = await freePorts(5);
    const conf = folder(join(dir, "conf"));
    const node = folder(join(dir, "node"));
    const mounted = await withAttributes(dir, node);
    folder(join(node, "d1"));
    const kinds = ["account", "container", "object"] as const;
    for (const [index, kind] of kinds.entries()) {
      const builder = join(conf, `${kind}.builder`);
      await run("swift-ring-builder", [builder, "create", "3", "1", "0"]);
      await run("swift-ring-builder", [builder, "add", `r1z1-127.0.0.1:${stores[index]}/d1`, "1"]);
      await run("swift-ring-builder", [builder, "rebalance"]);
      writeFileSync(join(conf, `${kind}-server.conf`), `${common(conf, stores[index] ?? 0)}devices = ${node}
mount_check = false
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`);
    }
    writeFileSync(join(conf, "proxy-server.conf"), `${common(conf, proxy)}[pipeline:main]
pipeline = catch_errors cache s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cache}
[filter:s3api]
use = egg:swift#s3api
location = eu-test-1
storage_domain = ${domain}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing-secret .admin
user_test_nobody = nobody-secret
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
`);
    const start = async (): Promise<ChildProcess[]> => [
      begin(dir, "memcached", "memcached", ["-l", "127.0.0.1", "-p", String(cache), "-u", "root", "-m", "64"]),
      ...[...kinds, "proxy"].map((kind) => begin(dir, kind, `swift-${kind}-server`, [join(conf, `${kind}-server.conf`), "-v"])),
    ];
    const keys = { access: "test:tester", secret: "testing-secret", region: "eu-test-1" };
    return new S3("swift", dir, address, keys, [proxy, cache, ...stores], start, mounted);
  }
}

const common = (conf: string, port: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = root
swift_dir = ${conf}
workers = 0
log_level = WARNING
`;

function begin(dir: string, name: string, command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const log = createWriteStream(join(dir, `${name}.log`), { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.on("error", () => undefined); // shows as a server that does not answer
  return child;
}

function opened(port: number): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done();
    });
    socket.on("error", failed);
  });
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort("127.0.0.1"));
  return [...ports];
}

/** Swift keeps what it knows of an object in extended attributes; where the disk has none, a file system in a file has. */
async function withAttributes(dir: string, node: string): Promise<string | undefined> {
  const script = "import os, sys; os.setxattr(sys.argv[1], 'user.fairlead', b'x' * 1024)";
  if ((await run("python3", ["-c", script, node], { check: false })).code === 0) return undefined;
  const image = join(dir, "disk.img");
  await run("truncate", ["-s", "4G", image]);
  await run("mkfs.ext4", ["-q", "-F", image]);
  await run("mount", ["-o", "loop", image, node]);
  return node;
}

const unescaped = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&#13;", "\r").replaceAll("&amp;", "&");
