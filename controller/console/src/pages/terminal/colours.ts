import type { ITheme } from "@xterm/xterm";

/** As the console's log, and readable on it. */
export const dark: ITheme = {
  background: "#081115", foreground: "#dbe5e6", cursor: "#e0a92e", cursorAccent: "#081115", selectionBackground: "#2f5a66",
  black: "#33464e", red: "#ef7f73", green: "#55c088", yellow: "#e0b04a", blue: "#7cb2f0", magenta: "#d39be8", cyan: "#68b9c2", white: "#cfdcde",
  brightBlack: "#7d9096", brightRed: "#ff9d92", brightGreen: "#7bdba7", brightYellow: "#f0c463", brightBlue: "#a3cbf7", brightMagenta: "#e4bdf2", brightCyan: "#93d3da", brightWhite: "#ffffff",
};

export const light: ITheme = {
  background: "#ffffff", foreground: "#16211f", cursor: "#0f5c67", cursorAccent: "#ffffff", selectionBackground: "#b7dbe0",
  black: "#16211f", red: "#b93024", green: "#187a48", yellow: "#8a5f06", blue: "#1d5fb0", magenta: "#8a3aa8", cyan: "#0f5c67", white: "#5d6664",
  brightBlack: "#5d6664", brightRed: "#9c2219", brightGreen: "#0f6137", brightYellow: "#6f4c04", brightBlue: "#154a8c", brightMagenta: "#6f2b88", brightCyan: "#0b4750", brightWhite: "#16211f",
};
