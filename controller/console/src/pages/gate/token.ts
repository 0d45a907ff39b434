import { useEffect, useState } from "react";

/** The one-time token of a link, which is after the #, so that it reaches no server log; taken out of the address and the history. */
export function useLinkToken(title: string): string {
  const [token] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    document.title = `${title} · Fairlead`;
    if (token) window.history.replaceState(window.history.state, "", window.location.pathname);
  }, [token, title]);
  return token;
}
