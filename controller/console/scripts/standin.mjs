// Bundles and starts the stand-in for the controller (dev/standin.ts). Development only: nothing of it is in dist/.
import { build } from "esbuild";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const outfile = join(mkdtempSync(join(tmpdir(), "fairlead-standin-")), "standin.mjs");
await build({ entryPoints: ["dev/standin.ts"], outfile, bundle: true, platform: "node", format: "esm", target: "node18", logLevel: "warning" });
await import(pathToFileURL(outfile).href);
