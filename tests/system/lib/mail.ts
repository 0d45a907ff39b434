// A real mail server (smtp-server of Nodemailer) that wants TLS and a password, and the mails it was given.
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { folder } from "./paths.ts";
import { makeAuthority } from "./pki.ts";
import { within } from "./wait.ts";

export interface Mail {
  from: string;
  to: string;
  headers: string;
  text: string;
}

export class MailServer {
  readonly mails: Mail[] = [];
  #waiting: (() => void)[] = [];

  private constructor(private readonly server: SMTPServer, readonly port: number, readonly config: string) {}

  /** Listens on a port of loopback, or of another address by the name that its certificate has; `config` is what controller.yaml says to use it. */
  static async start(dir: string, { address = "127.0.0.1", host = "localhost" } = {}): Promise<MailServer> {
    folder(dir);
    const authority = await makeAuthority(join(dir, "pki"));
    const { key, certificate } = await authority.issue("mail", [isIP(host) ? `IP:${host}` : `DNS:${host}`]);
    const ca = join(dir, "ca.pem");
    const password = join(dir, "password");
    writeFileSync(ca, authority.certificate);
    writeFileSync(password, "sesame of the tests\n", { mode: 0o600 });
    let self: MailServer;
    const server = new SMTPServer({
      key, cert: certificate, hideSTARTTLS: false, authOptional: false,
      onAuth: (auth, _session, done) => {
        const right = auth.username === "fairlead" && auth.password === "sesame of the tests";
        done(right ? null : new Error("wrong password"), right ? { user: auth.username } : undefined);
      },
      onData: (stream, session, done) => {
        let text = "";
        stream.setEncoding("utf8").on("data", (more: string) => (text += more));
        stream.on("end", () => {
          if (!session.secure) return done(new Error("not in the clear"));
          const from = session.envelope.mailFrom;
          self.#take(from ? from.address : "", session.envelope.rcptTo.map((one) => one.address).join(), text);
          done();
        });
      },
    });
    await new Promise<void>((done, failed) => {
      server.on("error", failed);
      server.listen(0, address, () => done());
    });
    server.on("error", () => undefined); // a client that breaks off is that client's matter
    const { port } = server.server.address() as { port: number };
    const config = `
mail:
  host: ${host}
  port: ${port}
  user: fairlead
  password_file: ${password}
  from: Fairlead tests <noreply@fairlead.test>
  ca: ${ca}
`;
    return (self = new MailServer(server, port, config));
  }

  #take(from: string, to: string, raw: string): void {
    const end = raw.indexOf("\r\n\r\n");
    const bytes = raw.slice(end + 4).replaceAll("=\r\n", "").replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    this.mails.push({ from, to, headers: raw.slice(0, end), text: Buffer.from(bytes, "latin1").toString("utf8") });
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Takes the next mail to an address, waiting for it. */
  async next(to: string, ms = 60_000): Promise<Mail> {
    return within(`a mail to ${to}`, ms, async (signal) => {
      while (!signal.aborted) {
        const at = this.mails.findIndex((mail) => mail.to === to);
        if (at >= 0) return this.mails.splice(at, 1)[0]!;
        await new Promise<void>((wake) => {
          this.#waiting.push(wake);
          signal.addEventListener("abort", () => wake(), { once: true });
        });
      }
      throw new Error(`no mail to ${to}`);
    });
  }

  async stop(): Promise<void> {
    await new Promise<void>((done) => this.server.close(() => done()));
  }
}

/** The token behind the # of a mail's link to one of the console's pages. */
export function tokenOf(text: string, page: string): string {
  const found = new RegExp(`https://\\S+/${page}#(\\S+)`).exec(text);
  if (!found) throw new Error(`no link to ${page} in:\n${text}`);
  return found[1]!;
}
