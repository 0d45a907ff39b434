/** What the parts of an organization are called, in the order in which the role editor shows them; by the first word of a permission's code. */
const areas: [title: string, words: string[]][] = [
  ["Organization", ["org", "plan"]],
  ["Members", ["members", "invitations"]],
  ["Roles", ["roles"]],
  ["Projects", ["projects", "git_credentials"]],
  ["Environments", ["environments", "odoo", "variables", "mail"]],
  ["Deployments", ["deployments", "operations"]],
  ["Backups", ["backups", "drills", "restores", "storages", "backup_settings"]],
  ["Servers", ["servers", "registration_tokens", "terminals", "recordings", "ssh_keys", "ssh", "logs"]],
  ["Metrics and alerts", ["metrics", "alerts"]],
  ["API keys", ["api_keys"]],
  ["Certificates", ["certificates"]],
  ["Tunnel keys", ["tunnel_keys"]],
  ["Domains", ["domains"]],
  ["Webhooks", ["webhooks"]],
  ["Security", ["security", "support"]],
  ["Connect-As", ["connect"]],
  ["Audit log", ["audit"]],
];

export interface Area<P> {
  title: string;
  permissions: P[];
}

/** Sorted into areas; what no area names yet comes last under its own first word, so that nothing is ever left out. */
export function byArea<P extends { code: string }>(permissions: readonly P[]): Area<P>[] {
  const left = new Map<string, P[]>();
  for (const one of permissions) {
    const word = one.code.split(".", 1)[0]!;
    left.set(word, [...(left.get(word) ?? []), one]);
  }
  const take = (word: string) => {
    const found = left.get(word) ?? [];
    left.delete(word);
    return found;
  };
  const known = areas.map(([title, words]) => ({ title, permissions: words.flatMap(take) }));
  const others = [...left].map(([word, found]) => ({ title: title(word), permissions: found }));
  return [...known, ...others].filter((area) => area.permissions.length > 0);
}

/** "ssh_keys" → "Ssh keys". */
function title(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Only what has every word of the text in its code or its sentence. */
export function matching<P extends { code: string; allows: string }>(permissions: readonly P[], text: string): P[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return permissions.filter(({ code, allows }) => {
    const said = `${code} ${code.replaceAll(/[._]/g, " ")} ${allows}`.toLowerCase();
    return wanted.every((word) => said.includes(word));
  });
}

/** With one code in or out; the same order as the table, so that equal sets are equal lists. */
export function toggled(codes: readonly string[], code: string, on: boolean): string[] {
  return on ? [...new Set([...codes, code])].sort() : codes.filter((each) => each !== code);
}

export function sameCodes(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && new Set([...one, ...other]).size === one.length;
}

/** What somebody's role does not give by itself and what it would: what is granted and withdrawn for them alone. */
export function adjustments(role: ReadonlySet<string>, wanted: ReadonlySet<string>): { granted: string[]; withdrawn: string[] } {
  return {
    granted: [...wanted].filter((code) => !role.has(code)).sort(),
    withdrawn: [...role].filter((code) => !wanted.has(code)).sort(),
  };
}

/** Guards nothing but looking; what a read-only key can make use of. */
export function onlyReads(code: string): boolean {
  return /\.(view|log|export|sessions)$/.test(code) || code === "logs.server";
}
