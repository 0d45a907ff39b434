/** Gives a file that was made here to the person, as a download. */
export function save(name: string, content: string | Uint8Array<ArrayBuffer>) {
  // What somebody else made is bytes to the browser, whatever it says that it is.
  const type = typeof content === "string" ? "text/plain" : "application/octet-stream";
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the browser lets go of the copy.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
