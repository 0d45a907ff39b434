// Every program that an agent's executor starts, as it starts it: see watch/watch.c.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { root } from "./paths.ts";
import { run } from "./process.ts";

const file = "/var/lib/fairlead-watch/programs";
const dropIn = "/etc/systemd/system/fairlead-executor.service.d/watch.conf";

export class Watch {
  private constructor(private readonly host: Host) {}

  /** From the executor's next start on, which is now. */
  static async on(host: Host): Promise<Watch> {
    const library = join(mkdtempSync(join(tmpdir(), "fairlead-watch-")), "watch.so");
    await run("gcc", ["-shared", "-fPIC", "-O1", "-o", library, join(root, "tests/system/watch/watch.c"), "-ldl"]);
    await host.copy(library, "/usr/local/lib/fairlead-watch.so");
    await host.write(dropIn, "[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/fairlead-watch.so FAIRLEAD_WATCH=" +
      `${file}\nReadWritePaths=/var/lib/fairlead-watch\n`);
    // Some programs are started as other users, and those write too.
    await host.sh(`mkdir -m 0755 /var/lib/fairlead-watch; : >${file}; chmod 0666 ${file}
      systemctl daemon-reload; systemctl stop fairlead-executor.service || true; systemctl start fairlead-executor.socket`);
    return new Watch(host);
  }

  async forget(): Promise<void> {
    await this.host.sh(`: >${file}`);
  }

  /** Programs and their arguments, in order. */
  async programs(): Promise<string[][]> {
    const text = await this.host.sh(`cat ${file}`);
    return text.split("\n").filter(Boolean).map((line) => line.split("\x1f").slice(0, -1));
  }
}
