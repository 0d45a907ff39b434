// An agent that a test plays: enrolled as any other, and then it says of each operation what the test wants it to have found. Shows what
// controller and console make of a server's word without a server.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Api } from "./api.ts";
import type { Controller } from "./controller.ts";
import { callAs, helloOf, type Message, type Order } from "./peers.ts";
import { run } from "./process.ts";
import type { KeyPair } from "./stolen.ts";
import { TimedOut, within } from "./wait.ts";
import type { WebSocketEnd } from "./websocket.ts";

interface StepOf {
  index: number;
  count: number;
  name: string;
  title: string;
  state: "running" | "done" | "failed";
  percent?: number;
  detail?: string;
}

export class FalseAgent {
  readonly orders: Order[] = [];
  #socket: WebSocketEnd | undefined;
  #seen = 0;
  #given = 0;
  #seq = 0;
  #accepted = new Set<string>();
  #journal = randomBytes(8).toString("hex");

  private constructor(private readonly controller: Controller, readonly server: string, private readonly pair: KeyPair, private readonly protocol: number) {}

  /** A server of this name in the organization ("/api/v1/orgs/org_…"), connected, whose agent speaks up to `protocol`. */
  static async enrol(controller: Controller, api: Api, org: string, name: string, protocol = 1): Promise<FalseAgent> {
    const dir = mkdtempSync(join(tmpdir(), "fairlead-agent-"));
    await run("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", join(dir, "key"), "-out", join(dir, "csr"), "-subj", "/CN=agent"]);
    const { token } = await api.post<{ token: string }>(`${org}/registration-tokens`, { name });
    const stranger = api.stranger();
    const enrolled = await stranger.call<{ server_id: string; certificate: string }>("POST", "/api/v1/agent/enroll", {
      body: { token, csr: readFileSync(join(dir, "csr"), "utf8"), name, capability: protocol, facts: {} },
    });
    stranger.close();
    const agent = new FalseAgent(controller, enrolled.server_id, { key: readFileSync(join(dir, "key"), "utf8"), certificate: enrolled.certificate }, protocol);
    await agent.connect();
    return agent;
  }

  async connect(): Promise<void> {
    const taken = await callAs(await this.controller.endpoint(), this.pair, helloOf({ protocol: this.protocol, journal: this.#journal, last_seq: this.#seq }));
    if (taken.answer?.type !== "welcome") throw new Error(`the controller does not let the agent in: ${JSON.stringify(taken)}`);
    this.#socket = taken.socket!;
    this.#seen = 1;
  }

  /** The next operation of this kind that was not asked for here before; those that come before it are passed over. */
  async next(kind: string, ms = 60_000): Promise<Order> {
    return within(`the agent is given ${kind}`, ms, async (signal) => {
      while (!signal.aborted) {
        const change = this.#socket!.change();
        this.#read();
        while (this.#given < this.orders.length) {
          const order = this.orders[this.#given++]!;
          if (order.kind === kind) return order;
        }
        if (!this.#socket!.open) throw new Error(`the link ended: ${JSON.stringify(await this.#socket!.closed)}`);
        await change;
      }
      throw new TimedOut(kind);
    });
  }

  step(order: Order, step: StepOf): void {
    this.#report(order, "step", { step: { percent: 0, detail: "", ...step } });
  }

  /** How it ended; `result` as OperationResult in proto/operations.hpp. */
  finish(order: Order, result: Record<string, unknown> = {}, error?: { code: string; message: string; step: string }): void {
    this.#report(order, "finished", { finished: { outcome: error ? "failed" : "succeeded", ...(error ? { error } : {}), note: "", result } });
  }

  /** All environments that the server holds (EnvironmentState in proto/messages.hpp). */
  inventory(environments: Record<string, unknown>[]): void {
    this.#send({ type: "inventory", environments });
  }

  close(): void {
    this.#socket?.close(1000);
  }

  #report(order: Order, kind: string, more: Record<string, unknown>): void {
    const reports = [];
    if (!this.#accepted.has(order.id)) reports.push({ seq: ++this.#seq, operation: order.id, at_ms: Date.now(), kind: "accepted" });
    this.#accepted.add(order.id);
    reports.push({ seq: ++this.#seq, operation: order.id, at_ms: Date.now(), kind, ...more });
    this.#send({ type: "reports", reports });
  }

  #send(message: unknown): void {
    this.#socket!.send(JSON.stringify(message));
  }

  #read(): void {
    for (const text of this.#socket!.texts.slice(this.#seen)) {
      const message = JSON.parse(text) as Message;
      if (message.type === "deliver") this.orders.push(message.operation as Order);
    }
    this.#seen = this.#socket!.texts.length;
  }
}
