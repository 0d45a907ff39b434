// What a system test stands on: a controller, a git server, and hosts with agents; made on demand, taken away
// after, and looked at closely when something fails.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { type Api, ApiError } from "./api.ts";
import { admin, Controller } from "./controller.ts";
import { Egress, type EgressOptions } from "./egress.ts";
import { type AddonCase, GitServer } from "./git.ts";
import { controllerAddress, Host, type HostOptions } from "./host.ts";
import { artifacts, folder } from "./paths.ts";
import type { Ran } from "./process.ts";
import { type Environment, finalStates, type List, type LogLine, type Operation, type Release, type Server, type Session } from "./types.ts";
import { TimedOut, within } from "./wait.ts";

/** A host with an agent that is enrolled. */
export interface Enrolled {
  host: Host;
  server: Server;
}

export class World {
  readonly dir = mkdtempSync(join(tmpdir(), "fairlead-"));
  #prefix = `t${randomBytes(3).toString("hex")}`;
  #hosts: Host[] = [];
  #controller: Controller | undefined;
  #controllerStarts: Promise<Controller> | undefined;
  #git: GitServer | undefined;
  #gitStarts: Promise<GitServer> | undefined;
  #api: Api | undefined;
  #session: Session | undefined;
  #egress: Egress | undefined;

  /** `config` is added to the controller's configuration file; a function is asked when that is written. */
  constructor(private readonly config: string | (() => Promise<string>) = "") {}

  /** See Controller.launcher; set before the controller is asked for, such as by the function above. */
  launcher: string[] = [];
  /** What a scenario may take that does not say so itself: suites that deploy on real servers set more. A hang is told after that. */
  patienceMs = 300_000;
  /** The controller's port, where it has to be known before. */
  port: number | undefined;

  /** One, whoever asks at the same time. */
  async controller(): Promise<Controller> {
    return (this.#controllerStarts ??= this.#startController());
  }
  async #startController(): Promise<Controller> {
    const config = typeof this.config === "string" ? this.config : await this.config();
    this.#controller = await Controller.init(join(this.dir, "controller"), config, this.port);
    this.#controller.launcher = this.launcher;
    await this.#controller.start();
    const { api, session } = await this.#controller.setUp();
    this.#api = api;
    this.#session = session;
    return this.#controller;
  }

  /**
   * A running egress beside the controller; for a suite whose configuration is
   * `async () => (await world.egress({ allow: ["127.0.0.1:9443"] })).settings(caFile)`. One in each world.
   */
  async egress(options: EgressOptions = {}): Promise<Egress> {
    this.#egress ??= await new Egress(join(this.dir, "egress"), options).start();
    return this.#egress;
  }

  async git(): Promise<GitServer> {
    return (this.#gitStarts ??= controllerAddress().then(async (address) => (this.#git = await GitServer.start(join(this.dir, "git"), address))));
  }

  /** The administrator's client. */
  async api(): Promise<Api> {
    await this.controller();
    return this.#api!;
  }

  /** Where a restored controller has forgotten everybody's session. */
  async signInAgain(): Promise<void> {
    await (await this.api()).call("POST", "/api/v1/session", { body: { email: admin.email, password: admin.password } });
  }

  /** "/api/v1/orgs/org_…" of the one organization that `init` makes. */
  async org(): Promise<string> {
    await this.controller();
    return `/api/v1/orgs/${this.#session!.orgs[0]!.id}`;
  }

  /** A host that trusts the tests' git server and has no agent. */
  async host(name: string, options: HostOptions = {}): Promise<Host> {
    const host = await Host.up(`${this.#prefix}-${name}`, options);
    this.#hosts.push(host);
    await host.trust("fairlead-tests-git", (await this.git()).ca);
    return host;
  }

  /** The command that the console shows for a new token. */
  async enrolCommand(name = "tests", more: Record<string, unknown> = {}): Promise<string> {
    const api = await this.api();
    const made = await api.post<{ command: string }>(`${await this.org()}/registration-tokens`, { name, ...more });
    return made.command;
  }

  /** Pastes a command on a host; a bare one has no sudo, and its owner is root. */
  async paste(host: Host, command: string, check = true): Promise<Ran> {
    const text = host.image === "debian12" ? command : command.replaceAll("sudo ", "");
    return host.exec(["bash", "-c", `set -o pipefail; ${text}`], { timeoutMs: 180_000, check });
  }

  /** Enrols a host by the pasted command and waits until the controller says online. */
  async enrol(host: Host): Promise<Enrolled> {
    await this.paste(host, await this.enrolCommand());
    const server = await this.until(`${host.name} is online`, 90_000, async (api, org) => {
      const { data } = await api.get<List<Server>>(`${org}/servers`);
      return data.find((one) => one.name === host.name && one.status === "online");
    });
    return { host, server };
  }

  async server(name: string, options: HostOptions = {}): Promise<Enrolled> {
    return this.enrol(await this.host(name, options));
  }

  /**
   * Waits for something the API shows: looks once, and again after each event of the organization. Survives a
   * controller that is away for a while.
   */
  async until<T>(what: string, ms: number, look: (api: Api, org: string) => Promise<T | undefined>): Promise<T> {
    const api = await this.api();
    const org = await this.org();
    let last: unknown;
    try {
      return await within(what, ms, async (signal) => {
        while (!signal.aborted) {
          try {
            const events = api.events(`${org}/events`, signal);
            // Subscribed first, looked second: nothing can slip between.
            for (;;) {
              const next = events.next();
              next.catch(() => undefined); // where looking throws first
              const found = await look(api, org);
              if (found !== undefined) return found;
              if ((await next).done) break;
            }
          } catch (error) {
            if (error instanceof ApiError && error.status < 500) throw error;
            last = error;
            await new Promise((again) => setTimeout(again, 200)); // the controller is away
          }
        }
        throw new TimedOut(what);
      });
    } catch (error) {
      if (error instanceof TimedOut && last) throw new TimedOut(`${error.message}; last: ${String(last)}`);
      throw error;
    }
  }

  /** Waits for an operation's end, whichever it is. */
  async finished(operation: { id: string }, ms = 300_000): Promise<Operation> {
    return this.until(`operation ${operation.id} ends`, ms, async (api, org) => {
      const now = await api.get<Operation>(`${org}/operations/${operation.id}`);
      return finalStates.includes(now.state) ? now : undefined;
    });
  }

  /** Waits for an operation's end and throws, with its log, unless it succeeded. */
  async succeeded(operation: { id: string }, ms = 300_000): Promise<Operation> {
    const end = await this.finished(operation, ms);
    if (end.state !== "succeeded") {
      throw new Error(`${end.kind} ${end.state}: ${JSON.stringify(end.error)} ${end.outcome ?? ""}\n${await this.logOf(end)}`);
    }
    return end;
  }

  /** The operation's whole log as text. */
  async logOf(operation: { id: string }): Promise<string> {
    const api = await this.api();
    let text = "";
    for (let after: number | null = 0; after !== null; ) {
      const page: { data: LogLine[]; next_after: number | null } = await api.get(
        `${await this.org()}/operations/${operation.id}/log?limit=1000&after=${after}`,
      );
      for (const line of page.data) text += `${line.level.padEnd(7)} ${(line.step ?? "").padEnd(10)} ${line.text}\n`;
      after = page.next_after;
    }
    return text;
  }

  /** A project of Odoo and one addon repository, whose branch 19.0 is at `state`, and of more where they are named. */
  async project(name: string, state: AddonCase = "v1", more: { name: string; url: string; branch: string }[] = []): Promise<{ id: string; name: string }> {
    const git = await this.git();
    await git.commit(name, state);
    const api = await this.api();
    return api.post(`${await this.org()}/projects`, {
      name,
      odoo_version: "19.0",
      odoo_source: { url: await git.addOdoo(), branch: "19.0" },
      addons: [{ name: "demo", url: git.url(name), branch: "19.0" }, ...more],
    });
  }

  async environment(project: { id: string }, server: Server, name: string, more: Record<string, unknown> = {}): Promise<Environment> {
    const api = await this.api();
    return api.post(`${await this.org()}/environments`, {
      project_id: project.id, server_id: server.id, name, type: "staging",
      modules: ["base", "web", "fl_demo"], system_site_packages: true, ...more,
    });
  }

  async look(environment: { id: string }): Promise<Environment> {
    return (await this.api()).get(`${await this.org()}/environments/${environment.id}`);
  }

  /** All there ever were, newest first. */
  async releases(environment: { id: string }): Promise<Release[]> {
    const api = await this.api();
    const path = `${await this.org()}/environments/${environment.id}/releases?limit=200`;
    const all: Release[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: List<Release> = await api.get(`${path}${cursor && `&cursor=${cursor}`}`);
      all.push(...page.data);
      cursor = page.next_cursor;
    }
    return all;
  }

  /** POST …/{id}/deploy, /rollback, /start, …; the operation as it was accepted. */
  async act(environment: { id: string }, act: string, body?: unknown): Promise<Operation> {
    return (await this.api()).post(`${await this.org()}/environments/${environment.id}/${act}`, body);
  }

  async deploy(environment: { id: string }, body?: unknown): Promise<Operation> {
    return this.act(environment, "deploy", body);
  }

  async stop(): Promise<void> {
    this.#api?.close();
    await Promise.allSettled([
      this.#controller?.stop(), this.#egress?.stop(), this.#git?.stop(), ...this.#hosts.map((host) => host.down()),
    ]);
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Puts all that explains a failure into a folder, and returns it. */
  async collect(name: string): Promise<string> {
    const dir = folder(join(artifacts, name.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, 100)));
    if (this.#controller) writeFileSync(join(dir, "controller.log"), this.#controller.log);
    if (this.#egress) writeFileSync(join(dir, "egress.log"), this.#egress.log);
    for (const host of this.#hosts) writeFileSync(join(dir, `${host.name}.txt`), await host.report());
    if (this.#api && this.#controller) {
      const { data } = await this.#api.get<List<Operation>>(`${await this.org()}/operations?limit=200`);
      let text = "";
      for (const one of data) text += `${JSON.stringify(one, null, 2)}\n${await this.logOf(one)}\n`;
      writeFileSync(join(dir, "operations.txt"), text);
    }
    return dir;
  }
}

/** The world of one `describe`, taken away after it. */
export function worldOfSuite(config: string | (() => Promise<string>) = ""): World {
  const world = new World(config);
  after(() => world.stop());
  return world;
}

/** A test whose failure leaves logs behind and says where. */
export function scenario(world: World, title: string, body: () => Promise<void>, timeoutMs = world.patienceMs): void {
  it(title, { timeout: timeoutMs + 60_000 }, async () => {
    try {
      await within(title, timeoutMs, body);
    } catch (error) {
      const where = await within("collecting logs", 60_000, () => world.collect(title)).catch(String);
      if (error instanceof Error) error.message += `\n  logs: ${where}`;
      throw error;
    }
  });
}
