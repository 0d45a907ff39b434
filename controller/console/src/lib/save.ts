/** Gives a file that was made here to the person, as a download. */
export function save(name: string, text: string) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the browser lets go of the copy.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
