// Bundles src/ into dist/: hashed files under assets/ and an index.html that names them. `--watch` builds anew on each change.
import { build, context } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { barrels } from "./barrels.mjs";

const watch = process.argv.includes("--watch");
const out = "dist";

/** Mantine writes its variables into a <style> element at run time, which our CSP forbids: they go into the style sheet instead. */
const themeVariables = {
  name: "theme-variables",
  setup(b) {
    b.onResolve({ filter: /^virtual:theme\.css$/ }, () => ({ path: "theme.css", namespace: "theme" }));
    b.onLoad({ filter: /.*/, namespace: "theme" }, async () => {
      const cache = join("node_modules", ".fairlead"); // inside node_modules, so that the bundle finds its packages
      mkdirSync(cache, { recursive: true });
      const outfile = join(cache, `theme-${Date.now()}.mjs`);
      await build({ entryPoints: ["src/theme/css.ts"], outfile, bundle: true, packages: "external", platform: "node", format: "esm" });
      const { themeCss } = await import(pathToFileURL(outfile).href);
      rmSync(outfile);
      return { contents: themeCss(), loader: "css", watchFiles: ["src/theme/theme.ts", "src/theme/css.ts"].map((f) => join(process.cwd(), f)) };
    });
  },
};

/**
 * xterm.js writes <style> elements and style attributes, which our CSP forbids: here they become style sheets that are adopted, and
 * properties. Where another version of it does so elsewhere, the build fails.
 */
const xtermStyles = {
  name: "xterm-styles",
  setup(b) {
    b.onLoad({ filter: /@xterm\/xterm\/lib\/xterm\.mjs$/ }, ({ path }) => {
      let [elements, attributes] = [0, 0];
      const contents = readFileSync(path, "utf8")
        .replace(/([\w$]+(?:\.[\w$]+)*)\.createElement\("style"\)/g, (_, of) => ((elements += 1), `flStyleOf(${of})`))
        .replace(/([\w$]+)\.setAttribute\("style",(`[^`]*`)\)/g, (_, of, text) => ((attributes += 1), `(${of}.style.cssText=${text})`));
      if (elements !== 3 || attributes !== 1 || /setAttribute\("style"|createElement\("style"/.test(contents)) {
        throw new Error(`xterm.js writes styles in other places than before (${elements}, ${attributes}): look at them in scripts/bundle.mjs`);
      }
      return { contents: `import { flStyleOf } from ${JSON.stringify(join(process.cwd(), "src/lib/adopted.ts"))};\n${contents}`, loader: "js" };
    });
  },
};

const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();

/** A file of our own under assets/, its name made from its content. */
function asset(name, text) {
  const [stem, ending] = name.split(".");
  const file = `assets/${stem}-${hash(text)}.${ending}`;
  writeFileSync(join(out, file), text);
  return `/${file}`;
}

const page = {
  name: "page",
  setup(b) {
    b.onStart(() => rmSync(join(out, "assets"), { recursive: true, force: true }));
    b.onEnd((result) => {
      if (result.errors.length) return;
      const outputs = Object.entries(result.metafile.outputs);
      const [entry, { cssBundle, imports }] = outputs.find(([, o]) => o.entryPoint === "src/main.tsx");
      const url = (path) => `/${path.slice(out.length + 1)}`;
      const head = [
        // Sets the chosen colour scheme before the first paint; a file, because inline scripts are forbidden.
        `<script src="${asset("scheme.js", readFileSync("src/theme/scheme.js", "utf8"))}"></script>`,
        `<link rel="icon" type="image/svg+xml" href="${asset("mark.svg", readFileSync("src/theme/mark.svg", "utf8"))}" />`,
        `<link rel="stylesheet" href="${url(cssBundle)}" />`,
        ...imports.filter((i) => i.kind === "import-statement").map((i) => `<link rel="modulepreload" href="${url(i.path)}" />`),
        `<script type="module" src="${url(entry)}"></script>`,
      ];
      writeFileSync(join(out, "index.html"), readFileSync("index.html", "utf8").replace("<!-- head -->", head.join("\n    ")));
    });
  },
};

const options = {
  entryPoints: { index: "src/main.tsx" },
  outdir: join(out, "assets"),
  publicPath: "/assets",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  minify: !watch,
  sourcemap: watch ? "linked" : false,
  legalComments: "none",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file" }, // never as data: URL, so that the CSP needs no exception
  define: { "process.env.NODE_ENV": watch ? '"development"' : '"production"' },
  metafile: true,
  logLevel: "warning",
  plugins: [themeVariables, xtermStyles, barrels, page],
};

mkdirSync(out, { recursive: true });
if (watch) {
  const running = await context(options);
  await running.watch();
  console.log("console: dist/ follows src/");
} else {
  await build(options);
}
