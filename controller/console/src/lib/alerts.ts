import type { Alert, AlertKind, AlertRule } from "../api/types";
import { duration } from "./format";

interface KindWords {
  label: string;
  says: string;
  /** Of thresholds; null where it is so or is not. */
  unit: string | null;
  /** "or more", "or less". */
  direction: "above" | "below";
  least: number;
  most: number;
  /** What a rule of it can be about. */
  about: "servers" | "environments";
  // As the controller recommends it.
  name: string;
  threshold: number | null;
  clear: number | null;
  for_s: number;
  clear_for_s: number;
}

export const kinds: Record<AlertKind, KindWords> = {
  cpu: { label: "Processor busy", says: "How much of all processors of a server is used", unit: "%", direction: "above", least: 1, most: 100, about: "servers", name: "Processor busy", threshold: 90, clear: 80, for_s: 600, clear_for_s: 300 },
  memory: { label: "Memory short", says: "How much of a server's memory is in use", unit: "%", direction: "above", least: 1, most: 100, about: "servers", name: "Memory short", threshold: 90, clear: 85, for_s: 600, clear_for_s: 300 },
  disk: { label: "Disk nearly full", says: "How much of the disk that environments lie on is in use", unit: "%", direction: "above", least: 1, most: 100, about: "servers", name: "Disk nearly full", threshold: 90, clear: 87, for_s: 300, clear_for_s: 300 },
  server_offline: { label: "Server offline", says: "Its agent is not connected", unit: null, direction: "above", least: 1, most: 1, about: "servers", name: "Server offline", threshold: null, clear: null, for_s: 300, clear_for_s: 60 },
  environment_down: { label: "Environment down", says: "Odoo does not run, and nobody stopped it", unit: null, direction: "above", least: 1, most: 1, about: "environments", name: "Environment down", threshold: null, clear: null, for_s: 120, clear_for_s: 60 },
  backup_too_old: { label: "Backup too old", says: "Hours since the newest good backup, where backups are scheduled", unit: "h", direction: "above", least: 1, most: 8784, about: "environments", name: "Backup too old", threshold: 26, clear: 26, for_s: 0, clear_for_s: 0 },
  certificate_ending: { label: "Certificate near its end", says: "Days that the certificate of a name, or of an agent, is good for", unit: "days", direction: "below", least: 1, most: 365, about: "servers", name: "Certificate near its end", threshold: 10, clear: 11, for_s: 0, clear_for_s: 0 },
};

export const kindOrder = Object.keys(kinds) as AlertKind[];

const figure = (value: number) => value.toLocaleString(undefined, { maximumFractionDigits: 1 });

/** "90 % or more for 10 min"; "for 5 min"; "at once". */
export function limitWords(rule: Pick<AlertRule, "kind" | "threshold" | "for_s">): string {
  const { unit, direction } = kinds[rule.kind];
  const limit = unit !== null && rule.threshold !== null ? `${figure(rule.threshold)} ${unit} or ${direction === "above" ? "more" : "less"}` : "";
  const wait = rule.for_s ? `for ${duration(rule.for_s * 1000)}` : limit ? "" : "at once";
  return [limit, wait].filter(Boolean).join(" ");
}

export function valueWords(alert: Pick<Alert, "kind" | "value">): string {
  const { unit } = kinds[alert.kind];
  return unit === null || alert.value === null ? "–" : `${figure(alert.value)} ${unit}`;
}

/** Where its subject's page is; certificates of names are all on one. */
export function pathOf({ subject }: Pick<Alert, "subject">): string {
  if (subject.type === "server") return `/servers/${subject.id}`;
  if (subject.type === "environment") return `/environments/${subject.id}`;
  return "/settings/certificates";
}

export interface RuleDraft {
  kind: AlertKind;
  name: string;
  target: string;
  threshold: number | string;
  clear: number | string;
  minutes: number | string;
  clearMinutes: number | string;
  owners: boolean;
  members: string[];
}

export function draftOf(rule: AlertRule | null, kind: AlertKind = "disk"): RuleDraft {
  const as = rule ?? kinds[kind];
  return {
    kind: rule?.kind ?? kind,
    name: as.name,
    target: rule?.target_id ?? "",
    threshold: as.threshold ?? "",
    clear: as.clear ?? "",
    minutes: as.for_s / 60,
    clearMinutes: as.clear_for_s / 60,
    owners: rule?.mail.owners ?? true,
    members: rule?.mail.members ?? [],
  };
}

/** What is sent; null while something is missing. */
export function bodyOf(draft: RuleDraft) {
  const limits = kinds[draft.kind].unit !== null;
  const numbers = [draft.minutes, draft.clearMinutes, ...(limits ? [draft.threshold, draft.clear] : [])];
  if (!draft.name.trim() || numbers.some((n) => typeof n !== "number" || !Number.isFinite(n))) return null;
  return {
    name: draft.name.trim(),
    target_id: draft.target,
    for_s: Math.round(Number(draft.minutes) * 60),
    clear_for_s: Math.round(Number(draft.clearMinutes) * 60),
    mail: { owners: draft.owners, members: draft.members },
    ...(limits ? { threshold: Number(draft.threshold), clear: Number(draft.clear) } : {}),
  };
}

/** Who is written to, in a few words. */
export function mailWords(rule: Pick<AlertRule, "mail">): string {
  const { owners, members } = rule.mail;
  const parts = [owners && "the owners", members.length && `${members.length} ${members.length === 1 ? "member" : "members"}`].filter(Boolean);
  return parts.length ? parts.join(", ") : "nobody";
}
