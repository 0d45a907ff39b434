import { createContext, useContext, type ReactNode } from "react";
import { useLocation } from "wouter";
import type { Feature, OrgAccess, Permission, Session, Visit } from "../api/types";

interface Access {
  session: Session;
  org: OrgAccess;
  /** Where one works for an agency just now, whichever organization is shown; null: nowhere. */
  visit: Visit | null;
}

const AccessContext = createContext<Access | null>(null);

export function AccessProvider({ children, ...access }: Access & { children: ReactNode }) {
  return <AccessContext.Provider value={access}>{children}</AccessContext.Provider>;
}

export function useAccess() {
  const access = useContext(AccessContext);
  if (!access) throw new Error("useAccess outside of an organization");
  return access;
}

export function useOrg(): string {
  return useAccess().org.id;
}

/** May the person do this here? What they may not do is not shown. */
export function useMay() {
  const { org } = useAccess();
  return (permission: Permission) => org.permissions.includes(permission);
}

/** Has the organization's plan this feature? */
export function useHas() {
  const { org } = useAccess();
  return (feature: Feature) => org.features.includes(feature);
}

/** Any of these; null: everybody may. */
export function holdsAny(org: OrgAccess, permission: Permission | Permission[] | null): boolean {
  return permission === null || [permission].flat().some((each) => org.permissions.includes(each));
}

/** Is this page one of the person's? One that the plan lacks is hidden, too. */
export function useShown() {
  const { org } = useAccess();
  return ({ permission, feature }: { permission: Permission | Permission[] | null; feature?: Feature }) => holdsAny(org, permission) && (!feature || org.features.includes(feature));
}

export function May({ permission, children }: { permission: Permission; children: ReactNode }) {
  return useMay()(permission) ? <>{children}</> : null;
}

/** Address of a page of the organization that is shown. */
export function useHref() {
  const { org } = useAccess();
  return (path: string) => `/o/${org.slug}${path === "/" ? "" : path}`;
}

export function useGo() {
  const href = useHref();
  const [, navigate] = useLocation();
  return (path: string) => navigate(href(path));
}
