// Mantine's packages are each one file that names all parts. A bundler that splits by reachability takes everything that such a file names
// for needed by whoever imports it, so that each part lands on the first page. This lets every import name the part's own file instead.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const packages = ["@mantine/core", "@mantine/hooks"];
const importLine = /import\s*\{([^}]*)\}\s*from\s*["'](@mantine\/(?:core|hooks))["'];?/g;

/** Name → [file, name there], read from the package's index. */
function partsOf(name) {
  const root = join(process.cwd(), "node_modules", name, "esm");
  const parts = new Map();
  for (const [, names, file] of readFileSync(join(root, "index.mjs"), "utf8").matchAll(/export \{([^}]*)\} from '([^']*)';/g)) {
    for (const each of names.split(",")) {
      const [there, here = there] = each.trim().split(" as ");
      parts.set(here, [file.startsWith(".") ? join(root, file) : file, there]);
    }
  }
  return parts;
}

function direct(text, parts) {
  return text.replace(importLine, (line, names, from) => {
    const said = [];
    for (const each of names.split(",").map((n) => n.trim()).filter(Boolean)) {
      if (each.startsWith("type ")) continue;
      const [name, local = name] = each.split(" as ");
      const part = parts.get(from).get(name);
      if (!part) return line; // unknown shape: the whole package is right, only larger
      said.push(`import { ${part[1]} as ${local} } from ${JSON.stringify(part[0])};`);
    }
    return said.join(" ");
  });
}

export const barrels = {
  name: "barrels",
  setup(b) {
    const parts = new Map(packages.map((name) => [name, partsOf(name)]));
    const loaders = { ".tsx": "tsx", ".ts": "ts", ".mjs": "js" };
    b.onLoad({ filter: /(\/src\/.*\.tsx?|\/node_modules\/@mantine\/.*\.mjs)$/ }, ({ path }) => ({
      contents: direct(readFileSync(path, "utf8"), parts),
      loader: loaders[/\.\w+$/.exec(path)[0]],
      resolveDir: dirname(path),
    }));
  },
};
