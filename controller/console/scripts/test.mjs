// Bundles src/**/*.test.ts and runs them with Node's own test runner.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

function tests(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? tests(path) : entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

const outdir = mkdtempSync(join(tmpdir(), "fairlead-console-tests-"));
try {
  const entryPoints = tests("src");
  await build({ entryPoints, outdir, outbase: "src", bundle: true, platform: "node", format: "esm", target: "node18", outExtension: { ".js": ".mjs" }, logLevel: "warning" });
  const files = entryPoints.map((path) => join(outdir, path.replace(/^src\//, "").replace(/\.ts$/, ".mjs")));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
