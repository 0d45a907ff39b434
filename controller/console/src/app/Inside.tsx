import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useMemo, type ReactNode } from "react";
import { matchRoute, Redirect, useLocation, useRouter } from "wouter";
import { ApiError, whenSignedOut } from "../api/client";
import { sessionQuery } from "../api/session";
import type { OrgAccess } from "../api/types";
import { Page } from "../ui/Page";
import { ProblemNote } from "../ui/Problem";
import { AccessProvider } from "./access";
import { pages } from "./routes";
import { Shell } from "./Shell";

/** Everything behind the sign-in page. */
export default function Inside() {
  const [location] = useLocation();
  const session = useQuery(sessionQuery);
  useSignedOut();

  const refused = session.error instanceof ApiError && session.error.status === 401;
  if (session.error && !refused) {
    return (
      <Alone>
        <ProblemNote error={session.error} retry={() => void session.refetch()} />
      </Alone>
    );
  }
  if (!session.data) return <div role="status" aria-label="Loading" />;

  const { orgs } = session.data;
  const [, slug, below] = /^\/o\/([^/]+)(\/.*)?$/.exec(location) ?? [];
  const first = orgs[0];
  if (!first) {
    return (
      <Alone>
        <p>{session.data.user.email} belongs to no organization. Ask one of its owners for an invitation.</p>
      </Alone>
    );
  }
  const org = orgs.find((o) => o.slug === slug);
  if (!org) return <Redirect to={`/o/${first.slug}${location === "/account" ? "/account" : ""}`} replace />;

  return (
    <AccessProvider session={session.data} org={org} key={org.id}>
      <Shell>
        <Suspense fallback={<div role="status" aria-label="Loading" />}>
          <Routed org={org} path={below ?? "/"} />
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
  if (page.permission && !org.permissions.includes(page.permission)) {
    return (
      <Apology title="Not for your role">
        This page needs the permission <code>{page.permission}</code>. An owner of the organization can give it to you.
      </Apology>
    );
  }
  // Another thing of the same kind is another page: nothing that was typed or opened for the one shall be there for the other.
  return <page.component key={`${page.path} ${params[0]?.[1] ?? ""}`} {...Object.fromEntries(params)} />;
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
