import { convertCssVariables, defaultCssVariablesResolver, mergeMantineTheme, DEFAULT_THEME } from "@mantine/core";
import { theme } from "./theme";

/** The theme as a style sheet; run at build time only (vite.config.ts). */
export function themeCss(): string {
  const full = mergeMantineTheme(DEFAULT_THEME, theme);
  return convertCssVariables(defaultCssVariablesResolver(full), ":root");
}
