// Stops an agent's executor right after its n-th durable journal record, from outside: see crash/crash.c.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "./host.ts";
import { root } from "./paths.ts";
import { run } from "./process.ts";

const dir = "/var/lib/fairlead-crash";
const dropIn = "/etc/systemd/system/fairlead-executor.service.d/crash.conf";

export class CrashPoints {
  private constructor(private readonly host: Host) {}

  /** Prepares a host whose agent is installed. */
  static async on(host: Host): Promise<CrashPoints> {
    const library = join(mkdtempSync(join(tmpdir(), "fairlead-crash-")), "crash.so");
    await run("gcc", ["-shared", "-fPIC", "-O1", "-o", library, join(root, "tests/system/crash/crash.c"), "-ldl"]);
    await host.copy(library, "/usr/local/lib/fairlead-crash.so");
    await host.write(dropIn, `[Service]\nEnvironment=LD_PRELOAD=/usr/local/lib/fairlead-crash.so FAIRLEAD_CRASH_DIR=${dir}\nReadWritePaths=${dir}\n`);
    const points = new CrashPoints(host);
    await points.arm(0);
    return points;
  }

  /** Counts from 0 again and stops at record `at`; 0 stops nowhere. The executor starts anew to take it up. */
  async arm(at: number): Promise<void> {
    await this.host.sh(`
      mkdir -p ${dir}; rm -f ${dir}/reached ${dir}/go; echo 0 >${dir}/count; echo ${at} >${dir}/at
      systemctl daemon-reload; systemctl stop fairlead-executor.service || true; systemctl start fairlead-executor.socket`);
  }

  /** Waits until the record is reached (true) or `over` comes true inside the host (false). */
  async reached(seconds: number): Promise<boolean> {
    const said = await this.host.exec(
      ["bash", "-c", `for ((i = 0; i < ${seconds} * 50; i++)); do [[ ! -s ${dir}/reached ]] || exit 0; sleep 0.02; done; exit 1`],
      { check: false, timeoutMs: (seconds + 10) * 1000 },
    );
    return said.code === 0;
  }

  /** Lets the executor go on, and never stops it again. */
  async release(): Promise<void> {
    await this.host.sh(`rm -f ${dir}/at; touch ${dir}/go`);
  }

  async count(): Promise<number> {
    return Number((await this.host.sh(`cat ${dir}/count`)).trim());
  }
}
