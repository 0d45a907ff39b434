/** Where to go after signing in: only a path of this console, never another site's address. */
export function safeNext(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}

/** The code of what went wrong at a provider, as the controller put it into the address; empty for none, and for what anybody could have written. */
export function problemCode(search: string): string {
  const code = new URLSearchParams(search).get("problem") ?? "";
  return /^[a-z_]{1,60}$/.test(code) ? code : "";
}
