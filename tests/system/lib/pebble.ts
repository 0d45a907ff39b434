// A certificate authority inside a host: Pebble, which speaks ACME and proves names at ports 80 and 443 of that host.
import type { Host } from "./host.ts";
import { poll } from "./wait.ts";

export class Pebble {
  /** For `acme_ca` and `acme_ca_root` of the agent's settings. */
  readonly directory: string;
  readonly root: string;
  /** The authority that issues, for clients: a file inside the host. */
  readonly issuer: string;

  private constructor(private readonly host: Host, private readonly dir: string, private readonly port: number) {
    this.directory = `https://127.0.0.1:${port}/dir`;
    this.root = `${dir}/own.pem`;
    this.issuer = `${dir}/issuer.pem`;
  }

  /** Starts one whose certificates are good for so many seconds. Several stand on one host at ports of their own. */
  static async on(host: Host, port: number, validSeconds: number): Promise<Pebble> {
    const pebble = new Pebble(host, `/srv/pebble-${port}`, port);
    await pebble.#start(validSeconds);
    return pebble;
  }

  async #start(validSeconds: number): Promise<void> {
    const { host, dir, port } = this;
    const management = port + 1000;
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${management}`, certificate: `${dir}/own.pem`, privateKey: `${dir}/own.key`,
        httpPort: 80, tlsPort: 443, ocspResponderURL: "", externalAccountBindingRequired: false, certificateValidityPeriod: validSeconds,
      },
    };
    await host.copy("/usr/bin/pebble", "/usr/local/bin/pebble");
    await host.write(`${dir}/config.json`, JSON.stringify(config));
    await host.sh(`
      cd ${dir}
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pebble -keyout own.key -out own.pem -addext subjectAltName=IP:127.0.0.1 2>/dev/null
      chmod 644 own.pem; chmod 755 /usr/local/bin/pebble
      systemd-run -q --collect --unit pebble-${port}.service -E PEBBLE_VA_NOSLEEP=1 -E PEBBLE_WFE_NONCEREJECT=0 /usr/local/bin/pebble -config ${dir}/config.json`);
    await poll("pebble answers", 60_000, async () =>
      (await host.exec(["curl", "-fsS", "--cacert", this.root, "-o", this.issuer, `https://127.0.0.1:${management}/roots/0`], { check: false })).code === 0 || undefined);
  }
}
