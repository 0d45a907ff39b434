import type { Feature, Plan, PlanTerms } from "../api/types";

/** As the end of a sentence: "… is without the audit log". */
export const featureNames: Record<Feature, string> = {
  api: "API keys",
  granular_permissions: "permissions for single members",
  audit_log: "the audit log",
  audit_export: "exports of the audit log",
  custom_roles: "roles of your own",
  connect_as: "Connect-As into clients' organizations",
};

export const allFeatures = Object.keys(featureNames) as Feature[];

/** The smallest plan that has it, as this controller's plans are; they come from small to large. */
export function planWith(plans: readonly PlanTerms[], feature: Feature): Plan | undefined {
  return plans.find((one) => one.features.includes(feature))?.plan;
}

/** How far a limit is used, in percent; null: there is none. A limit of nothing is used up. */
export function share(used: number, limit: number | null): number | null {
  if (limit === null) return null;
  return limit === 0 ? 100 : Math.min(100, (used / limit) * 100);
}

/** What a lower plan would not hold any more; it stays, but no more of it can be made. */
export function beyond(use: PlanTerms["limits"], limits: PlanTerms["limits"]): (keyof PlanTerms["limits"])[] {
  return (Object.keys(limits) as (keyof PlanTerms["limits"])[]).filter((what) => limits[what] !== null && (use[what] ?? 0) > limits[what]!);
}

/** "agency" → "Agency". */
export function planTitle(plan: Plan): string {
  return plan.charAt(0).toUpperCase() + plan.slice(1);
}
