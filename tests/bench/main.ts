// Runs rows by name and prints the table. Started by tests/bench/run, which builds first.
import { cpus, loadavg, totalmem } from "node:os";
import { memory, paste, size } from "./rows/agent.ts";
import { backup } from "./rows/backup.ts";
import { clone } from "./rows/clone.ts";
import { redeploy } from "./rows/deploy.ts";
import { distance } from "./rows/distance.ts";
import { http } from "./rows/http.ts";
import { idle, links, reconnect } from "./rows/links.ts";
import { login } from "./rows/login.ts";
import { logs } from "./rows/logs.ts";
import { audit } from "./rows/audit.ts";
import { metrics } from "./rows/metrics.ts";
import { store, trip } from "./rows/operations.ts";
import { terminal } from "./rows/terminal.ts";
import { tunnel } from "./rows/tunnel.ts";
import { webhooks } from "./rows/webhooks.ts";
import { Site } from "./site.ts";
import { missed, say, table } from "./table.ts";

const alone: Record<string, () => Promise<void>> = { size, memory, paste, redeploy, backup, clone, tunnel, distance, terminal, logs, webhooks };
const onSite: Record<string, (site: Site) => Promise<void>> = { trip, store, audit, metrics, http, login, links, idle, reconnect };
const names = [...Object.keys(alone), ...Object.keys(onSite)];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no row "${unknown.join('", "')}". Rows: ${names.join(", ")}.`);
  process.exit(2);
}
const wanted = asked.length > 0 ? asked : names;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const broken: string[] = [];
let site: Site | undefined;
for (const name of names.filter((one) => wanted.includes(one))) {
  const began = Date.now();
  try {
    if (alone[name]) await alone[name]();
    else await onSite[name]!((site ??= await Site.make()));
    say(`${name}: ${((Date.now() - began) / 1000).toFixed(0)} s`);
  } catch (error) {
    broken.push(name);
    console.error(`bench: ${name} could not be measured:`, error);
    // What a broken row left behind must not disturb the next.
    await site?.stop().catch(() => undefined);
    site = undefined;
  }
}
await site?.stop();
console.log(`\n${cpus().length} × ${cpus()[0]!.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${loadavg().map((one) => one.toFixed(1)).join(" ")}\n`);
console.log(table());
if (broken.length > 0) console.error(`bench: not measured: ${broken.join(", ")}`);
if (missed() > 0) console.error(`bench: ${missed()} target(s) missed`);
process.exit(broken.length > 0 ? 1 : 0);
