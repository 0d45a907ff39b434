// The programs that ours are measured against, as Debian ships them, with TLS and certificates of the same kind.
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../system/lib/controller.ts";
import { folder } from "../system/lib/paths.ts";
import { poll } from "../system/lib/wait.ts";
import { Service } from "./processes.ts";

export interface Peer {
  service: Service;
  port: number;
}

async function listening(port: number, service: Service): Promise<void> {
  await poll(`a peer listens (${service.log})`, 10_000, () => new Promise<true | undefined>((done) => {
    const probe = connect(port, "127.0.0.1", () => { probe.destroy(); done(true); });
    probe.once("error", () => done(undefined));
  }), 50);
}

/** Client certificates demanded, nothing stored, nobody logs. */
export async function mosquitto(dir: string): Promise<Peer> {
  const here = folder(join(dir, "mosquitto"));
  const port = await freePort("127.0.0.1");
  const file = join(here, "mosquitto.conf");
  writeFileSync(file, `user root
listener ${port} 127.0.0.1
cafile ${dir}/pki/ca.pem
certfile ${dir}/pki/server.pem
keyfile ${dir}/pki/server.key
require_certificate true
tls_version tlsv1.3
allow_anonymous true
persistence false
log_type error
`);
  const service = Service.start("/usr/sbin/mosquitto", ["-c", file], join(here, "log"));
  await listening(port, service);
  return { service, port };
}

/** One small static file, an access log as Debian's nginx writes it. */
export async function nginx(dir: string, body: string): Promise<Peer> {
  const here = folder(join(dir, "nginx"));
  const port = await freePort("127.0.0.1");
  writeFileSync(join(folder(join(here, "www")), "answer.json"), body);
  const file = join(here, "nginx.conf");
  writeFileSync(file, `daemon off; user root; worker_processes auto; pid ${here}/pid; error_log ${here}/error.log;
events { worker_connections 1024; }
http {
  access_log ${here}/access.log; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;
  types { application/json json; }
  client_body_temp_path ${here}/b; proxy_temp_path ${here}/p; fastcgi_temp_path ${here}/f; uwsgi_temp_path ${here}/u; scgi_temp_path ${here}/s;
  server {
    listen 127.0.0.1:${port} ssl; root ${here}/www;
    ssl_certificate ${dir}/pki/server.pem; ssl_certificate_key ${dir}/pki/server.key; ssl_protocols TLSv1.3;
  }
}
`);
  const service = Service.start("/usr/sbin/nginx", ["-c", file, "-p", here], join(here, "log"));
  await listening(port, service);
  return { service, port };
}
