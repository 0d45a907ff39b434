// Stand-ins for Cloudflare's tunnel, made from its public documentation, for tests alone; nothing here was seen to work with Cloudflare
// itself: developers.cloudflare.com, Cloudflare Tunnel, "Tunnel run parameters" (--token-file since 2025.4.0, TUNNEL_TOKEN, --metrics,
// --no-autoupdate), "Tunnel permissions" (the token) and "Metrics" (/ready); "Cloudflare HTTP headers"; "HTTP Host Header".
// Between the two ends they speak a protocol of their own: a line with the token's members, a line back, and bytes.
import { randomBytes, randomUUID } from "node:crypto";
import { request } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Host } from "./host.ts";
import { poll } from "./wait.ts";

/** The program on the server: what of its command line and its answers the documentation tells. */
const program = (edge: { address: string; port: number }, readsFiles: boolean): string => `#!/usr/bin/python3
# A stand-in for cloudflared, for tests.
import base64, http.server, json, os, signal, socket, socketserver, sys, threading, time, uuid
EDGE, READS_FILES = ("${edge.address}", ${edge.port}), ${readsFiles ? "True" : "False"}
args = sys.argv[1:]
if args == ["--version"]:
    print("cloudflared version ${readsFiles ? "2025.4.0" : "2024.12.2"} (a stand-in)"); sys.exit(0)
if args == ["tunnel", "run", "--help"]:
    print("   --token value       The Tunnel token. [$TUNNEL_TOKEN]")
    if READS_FILES: print("   --token-file value  Filepath at which to read the tunnel token. [$TUNNEL_TOKEN_FILE]")
    sys.exit(0)
def end(why):
    print("ERR", why, file=sys.stderr, flush=True); sys.exit(1)
if args[:1] != ["tunnel"]: end("no such command")
token, metrics, words, at = os.environ.get("TUNNEL_TOKEN", ""), None, [], 1
while at < len(args):
    if args[at] == "--no-autoupdate": at += 1
    elif args[at] == "--metrics": metrics = args[at + 1]; at += 2
    elif args[at] == "--token": token = args[at + 1]; at += 2
    elif args[at] == "--token-file" and READS_FILES:
        with open(args[at + 1]) as file: token = token or file.read().strip()
        at += 2
    elif args[at].startswith("-"): end("flag provided but not defined: " + args[at])
    else: words.append(args[at]); at += 1
if words != ["run"] or not token: end('"cloudflared tunnel run" requires the ID or name of the tunnel to run')
try:
    parsed = json.loads(base64.b64decode(token, validate=True)); hello = {name: parsed[name] for name in ("a", "t", "s")}
except Exception: end("Provided Tunnel token is not valid.")
connector, registered, carrying, stopping = str(uuid.uuid4()), {}, set(), threading.Event()
class Ready(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        status = 200 if registered else 503
        if self.path != "/ready": status = 404
        body = json.dumps({"status": status, "readyConnections": len(registered), "connectorId": connector}).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
def register(kind):
    edge = socket.create_connection(EDGE, 5); edge.settimeout(None)
    edge.sendall((json.dumps({**hello, "kind": kind, "connector": connector}) + "\\n").encode())
    line = b""
    while not line.endswith(b"\\n"):
        piece = edge.recv(1)
        if not piece: raise PermissionError('Register tunnel error from server side error="Unauthorized: Invalid tunnel secret"')
        line += piece
    return edge, json.loads(line)
def pump(a, b):
    try:
        while piece := a.recv(1 << 16): b.sendall(piece)
    except OSError: pass
    try: b.shutdown(socket.SHUT_WR) # also where the other end broke: nobody waits for more
    except OSError: pass
def carry():
    edge, answer = register("data"); carrying.add(edge)
    try:
        first = edge.recv(1 << 16)
        if first:
            origin = socket.create_connection((answer["host"], answer["port"])); origin.sendall(first)
            back = threading.Thread(target=pump, args=(origin, edge), daemon=True); back.start()
            pump(edge, origin); back.join(); origin.close()
    finally: carrying.discard(edge); edge.close()
def stay(me):
    edge, _ = register("control"); registered[me] = edge
    print("INF Registered tunnel connection", file=sys.stderr, flush=True)
    try: edge.recv(1)
    finally: registered.pop(me, None); edge.close()
def again(what, *given):
    while not stopping.is_set():
        try: what(*given)
        except Exception as error: print("ERR", error, file=sys.stderr, flush=True); time.sleep(1)
def leave():
    # No new requests; those under way may end.
    for edge in list(registered.values()): edge.sendall(b"bye\\n")
    for _ in range(300):
        if not carrying: break
        time.sleep(0.1)
    os._exit(0)
def stop(*_):
    stopping.set(); threading.Thread(target=leave, daemon=True).start()
signal.signal(signal.SIGTERM, stop)
for number in range(2): threading.Thread(target=again, args=(stay, number), daemon=True).start()
for _ in range(4): threading.Thread(target=again, args=(carry,), daemon=True).start()
host, port = metrics.rsplit(":", 1)
# Not http.server's own, which looks its address up in the DNS.
class Door(socketserver.ThreadingMixIn, socketserver.TCPServer): daemon_threads = allow_reuse_address = True
Door((host, int(port)), Ready).serve_forever()
`;

/** What Cloudflare's dashboard shows of a tunnel. */
export function tunnelToken(more: { a?: string; t?: string; s?: string } = {}): string {
  return Buffer.from(JSON.stringify({ a: "5ab4e9dfbd435d24068829fda0077963", t: randomUUID(), s: randomBytes(32).toString("base64"), ...more })).toString("base64");
}

export interface Visit {
  status: number;
  text: string;
}

/** Cloudflare's end: lets connectors in by the secrets of a tunnel, and sends visitors' requests down to them. */
export class TunnelEdge {
  /** Of the one tunnel here; an account can replace its secret. */
  readonly tunnel = randomUUID();
  readonly account = randomBytes(16).toString("hex");
  /** Where its public hostname leads, as it is set at Cloudflare. */
  service = { host: "localhost", port: 0 };
  #secrets = new Set<string>();
  /** All of them, also those that have not said who they are. */
  #open = new Set<Socket>();
  #connections = new Map<Socket, { secret: string; connector: string }>();
  #idle: Socket[] = [];
  #server: Server;

  private constructor(server: Server, readonly address: string, readonly port: number) {
    this.#server = server;
  }

  static async start(address: string): Promise<TunnelEdge> {
    let self: TunnelEdge;
    const server = createServer((socket) => self.#take(socket));
    await new Promise<void>((ready) => server.listen(0, address, ready));
    self = new TunnelEdge(server, address, (server.address() as AddressInfo).port);
    return self;
  }

  /** A token as the dashboard shows it, which lets in from now on. */
  newToken(): string {
    const secret = randomBytes(32).toString("base64");
    this.#secrets.add(secret);
    return this.tokenOf(secret);
  }

  tokenOf(secret: string): string {
    return tunnelToken({ a: this.account, t: this.tunnel, s: secret });
  }

  /** Of all tokens only this one counts any more. */
  keepOnly(token: string): void {
    const { s } = JSON.parse(Buffer.from(token, "base64").toString()) as { s: string };
    this.#secrets = new Set([s]);
    for (const [socket, { secret }] of this.#connections) if (secret !== s) socket.destroy();
  }

  /** Nobody reaches it, until the returned function is called. */
  async fail(): Promise<() => Promise<void>> {
    await new Promise<void>((done) => {
      this.#server.close(() => done());
      for (const socket of this.#open) socket.destroy();
    });
    return () => new Promise<void>((ready) => this.#server.listen(this.port, this.address, ready));
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.fail();
  }

  /** Puts the program on a server, as root does from Cloudflare's package repository. */
  async install(host: Host, readsFiles = true): Promise<void> {
    await host.write("/usr/bin/cloudflared", program(this, readsFiles));
    await host.sh("chmod 755 /usr/bin/cloudflared");
  }

  /** A person's browser at https://<name><path>. 530 where no connector is there, as at Cloudflare. */
  async visit(name: string, path: string, headers: Record<string, string> = {}): Promise<Visit> {
    const socket = await poll("a connector is free", 5_000, async () => this.#idle.shift(), 20).catch(() => undefined);
    if (!socket) return { status: 530, text: "error code: 1033" };
    return new Promise((done, failed) => {
      const asked = request({
        createConnection: () => socket, path,
        // The hostname has an HTTP Host Header set, so the connector says by which name it was asked.
        headers: { ...headers, Host: name, "X-Forwarded-Host": name, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", "CF-Connecting-IP": "203.0.113.7", Connection: "close" },
      }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (piece: string) => (text += piece)).on("error", failed)
          .on("end", () => done({ status: answer.statusCode ?? 0, text }));
      });
      asked.on("error", failed).end();
    });
  }

  #take(socket: Socket): void {
    // Accepted before the listener was closed.
    if (!this.#server.listening) return void socket.destroy();
    let line = "";
    this.#open.add(socket);
    socket.on("error", () => undefined).on("close", () => {
      this.#open.delete(socket);
      this.#connections.delete(socket);
      this.#idle = this.#idle.filter((one) => one !== socket);
    });
    socket.on("data", (piece: Buffer) => {
      line += piece.toString();
      if (!line.includes("\n")) return;
      socket.removeAllListeners("data").resume();
      const said = JSON.parse(line) as { a: string; t: string; s: string; kind: string; connector: string };
      if (said.a !== this.account || said.t !== this.tunnel || !this.#secrets.has(said.s)) return void socket.destroy();
      this.#connections.set(socket, { secret: said.s, connector: said.connector });
      socket.write(`${JSON.stringify(this.service)}\n`);
      if (said.kind === "data") this.#idle.push(socket);
      else socket.once("data", () => this.#leave(said.connector));
    });
  }

  /** A connector says goodbye: what it carries may end, and it gets nothing more. */
  #leave(connector: string): void {
    const leaving = this.#idle.filter((one) => this.#connections.get(one)?.connector === connector);
    this.#idle = this.#idle.filter((one) => !leaving.includes(one));
    for (const socket of leaving) socket.end();
  }
}
