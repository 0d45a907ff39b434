// A real controller of the build, with a fresh data folder, on the address that hosts reach.
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { appendFileSync, closeSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { Api, type Endpoint } from "./api.ts";
import { controllerAddress } from "./host.ts";
import { built, folder } from "./paths.ts";
import { ended, run } from "./process.ts";
import type { Session } from "./types.ts";
import { poll } from "./wait.ts";

export const controllerName = "controller.fairlead.test";
export const admin = { email: "ada@fairlead.test", password: "correct horse battery staple 7" };

export class Controller {
  #process: ChildProcess | undefined;
  #exit: Promise<number> = Promise.resolve(0);

  private constructor(
    readonly dir: string,
    readonly data: string,
    readonly config: string,
    readonly address: string,
    readonly port: number,
    /** Path and token of the administrator's first link. */
    readonly setupLink: string,
  ) {}

  /** A command that ends by becoming the program and words behind it; empty: the program alone. */
  launcher: string[] = [];

  /** Runs `init`; nothing is served yet. `more` is added to the configuration that it wrote. */
  static async init(dir: string, more = "", wantedPort?: number): Promise<Controller> {
    const address = await controllerAddress();
    const port = wantedPort ?? (await freePort(address));
    folder(dir);
    const data = join(dir, "data");
    const said = await run(built("controller/fairlead-controller"), [
      "init", "--data", data, "--admin", admin.email, "--name", controllerName, "--listen", `${address}:${port}`,
    ]);
    const link = /https:\/\/\S+/.exec(said.stdout)?.[0];
    if (!link) throw new Error(`init printed no link:\n${said.stdout}${said.stderr}`);
    const config = join(data, "controller.yaml");
    appendFileSync(config, more);
    return new Controller(dir, data, config, address, port, link);
  }

  /** Another machine's, with the settings and the master key of this one, at another port; it has no database yet. */
  elsewhere(dir: string, port: number): Controller {
    const data = join(dir, "data");
    mkdirSync(data, { recursive: true, mode: 0o700 });
    copyFileSync(join(this.data, "master.key"), join(data, "master.key"));
    const config = join(dir, "controller.yaml");
    const settings = readFileSync(this.config, "utf8");
    writeFileSync(config, settings.replace(`${this.address}:${this.port}`, `${this.address}:${port}`).replaceAll(this.data, data));
    return new Controller(dir, data, config, this.address, port, this.setupLink);
  }

  async backup(file: string): Promise<void> {
    await run(built("controller/fairlead-controller"), ["backup", file, "--config", this.config]);
  }

  /** While it is stopped. */
  async restore(file: string): Promise<void> {
    await run(built("controller/fairlead-controller"), ["restore", file, "--config", this.config]);
  }

  get pid(): number {
    if (!this.#process?.pid) throw new Error("the controller is not running");
    return this.#process.pid;
  }

  /** SHA-256 of its public key, base64; known once it has started. */
  get pin(): string {
    const pin = /pin="sha256\/\/([^"]+)"/.exec(this.log)?.[1];
    if (!pin) throw new Error(`the controller's log names no pin:\n${this.log.slice(0, 2000)}`);
    return pin;
  }

  get log(): string {
    return readFileSync(join(this.dir, "controller.log"), "utf8");
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    const log = openSync(join(this.dir, "controller.log"), "a");
    const [program, ...words] = [...this.launcher, built("controller/fairlead-controller"), "serve", "--config", this.config];
    const child = spawn(program!, words, { stdio: ["ignore", log, log] });
    closeSync(log);
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.#process = child;
    this.#exit = ended(child);
    this.#exit.finally(() => process.off("exit", kill)).catch(() => undefined);
    let over = false;
    this.#exit.then(() => (over = true), () => (over = true));
    await poll("the controller is ready", 60_000, async () => {
      if (over) return false;
      return (await fetchInsecurely(this.address, this.port, "/readyz")).status === 200 ? true : undefined;
    }, 50);
    if (over) throw new Error(`the controller ended at once:\n${this.log.slice(-4000)}`);
  }

  /** Asks it to stop and waits for it. */
  async stop(): Promise<number> {
    this.#process?.kill("SIGTERM");
    const code = await this.#exit;
    this.#process = undefined;
    return code;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#exit;
    this.#process = undefined;
  }

  /** How to reach it, with the authority that it names itself. */
  async endpoint(): Promise<Endpoint> {
    const ca = await fetchInsecurely(this.address, this.port, "/ca.pem");
    return { address: this.address, port: this.port, name: controllerName, ca: ca.text };
  }

  /** Uses the one-time link and returns the administrator's client. */
  async setUp(): Promise<{ api: Api; session: Session }> {
    const api = new Api(await this.endpoint());
    const token = /([A-Za-z0-9_-]{20,})$/.exec(this.setupLink)?.[1];
    const session = await api.call<Session>("POST", "/api/v1/setup", {
      body: { token, password: admin.password, name: "Ada" },
    });
    return { api, session };
  }
}

/**
 * A port that nobody listens on now. Not one of those that the kernel gives to whoever connects: one of them could be taken by then, also
 * while what listens there is away for a moment.
 */
export async function freePort(address: string): Promise<number> {
  for (let left = 100; left > 0; left -= 1) {
    const port = randomInt(15_000, 32_000);
    const free = await new Promise<boolean>((done, failed) => {
      const probe = createServer();
      probe.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? done(false) : failed(error)));
      probe.listen(port, address, () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
  throw new Error(`no free port at ${address}`);
}

/** Before the authority is known; only the tests on one machine may do so. */
function fetchInsecurely(address: string, port: number, path: string): Promise<{ status: number; text: string }> {
  return new Promise((done, failed) => {
    const call = request(
      { host: address, port, path, servername: controllerName, rejectUnauthorized: false, timeout: 5000, agent: false,
        headers: { Host: `${controllerName}:${port}` } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (more: string) => (text += more));
        response.on("end", () => done({ status: response.statusCode ?? 0, text }));
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer")));
    call.on("error", failed);
    call.end();
  });
}
