import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, type ReactNode } from "react";
import { matchRoute, Redirect, useLocation, useRouter } from "wouter";
import { ApiError, whenSignedOut } from "../api/client";
import { visitQuery } from "../api/connect";
import { sessionQuery } from "../api/session";
import type { Feature, OrgAccess } from "../api/types";
import { visitedOrg } from "../lib/connect";
import { featureNames } from "../lib/plans";
import { LinkTo } from "../ui/bits";
import { Page } from "../ui/Page";
import { ProblemNote } from "../ui/Problem";
import { AccessProvider, holdsAny, useAccess, useHref } from "./access";
import { Admitted } from "./Admitted";
import { pages } from "./routes";
import { Shell } from "./Shell";
import { SignOutButton } from "./signOut";
import { StepUp } from "./StepUp";

const Account = lazy(() => import("../pages/account/Account"));
const Homeless = lazy(() => import("../pages/org/Homeless"));

/** Everything behind the sign-in page. */
export default function Inside() {
  return (
    <>
      <StepUp />
      <SignedIn />
    </>
  );
}

function SignedIn() {
  const [location] = useLocation();
  const session = useQuery(sessionQuery);
  const visit = useQuery({ ...visitQuery, enabled: session.data !== undefined });
  const shown = useRef<string>(undefined);
  useSignedOut();

  const refused = session.error instanceof ApiError && session.error.status === 401;
  if (session.error && !refused) {
    return (
      <Alone>
        <ProblemNote error={session.error} retry={() => void session.refetch()} />
      </Alone>
    );
  }
  if (!session.data || visit.isPending) return <div role="status" aria-label="Loading" />;

  const visited = visit.data ? visitedOrg(visit.data) : null;
  const orgs = visited ? [...session.data.orgs, visited] : session.data.orgs;
  const [, slug, below] = /^\/o\/([^/]+)(\/.*)?$/.exec(location) ?? [];
  const first = orgs[0];
  if (!first) {
    const [account, tab] = /^\/account(?:\/(\w+))?$/.exec(location) ?? [];
    if (account) {
      return (
        <main className="fl-main">
          <div className="fl-between">
            <LinkTo href="/">No organization yet</LinkTo>
            <SignOutButton />
          </div>
          <Suspense fallback={<div role="status" aria-label="Loading" />}>
            <Account tab={tab} />
          </Suspense>
        </main>
      );
    }
    return (
      <Suspense fallback={<div role="status" aria-label="Loading" />}>
        <Homeless session={session.data} />
      </Suspense>
    );
  }
  const org = orgs.find((o) => o.slug === slug);
  if (!org) {
    // Its address may have been changed, here or by somebody else; or the person belongs to it no more.
    const same = orgs.find((o) => o.id === shown.current);
    if (same) return <Redirect to={`/o/${same.slug}${below ?? ""}`} replace />;
    return <Redirect to={`/o/${first.slug}${location.startsWith("/account") ? location : ""}`} replace />;
  }
  shown.current = org.id;

  return (
    <AccessProvider session={session.data} org={org} visit={visit.data ?? null} key={org.id}>
      <Shell>
        <Suspense fallback={<div role="status" aria-label="Loading" />}>
          <Admitted path={below ?? "/"}>
            <Routed org={org} path={below ?? "/"} />
          </Admitted>
        </Suspense>
      </Shell>
    </AccessProvider>
  );
}

/** Leads to the sign-in page, and back afterwards, when an answer says that the session is over. */
function useSignedOut() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  useEffect(() => {
    whenSignedOut(() => {
      const here = window.location.pathname + window.location.search;
      if (here.startsWith("/signin")) return;
      const known = client.getQueryData(sessionQuery.queryKey) !== undefined;
      client.clear();
      navigate(`/signin${here !== "/" ? `?next=${encodeURIComponent(here)}` : ""}`, { state: { ended: known }, replace: true });
    });
    return () => whenSignedOut(() => {});
  }, [client, navigate]);
}

function Routed({ org, path }: { org: OrgAccess; path: string }) {
  const { parser } = useRouter();
  const found = useMemo(() => {
    for (const page of pages) {
      const [fits, params] = matchRoute(parser, page.path, path);
      if (fits) return { page, params: Object.entries(params as Record<string, string>).filter(([name]) => !/^\d+$/.test(name)) };
    }
    return null;
  }, [parser, path]);
  if (!found) return <Apology title="There is no such page">The address may be mistyped, or what it showed is gone.</Apology>;

  const { page, params } = found;
  if (!holdsAny(org, page.permission)) {
    return (
      <Apology title="Not for your role">
        This page needs the permission <code>{[page.permission].flat()[0]}</code>. An owner of the organization can give it to you.
      </Apology>
    );
  }
  if (page.feature && !org.features.includes(page.feature)) return <NotInPlan feature={page.feature} />;
  // Another thing of the same kind is another page: nothing that was typed or opened for the one shall be there for the other.
  const thing = params.find(([name]) => name !== "tab")?.[1] ?? "";
  return <page.component key={`${page.path} ${thing}`} {...Object.fromEntries(params)} />;
}

function NotInPlan({ feature }: { feature: Feature }) {
  const { org } = useAccess();
  const href = useHref();
  return (
    <Apology title="Not in your plan">
      {org.name} has the plan <strong>{org.plan}</strong>, which is without {featureNames[feature]}.{" "}
      {org.permissions.includes("plan.view") ? <LinkTo href={href("/settings/plan")}>See what each plan has</LinkTo> : "An owner of the organization can change the plan."}
    </Apology>
  );
}

function Apology({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Page title={title}>
      <p className="fl-dim">{children}</p>
    </Page>
  );
}

function Alone({ children }: { children: ReactNode }) {
  return (
    <main className="fl-gate-main" style={{ minHeight: "100vh" }}>
      <div className="fl-gate-form">{children}</div>
    </main>
  );
}
