// A program that stands where Odoo listens: tells what came, carries bodies of any size, and sends back what a WebSocket says.
import type { Host } from "./host.ts";
import type { Environment } from "./types.ts";
import { poll } from "./wait.ts";

/** GET /big sends this file of the host; /endless never ends. */
export const bigFile = "/var/tmp/big";

const program = `
import base64, hashlib, http.server, json, os, socketserver, sys
class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        if self.headers.get("Upgrade"): return self.echo()
        if self.path == "/endless":
            self.send_response(200); self.send_header("Content-Length", str(1 << 50)); self.end_headers()
            while True: self.wfile.write(bytes(1 << 16))
        if self.path != "/big": return self.answer(json.dumps(self.headers.items()).encode())
        with open("${bigFile}", "rb") as file:
            self.send_response(200); self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size)); self.end_headers()
            while piece := file.read(1 << 16): self.wfile.write(piece)
    def do_POST(self):
        sum, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece: break
            sum.update(piece); left -= len(piece)
        self.answer(sum.hexdigest().encode())
    def echo(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101); self.send_header("Upgrade", "websocket"); self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()); self.end_headers()
        self.close_connection = True
        while len(head := self.rfile.read(2)) == 2 and head[0] & 15 != 8:
            size = head[1] & 127
            if size > 125: return
            mask, text = self.rfile.read(4), self.rfile.read(size)
            self.wfile.write(bytes([head[0], size]) + bytes(byte ^ mask[at & 3] for at, byte in enumerate(text)))
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer): daemon_threads = True
Server(("127.0.0.1", int(sys.argv[1])), Site).serve_forever()
`;

/** Odoo with the socket that would start it again. */
export function odooUnits(what: "start" | "stop", environment: Environment): string {
  return `systemctl ${what} fairlead-odoo@${environment.slug}.socket fairlead-odoo@${environment.slug}.service`;
}

/** Takes Odoo's place on the environment's port until the returned function is called. */
export async function standIn(host: Host, environment: Environment): Promise<() => Promise<void>> {
  await host.write("/var/tmp/site.py", program);
  await host.sh(`${odooUnits("stop", environment)}; systemd-run -q --collect --unit fl-site python3 /var/tmp/site.py ${environment.port}`);
  const back = async (): Promise<void> => {
    await host.sh(`systemctl stop fl-site; ${odooUnits("start", environment)}`);
  };
  try {
    await poll("the stand-in answers", 60_000, async () => ((await host.exec(["curl", "-fsS", `http://127.0.0.1:${environment.port}/x`], { check: false })).code === 0 ? true : undefined));
  } catch (error) {
    await back();
    throw error;
  }
  return back;
}
