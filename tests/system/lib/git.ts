// A git server over HTTPS, as customers have one: git's own http-backend behind node's TLS server.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { folder, hosts } from "./paths.ts";
import { makeAuthority } from "./pki.ts";
import { run } from "./process.ts";

export type AddonCase = "v1" | "v2" | "fix" | "raises" | "tells" | "fills" | "syntax" | "dies" | "hangs";

export class GitServer {
  /** Password that repositories under /private/ ask for; the user name is free. */
  readonly token = "gt-only-for-tests";
  /** Paths of the requests so far, to show what an agent asked for. */
  readonly requests: string[] = [];
  /** Repositories that have moved: where each of "/name.git" sends whoever asks for it. */
  readonly moved = new Map<string, string>();
  #server: Server;
  #dir: string;

  private constructor(server: Server, dir: string, readonly address: string, readonly ca: string) {
    this.#server = server;
    this.#dir = dir;
  }

  static async start(dir: string, address: string): Promise<GitServer> {
    const authority = await makeAuthority(join(dir, "pki"), "Fairlead tests git");
    const { key, certificate } = await authority.issue("git", [`IP:${address}`, "DNS:controller.fairlead.test"]);
    const repositories = folder(join(dir, "repositories"));
    let self: GitServer;
    const server = createServer({ key, cert: certificate }, (request, response) => self.#answer(request, response));
    await new Promise<void>((ready) => server.listen(0, address, ready));
    self = new GitServer(server, repositories, address, authority.certificate);
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(name: string): string {
    return `https://${this.address}:${this.port}/${name}.git`;
  }

  repository(name: string): string {
    return join(this.#dir, `${name}.git`);
  }

  /** The kept repository with Odoo 19, served as /odoo.git. */
  async addOdoo(): Promise<string> {
    const made = await run(join(hosts, "odoo-source"), [], { timeoutMs: 600_000 });
    if (!existsSync(this.repository("odoo"))) symlinkSync(made.stdout.trim(), this.repository("odoo"));
    return this.url("odoo");
  }

  /** Commits a state of fl_demo to a branch; returns the commit. */
  async commit(name: string, state: AddonCase, branch = "19.0"): Promise<string> {
    mkdirSync(join(this.repository(name), ".."), { recursive: true });
    const made = await run(join(hosts, "addons"), [this.repository(name), state, branch]);
    return made.stdout.trim();
  }

  /** Commits files over what a branch has; an empty text removes the file. */
  async change(name: string, files: Record<string, string | Buffer>, branch = "19.0"): Promise<void> {
    const tree = mkdtempSync(join(tmpdir(), "fairlead-change-"));
    try {
      await run("git", ["clone", "-q", "-b", branch, this.repository(name), tree]);
      for (const [file, text] of Object.entries(files)) {
        if (text.length > 0) writeFileSync(join(tree, file), text);
        else rmSync(join(tree, file), { force: true });
      }
      await run("git", ["-C", tree, "-c", "core.compression=0", "add", "-A"]);
      await run("git", ["-C", tree, "-c", "user.name=Tests", "-c", "user.email=tests@fairlead.test", "commit", "-q", "-m", `change ${Object.keys(files).join(", ")}`]);
      await run("git", ["-C", tree, "-c", "core.compression=0", "-c", "core.bigFileThreshold=1m", "push", "-q", "origin", `HEAD:${branch}`], { timeoutMs: 300_000 });
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }

  async deleteBranch(name: string, branch: string): Promise<void> {
    await run("git", ["-C", this.repository(name), "update-ref", "-d", `refs/heads/${branch}`]);
  }

  /** Stops answering (connections are refused) until `resume`. */
  async stop(): Promise<void> {
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      this.#server.closeAllConnections();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "https://git");
    this.requests.push(url.pathname);
    const repository = /^.*?\.git(?=\/)/.exec(url.pathname)?.[0] ?? "";
    const target = this.moved.get(repository);
    if (target) {
      response.writeHead(301, { location: target + url.pathname.slice(repository.length) + url.search }).end();
      return;
    }
    if (url.pathname.startsWith("/private/")) {
      const [, encoded = ""] = (request.headers.authorization ?? "").split("Basic ");
      if (Buffer.from(encoded, "base64").toString().split(":")[1] !== this.token) {
        response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
        return;
      }
    }
    const header = (name: string): string => String(request.headers[name] ?? "");
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: this.#dir,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        GIT_PROTOCOL: header("git-protocol"),
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? "GET",
        CONTENT_TYPE: header("content-type"),
        REMOTE_ADDR: request.socket.remoteAddress ?? "",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    backend.on("error", () => response.destroy());
    backend.stdin.on("error", () => undefined);
    const body = header("content-encoding") === "gzip" ? request.pipe(createGunzip()) : request;
    body.on("error", () => backend.kill()).pipe(backend.stdin);
    response.on("close", () => backend.kill());

    // The head that a CGI program writes, then its body as it comes.
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      backend.stdout.off("data", onData);
      let status = 200;
      for (const line of head.subarray(0, end).toString().split("\r\n")) {
        const [, name = "", value = ""] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
        if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
        else if (name) response.setHeader(name, value);
      }
      response.writeHead(status);
      response.write(head.subarray(end + 4));
      backend.stdout.pipe(response);
    };
    backend.stdout.on("data", onData);
  }
}
