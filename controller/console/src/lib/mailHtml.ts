import DOMPurify from "dompurify";
import { harmlessStyle, isPicture } from "./mail";

const tags =
  "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead time tr tt u ul var wbr".split(
    " ",
  );
const attributes = "align alt bgcolor border cellpadding cellspacing color colspan dir face height href lang rowspan size span src start style title valign width".split(" ");

export interface CleanMail {
  /** In a document that shows nothing and loads nothing. */
  fragment: DocumentFragment;
  /** Where its links lead; in the frame they lead nowhere. */
  links: { text: string; href: string }[];
  /** Pictures that stand elsewhere, and were left out. */
  remote: number;
}

/** What of a message's HTML is shown. Nothing is left in it that runs or is fetched; the frame that shows it would not let it either. */
export function cleanMail(html: string, pictures: ReadonlyMap<string, string>): CleanMail {
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: tags,
    ALLOWED_ATTR: attributes,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  }) as DocumentFragment;
  const links: CleanMail["links"] = [];
  let remote = 0;
  for (const link of fragment.querySelectorAll("[href]")) {
    const href = link.getAttribute("href") ?? "";
    link.removeAttribute("href");
    if (!/^https?:\/\//i.test(href)) continue;
    link.setAttribute("title", href);
    if (links.length < 200) links.push({ text: (link.textContent ?? "").trim().slice(0, 200), href });
  }
  for (const one of fragment.querySelectorAll("[src]")) {
    const address = one.getAttribute("src") ?? "";
    one.removeAttribute("src");
    const known = /^cid:/i.test(address) ? pictures.get(decode(address.slice(4))) : isPicture(address) ? address : undefined;
    if (known && one.tagName === "IMG") one.setAttribute("src", known);
    else remote++;
  }
  for (const one of fragment.querySelectorAll("[style]")) {
    const style = harmlessStyle(one.getAttribute("style") ?? "");
    one.removeAttribute("style");
    if (style) one.setAttribute(styleMark, style);
  }
  return { fragment, links, remote };
}

/** The console's policy lets nobody write styles into a page; a script of its own may set them. */
const styleMark = "data-style";

export function showMail(page: Document, { fragment }: CleanMail) {
  const shown = page.importNode(fragment, true);
  for (const one of shown.querySelectorAll<HTMLElement>(`[${styleMark}]`)) {
    one.style.cssText = one.getAttribute(styleMark) ?? "";
    one.removeAttribute(styleMark);
  }
  page.body.style.cssText = "margin: 16px; font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; overflow-wrap: anywhere";
  page.body.replaceChildren(shown);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
