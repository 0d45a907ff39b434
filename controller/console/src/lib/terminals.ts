/** What is said about terminals. */

export interface End {
  reason: string;
  message: string;
  code?: number;
}

/** The lines of a server's policy that let terminals be opened as this user; as one command, so that nothing has to be typed. */
export function policyFor(user: string): string {
  return `printf 'terminal:\\n  - allow: [${user}]\\n' | sudo tee -a /etc/fairlead/policy.yaml`;
}

/** The same for replays of recordings. */
export function replaysFor(user: string): string {
  return `printf 'recordings:\\n  - allow: [${user}]\\n' | sudo tee -a /etc/fairlead/policy.yaml`;
}

const words: Record<string, string> = {
  exited: "The shell has ended.",
  killed: "The shell was ended.",
  closed: "Closed.",
  left: "The connection was lost.",
  idle: "Closed for being idle.",
  policy: "The server does not allow it any more.",
  policy_refused: "The server refused.",
  no_such_user: "The server refused.",
  too_many_on_server: "The server refused.",
  access_ended: "Your access is over.",
  ended_by_other: "It was ended.",
  controller_stops: "The controller restarts.",
  unreachable: "No answer.",
};

export function wordsOfEnd({ reason }: End): string {
  return words[reason] ?? "The terminal has ended.";
}

/** What a key of the phone's bar types. With `ctrl`, letters become control characters. */
export const barKeys = { Esc: "\x1b", Tab: "\t", "↑": "\x1b[A", "↓": "\x1b[B", "←": "\x1b[D", "→": "\x1b[C" } as const;

/** One typed character with Ctrl held: "c" → 0x03. Others stay as they are. */
export function withCtrl(text: string): string {
  if (text.length !== 1) return text;
  const code = text.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  return text === " " ? "\0" : text;
}
