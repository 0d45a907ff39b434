// What an environment's Odoo and its server look like from inside the host.
import type { Host } from "./host.ts";
import type { Environment } from "./types.ts";

/** What the page /fl_demo of the test module says. */
export interface Demo {
  code: string;
  module: string;
  rows: string[];
  file: string;
}

export async function demo(host: Host, environment: Environment): Promise<Demo> {
  return JSON.parse(await host.sh(`curl -fsS -m 20 http://127.0.0.1:${environment.port}/fl_demo`)) as Demo;
}

export async function healthy(host: Host, environment: Environment): Promise<boolean> {
  const said = await host.exec(["curl", "-fsS", "-m", "20", `http://127.0.0.1:${environment.port}/web/health`], { check: false });
  return said.code === 0 && said.stdout.includes("pass");
}

/**
 * Everything on a server that a deployment could leave behind or change, as text to compare: files with owner, mode, size
 * and link target, databases, roles, users, units. What changes by itself (sessions, logs, the executor's journal) is left out.
 */
export async function footprint(host: Host): Promise<string> {
  return host.sh(`
    cd /
    # Odoo itself adds to its filestore when pages are first asked for; an empty folder of snapshots holds nothing.
    find var/lib/fairlead/environments etc/systemd/system \\( -path '*/filestore/*/*' -o -path '*/snapshots/*/*/*' -o -name snapshots -empty -o -name sessions -o -name __pycache__ -o -name pycache -o -name .git \\) -prune \
        -o -printf '%M %u:%g %y %p %l\\n' 2>/dev/null | sort || true
    # Each tree and virtual environment is named by its content.
    find var/lib/fairlead/trees var/lib/fairlead/venvs var/lib/fairlead/git -maxdepth 2 -path '*/git/*/*' -prune -o -printf '%M %u:%g %y %p\\n' 2>/dev/null | sort || true
    getent passwd | cut -d: -f1,6,7 | grep -v '^systemd' | sort
    if systemctl -q is-active postgresql; then
      runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database ORDER BY 1' -c 'SELECT rolname FROM pg_roles ORDER BY 1'
    fi
    systemctl list-units --all --plain --no-legend 'fairlead-odoo*' 'fairlead-task*' | awk '{print $1, $3, $4}' | sort`);
}

/**
 * The footprint without the numbers and commits that grow with each deployment. How often each line is there stays: one more
 * release, tree or database than before is seen.
 */
export async function shape(host: Host): Promise<string> {
  const times = new Map<string, number>();
  for (const line of (await footprint(host)).split("\n")) {
    const same = line.replaceAll(/\b[0-9a-f]{40}\b/g, "COMMIT").replaceAll(/\b(releases|snapshots)\/\d+/g, "$1/N").replaceAll(/\.r\d+$/g, ".rN");
    times.set(same, (times.get(same) ?? 0) + 1);
  }
  return [...times].map(([line, count]) => `${count} × ${line}`).sort().join("\n");
}

/** What only one of two shapes has; nothing when they are the same. */
export function difference(now: string, rest: string | undefined): string {
  const [a, b] = [now.split("\n"), (rest ?? "").split("\n")];
  return [...a.filter((one) => !b.includes(one)).map((one) => `+ ${one}`), ...b.filter((one) => !a.includes(one)).map((one) => `- ${one}`)].join("\n");
}

/** How often an operation took effect on a server: releases that name it. */
export async function effects(host: Host, operation: { id: string }): Promise<number> {
  const named = await host.exec(["sh", "-c", `grep -lF '${operation.id}' /var/lib/fairlead/environments/*/releases/*/release.json`], { check: false });
  return named.stdout.split("\n").length - 1;
}

/** The rows of the test module, asked of PostgreSQL itself. */
export async function rows(host: Host, database: string): Promise<string[]> {
  const said = await host.sh(`runuser -u postgres -- psql -AtF= -c 'SELECT name, note FROM fl_demo ORDER BY id' '${database}'`);
  return said.trim().split("\n");
}
