// Packages of Debian for hosts that reach no mirror: an apt repository inside the host, filled from this machine's mirror.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { run } from "./process.ts";

/** Names what `apt-get install` shall find there; what they depend on has to be among them, or be installed. */
export async function offer(host: Host, packages: string[]): Promise<void> {
  const kept = join(process.env.FAIRLEAD_CACHE ?? "/var/cache/fairlead", "debs", packages.join("+"));
  if (!existsSync(join(kept, "Packages"))) {
    mkdirSync(kept, { recursive: true });
    await run("apt-get", ["download", "-q", ...packages], { cwd: kept, timeoutMs: 120_000 });
    await run("sh", ["-c", "apt-ftparchive packages . >Packages.new && mv Packages.new Packages"], { cwd: kept });
  }
  await host.sh("mkdir -p /srv/offered");
  for (const name of readdirSync(kept)) await host.copy(join(kept, name), `/srv/offered/${name}`);
  await host.sh("echo 'deb [trusted=yes] file:/srv/offered ./' >/etc/apt/sources.list.d/offered.list");
}
