import { convertCssVariables, defaultCssVariablesResolver, mergeMantineTheme, DEFAULT_THEME } from "@mantine/core";
import { theme } from "./theme";

/** The theme as a style sheet; run at build time only (scripts/bundle.mjs). Mantine's own colours that the theme does not name are left out. */
export function themeCss(): string {
  const full = mergeMantineTheme(DEFAULT_THEME, theme);
  const others = Object.keys(full.colors).filter((name) => !Object.hasOwn(theme.colors ?? {}, name));
  const unused = new RegExp(`--mantine-color-(${others.join("|")})-[\\w-]+: [^;]*;`, "g");
  return convertCssVariables(defaultCssVariablesResolver(full), ":root").replace(unused, "");
}
