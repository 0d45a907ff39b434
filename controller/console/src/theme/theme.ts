import { createTheme, type MantineColorsTuple } from "@mantine/core";

const petrol: MantineColorsTuple = ["#eaf4f4", "#d3e7e8", "#a9d0d3", "#7bb6bb", "#4e9aa2", "#2f818b", "#1b6d78", "#125a64", "#0d4750", "#09343b"];
const brass: MantineColorsTuple = ["#fdf6e3", "#f9eac4", "#f2d58c", "#eabf53", "#e0a92e", "#c68f19", "#a37410", "#825b0b", "#62440a", "#473109"];
const sea: MantineColorsTuple = ["#e8f6ee", "#cdebd9", "#9fd7b6", "#6cc090", "#41aa71", "#259359", "#187a48", "#12623a", "#0e4b2d", "#0a3721"];
const signal: MantineColorsTuple = ["#fdeeec", "#fad8d4", "#f4b0a8", "#ec8479", "#e25d4f", "#d24032", "#b93024", "#98251b", "#761d16", "#561611"];
const gray: MantineColorsTuple = ["#faf9f6", "#f4f3ee", "#ebe9e2", "#dedcd3", "#c8c6bc", "#a0a39d", "#656e6c", "#46514f", "#2b3634", "#172120"];
const dark: MantineColorsTuple = ["#dbe5e6", "#b7c5c8", "#8fa2a7", "#5e747b", "#2f4149", "#23323a", "#17232a", "#0f191e", "#0a1216", "#060c0f"];

export const theme = createTheme({
  colors: { petrol, brass, sea, signal, gray, dark },
  primaryColor: "petrol",
  primaryShade: { light: 7, dark: 5 },
  autoContrast: false,
  white: "#ffffff",
  black: "#16211f",
  fontFamily: '"IBM Plex Sans Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: '"IBM Plex Mono", ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.35", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.35" },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "6px", md: "8px", lg: "12px", xl: "20px" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.5rem", lineHeight: "1.25" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.35" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // lockScroll writes a <style> element, which the CSP forbids; base.css locks instead.
    Modal: { defaultProps: { lockScroll: false, centered: true, radius: "lg", size: 480, closeButtonProps: { "aria-label": "Close" } } },
    Drawer: { defaultProps: { lockScroll: false } },
    Checkbox: { defaultProps: { radius: "xs" } }, // small ones would look like radios
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250 } },
    PasswordInput: { defaultProps: { visibilityToggleButtonProps: { "aria-label": "Show password" } } },
    Menu: { defaultProps: { withInitialFocusPlaceholder: false, menuItemTabIndex: 0, position: "bottom-end", shadow: "md", radius: "md" } },
    Select: { defaultProps: { checkIconPosition: "right", allowDeselect: false } },
  },
});
