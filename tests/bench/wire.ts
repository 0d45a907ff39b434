// A server at a distance: every packet between it and this machine's address is held back, by bench-wire.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Host } from "../system/lib/host.ts";
import { built } from "../system/lib/paths.ts";
import { run } from "../system/lib/process.ts";

export interface Line {
  /** One way, of each direction. */
  delayMs: number;
  /** Of each direction; without it as many as the machine moves. */
  bytesPerSecond?: number;
}

export class Wire {
  private constructor(private readonly child: ChildProcess) {}

  /** `near`: this machine's address that the host reaches. Connections that are open go on, over it. */
  static async on(host: Host, near: string, { delayMs, bytesPerSecond }: Line): Promise<Wire> {
    const [program, ...args] = host.inNetwork(built("tests/bench/bench-wire"), `/proc/${process.pid}/ns/net`, String(delayMs), ...(bytesPerSecond ? [String(bytesPerSecond)] : []));
    const child = spawn(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise<void>((ready, failed) => {
      createInterface({ input: child.stdout! }).once("line", () => ready());
      child.once("close", (code) => failed(new Error(`bench-wire ended: ${code}`)));
    });
    for (const [here, other] of [[[], host.ip], [host.inNetwork("env"), near]] as const)
      for (const words of ["ip link set wire up", `ip route add ${other}/32 dev wire src ${other === near ? host.ip : near}`]) {
        const [first, ...rest] = [...here, ...words.split(" ")];
        await run(first!, rest);
      }
    return new Wire(child);
  }

  /** Its interfaces go with it, and their routes. */
  async stop(): Promise<void> {
    const gone = new Promise((done) => this.child.once("close", done));
    this.child.stdin!.end();
    await gone;
  }
}
