import PostalMime from "postal-mime";

export interface MailAttachment {
  name: string;
  /** What it says that it is; nothing is made of it. */
  type: string;
  content: Uint8Array<ArrayBuffer>;
}

export interface OpenedMail {
  raw: Uint8Array;
  headers: { name: string; value: string }[];
  html: string;
  text: string;
  attachments: MailAttachment[];
  /** Pictures that the HTML shows by their content id, as data: addresses. */
  pictures: Map<string, string>;
  /** Why it could not be taken apart; then there is the raw message alone. */
  problem: string;
}

/** More is shown by nobody's eyes, and the file has it all. */
export const mostHtml = 2 * 1024 * 1024;
export const mostText = 512 * 1024;
const mostPicture = 5 * 1024 * 1024;
const mostHeaders = 500;
const mostAttachments = 500;
/** Formats that are pictures and nothing else: SVG is a document with scripts. */
const pictureTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** Takes a message apart, which anybody may have written in any way. Throws never. */
export async function openMail(raw: Uint8Array): Promise<OpenedMail> {
  const opened: OpenedMail = { raw, headers: [], html: "", text: "", attachments: [], pictures: new Map(), problem: "" };
  try {
    const mail = await PostalMime.parse(raw, { maxNestingDepth: 64, maxHeadersSize: 1024 * 1024, attachmentEncoding: "arraybuffer" });
    opened.headers = mail.headers.slice(0, mostHeaders).map((one) => ({ name: one.originalKey, value: one.value }));
    opened.html = (mail.html ?? "").slice(0, mostHtml);
    opened.text = (mail.text ?? "").slice(0, mostText);
    for (const [at, part] of mail.attachments.slice(0, mostAttachments).entries()) {
      const content = bytesOf(part.content);
      opened.attachments.push({ name: fileName(part.filename, at), type: part.mimeType, content });
      const id = part.contentId?.replace(/^<|>$/g, "");
      if (id && pictureTypes.has(part.mimeType.toLowerCase()) && content.length <= mostPicture) opened.pictures.set(id, dataAddress(part.mimeType.toLowerCase(), content));
    }
  } catch (cause) {
    opened.problem = cause instanceof Error ? cause.message : String(cause);
  }
  return opened;
}

function bytesOf(content: ArrayBuffer | Uint8Array | string): Uint8Array<ArrayBuffer> {
  return typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content);
}

/** A name that a browser may save under: no path, nothing that cannot be seen, and not endless. */
export function fileName(name: string | null | undefined, at: number): string {
  const plain = (name ?? "")
    .replace(/[\p{C}\u2028\u2029]/gu, "")
    .replace(/[/\\:*?"<>|]/g, "_")
    .replace(/^[.\s]+/, "")
    .slice(0, 150)
    .trim();
  return plain || `attachment-${at + 1}`;
}

function dataAddress(type: string, content: Uint8Array): string {
  let text = "";
  for (let i = 0; i < content.length; i += 0x8000) text += String.fromCharCode(...content.subarray(i, i + 0x8000));
  return `data:${type};base64,${btoa(text)}`;
}

/** A picture that stands in the HTML itself. */
export function isPicture(address: string): boolean {
  const type = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/i.exec(address)?.[1]?.toLowerCase();
  return type !== undefined && pictureTypes.has(type) && address.length < mostPicture * 1.4;
}

/** Declarations that say how something looks, without those that could fetch anything: the frame's policy would stop these too. */
export function harmlessStyle(css: string): string {
  return css
    .slice(0, 10_000)
    .split(";")
    .filter((one) => /^\s*[a-z-]+\s*:/i.test(one) && !/url|image|src\s*\(|import|expression|var\s*\(|attr\s*\(|[\\@<>{}]|\/\*/i.test(one.replace(/^[^:]*:/, "")) && !/^\s*(behavior|-moz-binding|content|position|--)/i.test(one))
    .join(";");
}

/** The beginning of a message as it came, byte for byte where it is no UTF-8. */
export function beginning(raw: Uint8Array, most: number): string {
  const piece = raw.subarray(0, most);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(piece, { stream: raw.length > most });
  } catch {
    return new TextDecoder("iso-8859-1").decode(piece);
  }
}
