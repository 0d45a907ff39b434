import type { BackupKind, Environment, RetentionRule } from "../api/types";

export type Proof = "none" | "never" | "failed" | "unproven" | "late" | "old" | "proven" | "new";

/** Worst first; the order in which an agency wants to look at them. */
const order: Proof[] = ["failed", "never", "none", "late", "unproven", "old", "proven", "new"];

const hour = 3_600_000;
const proofLasts = 35 * 24 * hour; // a monthly drill that is on time is never old

/** How far one can trust that an environment comes back: what was restored counts, not what was made. */
export function proofOf({ backup, current_release }: Pick<Environment, "backup" | "current_release">, now: number): Proof {
  const { last_backup_at, last_restored_at, last_drill_at, last_drill_passed, next_backup_at } = backup;
  if (!current_release && !last_backup_at) return "new";
  const drillFailed = last_drill_passed === false && (!last_restored_at || Date.parse(last_drill_at ?? "") >= Date.parse(last_restored_at));
  if (drillFailed) return "failed";
  if (!backup.enabled) return "none";
  if (!last_backup_at) return "never";
  if (next_backup_at && now - Date.parse(next_backup_at) > hour) return "late";
  if (!last_restored_at) return "unproven";
  return now - Date.parse(last_restored_at) > proofLasts ? "old" : "proven";
}

export const proofs: Record<Proof, { tone: "good" | "warn" | "bad" | "idle"; word: string; says: string }> = {
  failed: { tone: "bad", word: "Drill failed", says: "The last drill could not bring its backup back. Read what it found." },
  never: { tone: "bad", word: "No backup yet", says: "A policy is set, and no backup has succeeded." },
  none: { tone: "bad", word: "Not backed up", says: "No storage is chosen in its backup policy, so no backups are made." },
  late: { tone: "warn", word: "Late", says: "The next backup was due more than an hour ago. Is its server running?" },
  unproven: { tone: "warn", word: "Not proven", says: "There are backups, and none was ever restored. A drill proves one." },
  old: { tone: "warn", word: "Proven long ago", says: "The last restore was more than 35 days ago. Run a drill, or schedule them." },
  proven: { tone: "good", word: "Proven", says: "A backup was restored, by a drill or for good, within the last 35 days." },
  new: { tone: "idle", word: "Nothing yet", says: "Nothing was deployed yet, so there is nothing to back up." },
};

/** Whether somebody has to do something about it. */
export function needsLook(proof: Proof): boolean {
  return proof !== "proven" && proof !== "new";
}

/** Worst first, and of the same production before the others. */
export function worstFirst<E extends Pick<Environment, "backup" | "current_release" | "type" | "name">>(environments: readonly E[], now: number): { environment: E; proof: Proof }[] {
  const rank = ({ environment, proof }: { environment: E; proof: Proof }) => order.indexOf(proof) * 2 + (environment.type === "production" ? 0 : 1);
  return environments
    .map((environment) => ({ environment, proof: proofOf(environment, now) }))
    .sort((a, b) => rank(a) - rank(b) || a.environment.name.localeCompare(b.environment.name));
}

export const backupKinds: Record<BackupKind, string> = {
  manual: "By hand",
  scheduled: "By schedule",
  pre_deploy: "Before a deploy",
  pre_restore: "Before a restore",
  pre_delete: "Before the deletion",
};

const rules: Record<RetentionRule, string> = {
  newest: "newest good one",
  everything: "nothing is removed",
  last: "among the last",
  hourly: "newest of its hour",
  daily: "newest of its day",
  weekly: "newest of its week",
  monthly: "newest of its month",
  yearly: "newest of its year",
};

/** "newest of its day, newest of its week". */
export function sayRules(of: readonly RetentionRule[]): string {
  return of.map((rule) => rules[rule]).join(", ");
}
