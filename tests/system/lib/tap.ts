// Every message of one server's link, in the clear: with the controller's stolen keys, somebody stands in between and writes down
// what either side says. Nothing is changed.
import { connect, createServer, type Server as Listener, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { type Controller, controllerName } from "./controller.ts";
import { alpn } from "./peers.ts";
import { steal } from "./stolen.ts";
import { acceptKey, readHead, WebSocketEnd } from "./websocket.ts";
import type { Enrolled } from "./world.ts";

export class Tap {
  /** Of the link: one text a message, oldest first. */
  readonly toController: string[] = [];
  readonly toAgent: string[] = [];
  /** What else the server asked of the controller, bytes as they came. */
  readonly other: Buffer[] = [];
  #sockets = new Set<TLSSocket>();

  private constructor(private readonly listener: Listener) {}

  /** From the server's next connection on, which is now. */
  static async on(enrolled: Enrolled, controller: Controller, org: string): Promise<Tap> {
    const { authority, own } = await steal(controller);
    const key = await enrolled.host.sh("cat /var/lib/fairlead/link/key.pem");
    const client = await authority.agent({ server: enrolled.server.id, org, key });
    const listener = createServer({
      key: own.key, cert: own.certificate, ALPNProtocols: [alpn, "http/1.1"], requestCert: true, rejectUnauthorized: false, minVersion: "TLSv1.3",
    });
    const self = new Tap(listener);
    listener.on("secureConnection", (near) => {
      const link = near.alpnProtocol === alpn;
      const far = connect({
        host: controller.address, port: controller.port, servername: controllerName, rejectUnauthorized: false,
        ALPNProtocols: [link ? alpn : "http/1.1"], ...(link && { key: client.key, cert: client.certificate }), minVersion: "TLSv1.3",
      });
      for (const [one, another] of [[near, far], [far, near]] as const) {
        self.#sockets.add(one);
        one.on("error", () => another.destroy());
        one.on("close", () => { self.#sockets.delete(one); another.destroy(); });
      }
      (link ? self.#relay(near, far) : self.#pass(near, far)).catch(() => near.destroy());
    });
    await new Promise<void>((ready) => listener.listen(0, controller.address, ready));
    const { port } = listener.address() as AddressInfo;
    await enrolled.host.sh(`nft add table ip tap; nft 'add chain ip tap out { type nat hook output priority -100; }'
      nft add rule ip tap out ip daddr ${controller.address} tcp dport ${controller.port} dnat to ${controller.address}:${port}
      systemctl restart fairlead-link.service`);
    return self;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.listener.close(done));
  }

  async #pass(near: TLSSocket, far: TLSSocket): Promise<void> {
    near.on("data", (bytes: Buffer) => { this.other.push(bytes); far.write(bytes); });
    near.on("end", () => far.end());
    far.pipe(near);
  }

  async #relay(near: TLSSocket, far: TLSSocket): Promise<void> {
    const asked = await readHead(near);
    far.write(`${asked.head}\r\n\r\n`);
    const answered = await readHead(far);
    const key = /^sec-websocket-key: *(\S+)/im.exec(asked.head)?.[1] ?? "";
    if (!answered.head.includes(acceptKey(key))) throw new Error(answered.head);
    near.write(`${answered.head}\r\n\r\n`);
    const agent = new WebSocketEnd(near, "server", asked.rest);
    const controller = new WebSocketEnd(far, "client", answered.rest);
    await Promise.race([forward(agent, controller, this.toController), forward(controller, agent, this.toAgent)]);
    near.destroy();
    far.destroy();
  }
}

/** Passes each text on and keeps it, until one side ends. */
async function forward(from: WebSocketEnd, to: WebSocketEnd, kept: string[]): Promise<void> {
  for (let seen = 0; from.open && to.open;) {
    const change = from.change();
    for (; seen < from.texts.length; ++seen) {
      kept.push(from.texts[seen]!);
      to.send(from.texts[seen]!);
    }
    await change;
  }
}
