/**
 * Stands for a `<style>` element where the content policy takes none: its text goes into a sheet that the document adopts, for as long
 * as the element is not removed. For xterm.js (scripts/bundle.mjs).
 */
export function flStyleOf(of: Document): HTMLElement {
  const sheet = new CSSStyleSheet();
  of.adoptedStyleSheets = [...of.adoptedStyleSheets, sheet];
  const element = of.createElement("span");
  element.hidden = true;
  Object.defineProperty(element, "textContent", { set: (css: string) => sheet.replaceSync(css) });
  element.remove = () => {
    of.adoptedStyleSheets = of.adoptedStyleSheets.filter((one) => one !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
