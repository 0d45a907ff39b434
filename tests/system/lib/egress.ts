// A real fairlead-egress of the build beside a controller.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { built, folder } from "./paths.ts";
import { ended } from "./process.ts";
import { poll } from "./wait.ts";

export interface EgressOptions {
  /** Exceptions: "127.0.0.1:9443", "hooks.test:8443", "10.1.0.0/16". */
  allow?: string[];
  /** More lines of egress.yaml. */
  more?: string;
  /** Whose requests it takes; without it, those of whoever runs the tests. */
  user?: string;
  /** The name server that it asks; without it, the machine's. */
  nameserver?: string;
}

export class Egress {
  #process: ChildProcess | undefined;
  #exit: Promise<number> = Promise.resolve(0);
  readonly socket: string;
  readonly rules: string;
  readonly #resolv: string | undefined;

  constructor(private readonly dir: string, options: EgressOptions = {}) {
    folder(dir);
    this.socket = join(dir, "egress.sock");
    this.rules = join(dir, "egress.yaml");
    if (options.nameserver) {
      this.#resolv = join(dir, "resolv.conf");
      writeFileSync(this.#resolv, `nameserver ${options.nameserver}\n`);
    }
    const user = options.user ?? String(process.getuid!());
    const allow = JSON.stringify(options.allow ?? []);
    writeFileSync(this.rules, `socket: ${this.socket}\ncontroller: "${user}"\nallow: ${allow}\n${options.more ?? ""}`, { mode: 0o644 });
  }

  /** What goes into controller.yaml; `ca`: a file of authorities that receivers' certificates are from. */
  settings(ca?: string): string {
    return `\negress:\n  socket: ${this.socket}\n  rules: ${this.rules}\n${ca ? `  ca: ${ca}\n` : ""}`;
  }

  get log(): string {
    return readFileSync(join(this.dir, "egress.log"), "utf8");
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<this> {
    const log = openSync(join(this.dir, "egress.log"), "a");
    const program = [built("controller/egress/fairlead-egress"), "serve", "--config", this.rules];
    // Which name server is asked is the machine's matter: the program sees another /etc/resolv.conf, and nobody else does.
    const own = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', this.#resolv!];
    const [command, ...args] = this.#resolv ? [...own, ...program] : program;
    const child = spawn(command!, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.#process = child;
    this.#exit = ended(child);
    this.#exit.finally(() => process.off("exit", kill)).catch(() => undefined);
    let over = false;
    this.#exit.then(() => (over = true), () => (over = true));
    await poll("the egress answers", 60_000, async () => over || (await answers(this.socket)) || undefined, 20);
    if (over) throw new Error(`the egress ended at once:\n${this.log.slice(-2000)}`);
    return this;
  }

  async stop(): Promise<number> {
    this.#process?.kill("SIGTERM");
    const code = await this.#exit;
    this.#process = undefined;
    return code;
  }

  /** Sends one head and returns all that comes back until the other side ends; for what answers and closes. */
  ask(head: string): Promise<string> {
    return new Promise((done, failed) => {
      let text = "";
      const socket = connect(this.socket, () => socket.write(head));
      socket.setEncoding("utf8").on("data", (more: string) => (text += more));
      socket.on("end", () => done(text)).on("error", failed);
    });
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path, () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}
