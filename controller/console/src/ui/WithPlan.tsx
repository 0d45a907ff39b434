import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { planQuery } from "../api/org";
import type { Feature } from "../api/types";
import { useHref, useMay, useOrg } from "../app/access";
import { planTitle, planWith } from "../lib/plans";
import { LinkTo } from "./bits";

/** Says which plan has something: "Roles of your own come with the plan Agency." `children` is the beginning of the sentence. */
export function WithPlan({ feature, children }: { feature: Feature; children: ReactNode }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay()("plan.view");
  const plans = useQuery({ ...planQuery(org), enabled: may }).data?.plans;
  const least = plans && planWith(plans, feature);
  return (
    <p className="fl-dim fl-small">
      {children} come with {least ? `the plan ${planTitle(least)}` : "a larger plan"}. {may && <LinkTo href={href("/settings/plan")}>See the plans</LinkTo>}
    </p>
  );
}
