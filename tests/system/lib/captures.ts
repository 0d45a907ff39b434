// Mail for the sink of a server, and what the API says of it.
import { createHash } from "node:crypto";
import { createServer, type Server as TcpServer } from "node:net";
import { type Api, ApiError, type Problem } from "./api.ts";
import type { Host } from "./host.ts";
import { openLog } from "./logs.ts";
import type { Environment } from "./types.ts";

export interface Mail {
  id: string;
  at: string;
  bytes: number;
  sender: string;
  recipients: string[];
  recipient_count: number;
  from: string;
  to: string;
  subject: string;
}

export interface Page {
  mails: Mail[];
  end: { end: string; messages?: number; bytes?: number; next?: string; message?: string };
}

export async function listMail(api: Api, path: string): Promise<Page> {
  const answer = await api.send<Problem>("GET", path);
  if (answer.status !== 200) throw new ApiError(answer.status, answer.body, `GET ${path}`);
  const lines = answer.text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Mail & Page["end"]);
  const end = lines.pop()!;
  return { mails: lines, end };
}

/** The SHA-256 and the size of a message as it comes, piece by piece. */
export async function digestOf(api: Api, path: string): Promise<{ sha256: string; bytes: number }> {
  const response = await openLog(api, path);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of response) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).length;
  }
  if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
  return { sha256: hash.digest("hex"), bytes };
}

/** Who an environment hands its mail in as. */
export async function loginOf(host: Host, environment: Environment): Promise<{ user: string; password: string }> {
  const conf = await host.sh(`cat /var/lib/fairlead/environments/${environment.slug}/current/odoo.conf`);
  const value = (name: string): string => new RegExp(`^${name} = (.*)$`, "m").exec(conf)?.[1] ?? "";
  return { user: value("smtp_user"), password: value("smtp_password") };
}

/** Runs Python on the server with `sink`, a connection that has logged in, and `send(text, to=…)`. What it prints. */
export async function atSink(host: Host, login: { user: string; password: string }, program: string, timeoutMs = 120_000): Promise<string> {
  await host.write("/tmp/sink.py", `
import hashlib, os, smtplib, sys
sink = smtplib.SMTP("127.0.0.1", 18025, timeout=60)
sink.login(${JSON.stringify(login.user)}, ${JSON.stringify(login.password)})
def send(text, to=("you@customer.example",)):
    data = text if isinstance(text, bytes) else text.replace("\\n", "\\r\\n").encode()
    sink.sendmail("shop@shop.example", to, data)
    return data
${program}
`);
  return host.sh("python3 /tmp/sink.py", { timeoutMs });
}

/** A mail server at localhost:25 of the server, as hosts with an MTA have; `arrived` is what it was given. */
export async function localMta(host: Host): Promise<{ arrived: () => Promise<string> }> {
  await host.write("/root/mta.py", `
import socketserver
class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line + b"\\r\\n")
    def handle(self):
        self.say(b"220 mta.test")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say(b"354 go on")
                with open("/root/arrived", "ab") as kept:
                    for text in self.rfile:
                        if text == b".\\r\\n": break
                        kept.write(text)
                self.say(b"250 kept")
            elif verb == b"QUIT":
                return self.say(b"221 bye")
            else:
                self.say(b"250 mta.test")
socketserver.ThreadingTCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer(("127.0.0.1", 25), Session)
import subprocess
subprocess.run(["systemd-notify", "--ready"], check=True)
server.serve_forever()
`);
  await host.sh(": >/root/arrived; systemd-run --quiet --unit mta --service-type=notify -p NotifyAccess=all python3 /root/mta.py");
  return { arrived: () => host.sh("cat /root/arrived") };
}

/** Counts who connects; nobody shall. */
export class Trap {
  connections = 0;
  private constructor(private readonly server: TcpServer, readonly port: number) {}

  static async at(address: string): Promise<Trap> {
    let self: Trap;
    const server = createServer((socket) => {
      self.connections += 1;
      socket.on("error", () => {});
      socket.end("220 trap\r\n");
    });
    await new Promise<void>((done) => server.listen(0, address, done));
    self = new Trap(server, (server.address() as { port: number }).port);
    return self;
  }
  close(): void {
    this.server.close();
  }
}
