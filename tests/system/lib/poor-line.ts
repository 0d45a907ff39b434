// A bad line between one server and the controller. Packets are really lost (nftables on the host); delay and rate are a relay's, since
// not every kernel has netem: a stand-in, which holds bytes back as a long thin line would, at the cost of ending TCP on the way.
import { connect, createServer, type Server as Listener, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { Controller } from "./controller.ts";
import type { Host } from "./host.ts";

export interface Line {
  /** One way, of each direction. */
  delayMs: number;
  /** Of each direction. */
  bytesPerSecond: number;
  /** Of packets, between the host and the relay, in each direction. */
  lossPercent: number;
}

/** What a direction holds at most before it stops reading: what a router would queue. */
const queued = 32 << 10;
const packet = 1250;

export class PoorLine {
  #sockets = new Set<Socket>();

  private constructor(private readonly host: Host, private readonly listener: Listener) {}

  /** From the server's next connection on, which is now. */
  static async on(host: Host, controller: Controller, line: Line): Promise<PoorLine> {
    const listener = createServer({ noDelay: true });
    const self = new PoorLine(host, listener);
    listener.on("connection", (near) => {
      const far = connect({ host: controller.address, port: controller.port, noDelay: true });
      for (const [one, another] of [[near, far], [far, near]] as const) {
        self.#sockets.add(one);
        one.on("error", () => another.destroy());
        one.on("close", () => { self.#sockets.delete(one); another.destroy(); });
        pass(one, another, line);
      }
    });
    await new Promise<void>((ready) => listener.listen(0, controller.address, ready));
    const { port } = listener.address() as AddressInfo;
    await host.sh(`nft add table ip line
      nft 'add chain ip line turn { type nat hook output priority -100; }'
      nft add rule ip line turn ip daddr ${controller.address} tcp dport ${controller.port} dnat to ${controller.address}:${port}
      nft 'add chain ip line out { type filter hook output priority 10; }'
      nft 'add rule ip line out ip daddr ${controller.address} tcp dport ${port} numgen random mod 100 < ${line.lossPercent} counter drop'
      nft 'add chain ip line in { type filter hook input priority -10; }'
      nft 'add rule ip line in ip saddr ${controller.address} tcp sport { ${port}, ${controller.port} } numgen random mod 100 < ${line.lossPercent} counter drop'
      systemctl restart fairlead-link.service`);
    return self;
  }

  /** How many packets were lost so far. */
  async lost(): Promise<number> {
    const counters = (await this.host.sh("nft list table ip line")).matchAll(/counter packets (\d+)/g);
    return [...counters].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async stop(): Promise<void> {
    await this.host.sh("nft delete table ip line");
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.listener.close(done));
  }
}

function pass(from: Socket, to: Socket, { delayMs, bytesPerSecond }: Line): void {
  let held = 0;
  let free = 0; // when the line has room for the next packet
  const later = (at: number, what: () => void): unknown => setTimeout(what, Math.max(0, at - Date.now()));
  from.on("data", (bytes: Buffer) => {
    held += bytes.length;
    if (held > queued) from.pause();
    for (let at = 0; at < bytes.length; at += packet) {
      const piece = bytes.subarray(at, at + packet);
      free = Math.max(free, Date.now()) + (piece.length * 1000) / bytesPerSecond;
      later(free + delayMs, () => {
        held -= piece.length;
        if (held <= queued) from.resume();
        if (to.writable) to.write(piece);
      });
    }
  });
  from.on("end", () => later(free + delayMs, () => to.end()));
}
