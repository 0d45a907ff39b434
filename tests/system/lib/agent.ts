// An agent that a test plays: it holds its link and says of each operation that it was done.
import { randomBytes } from "node:crypto";
import type { Endpoint } from "./api.ts";
import { callAs, helloOf, type Message, type Order } from "./peers.ts";
import type { KeyPair } from "./stolen.ts";
import type { WebSocketEnd } from "./websocket.ts";

export class PlayedAgent {
  /** Every operation that was handed out, in order. */
  readonly orders: Order[] = [];
  /** Waits for `release` before it says how the next ones ended. */
  holds = false;
  /** What it hands back of an operation that it has done (OperationResult in proto/operations.hpp). */
  result: (order: Order) => Record<string, unknown> = () => ({});
  /** The code that an operation fails with; nothing: it succeeds. */
  fails: (order: Order) => string | undefined = () => undefined;
  #held: Order[] = [];
  #seq = 0;

  private constructor(private readonly socket: WebSocketEnd) {}

  /** Connects with what enrolment gave, and says `more` in its hello; throws where the controller does not welcome it. */
  static async connect(endpoint: Endpoint, pair: KeyPair, more: Record<string, unknown> = {}): Promise<PlayedAgent> {
    const taken = await callAs(endpoint, pair, helloOf({ journal: `jrn_${randomBytes(8).toString("hex")}`, ...more }));
    if (taken.answer?.type !== "welcome" || !taken.socket) throw new Error(`the controller does not take the agent: ${JSON.stringify(taken.answer ?? taken.tls)}`);
    const agent = new PlayedAgent(taken.socket);
    void agent.#serve();
    return agent;
  }

  inventory(environments: unknown[], more: Record<string, unknown> = {}): void {
    this.socket.send(JSON.stringify({ type: "inventory", environments, ...more }));
  }

  /** Says that what it was given meanwhile is done, and does the next ones at once. */
  release(): void {
    this.holds = false;
    for (const order of this.#held.splice(0)) this.#done(order);
  }

  close(): void {
    this.socket.destroy();
  }

  async #serve(): Promise<void> {
    for (let seen = 0; this.socket.open; await this.socket.change()) {
      for (; seen < this.socket.texts.length; seen += 1) this.#take(JSON.parse(this.socket.texts[seen]!) as Message);
    }
  }

  #take(message: Message): void {
    if (message.type !== "deliver") return;
    const order = message.operation as Order;
    if (this.orders.some((one) => one.id === order.id)) return;
    this.orders.push(order);
    if (this.holds) this.#held.push(order);
    else this.#done(order);
  }

  #done(order: Order): void {
    const report = (kind: string, more: object = {}): object => ({ seq: ++this.#seq, operation: order.id, at_ms: Date.now(), kind, ...more });
    const code = this.fails(order);
    const finished = code
      ? { outcome: "failed", note: "", error: { code, message: "It did not work.", step: "" }, result: {} }
      : { outcome: "succeeded", note: "", result: this.result(order) };
    this.socket.send(JSON.stringify({ type: "reports", reports: [report("accepted"), report("finished", { finished })] }));
  }
}
