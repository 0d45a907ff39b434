import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { ApiError, whenSignedOut } from "../api/client";
import { sessionQuery } from "../api/queries";
import { ProblemNote } from "../ui/basics";
import { SetUp } from "../pages/SetUp";
import { SignIn } from "../pages/SignIn";
import { AccessProvider } from "./access";
import { Shell } from "./Shell";

const Overview = lazy(() => import("../pages/Overview"));
const Servers = lazy(() => import("../pages/servers/Servers"));
const Enrol = lazy(() => import("../pages/servers/Enrol"));
const ServerPage = lazy(() => import("../pages/servers/ServerPage"));
const Projects = lazy(() => import("../pages/projects/Projects"));
const ProjectEdit = lazy(() => import("../pages/projects/ProjectEdit"));
const ProjectPage = lazy(() => import("../pages/projects/ProjectPage"));
const GitCredentials = lazy(() => import("../pages/projects/GitCredentials"));
const Environments = lazy(() => import("../pages/environments/Environments"));
const EnvironmentNew = lazy(() => import("../pages/environments/EnvironmentNew"));
const EnvironmentPage = lazy(() => import("../pages/environments/EnvironmentPage"));
const Operations = lazy(() => import("../pages/operations/Operations"));
const OperationPage = lazy(() => import("../pages/operations/OperationPage"));
const Audit = lazy(() => import("../pages/Audit"));
const Account = lazy(() => import("../pages/Account"));

export function App() {
  return (
    <Switch>
      <Route path="/setup" component={SetUp} />
      <Route path="/signin" component={SignIn} />
      <Route>
        <SignedIn />
      </Route>
    </Switch>
  );
}

function SignedIn() {
  const client = useQueryClient();
  const [location, navigate] = useLocation();
  const session = useQuery(sessionQuery);

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

  const refused = session.error instanceof ApiError && session.error.status === 401;
  if (session.error && !refused) {
    return (
      <main className="fl-gate-main" style={{ minHeight: "100vh" }}>
        <div className="fl-gate-form">
          <ProblemNote error={session.error} retry={() => void session.refetch()} />
        </div>
      </main>
    );
  }
  if (!session.data) return <div role="status" aria-label="Loading" />;

  const { orgs } = session.data;
  const slug = /^\/o\/([^/]+)/.exec(location)?.[1];
  const first = orgs[0];
  if (!first) {
    return (
      <main className="fl-gate-main" style={{ minHeight: "100vh" }}>
        <p>{session.data.user.email} belongs to no organization. Ask one of its owners for an invitation.</p>
      </main>
    );
  }
  if (!slug) return <Redirect to={`/o/${first.slug}${location === "/account" ? "/account" : ""}`} replace />;
  const org = orgs.find((o) => o.slug === slug);
  if (!org) return <Redirect to={`/o/${first.slug}`} replace />;

  const guard = (permission: string, page: ReactNode) =>
    org.permissions.includes(permission) ? page : <NotAllowed permission={permission} />;

  return (
    <AccessProvider session={session.data} org={org} key={org.id}>
      <Shell>
        <Suspense fallback={<div role="status" aria-label="Loading" />}>
          <Switch>
            <Route path="/o/:org" component={Overview} />
            <Route path="/o/:org/servers">{guard("servers.view", <Servers />)}</Route>
            <Route path="/o/:org/servers/enrol">{guard("servers.enroll", <Enrol />)}</Route>
            <Route path="/o/:org/servers/:server">{({ server }) => guard("servers.view", <ServerPage id={server} key={server} />)}</Route>
            <Route path="/o/:org/projects">{guard("projects.view", <Projects />)}</Route>
            <Route path="/o/:org/projects/new">{guard("projects.create", <ProjectEdit />)}</Route>
            <Route path="/o/:org/projects/:project">{({ project }) => guard("projects.view", <ProjectPage id={project} key={project} />)}</Route>
            <Route path="/o/:org/projects/:project/edit">{({ project }) => guard("projects.edit", <ProjectEdit id={project} key={project} />)}</Route>
            <Route path="/o/:org/git-credentials">{guard("git_credentials.view", <GitCredentials />)}</Route>
            <Route path="/o/:org/environments">{guard("environments.view", <Environments />)}</Route>
            <Route path="/o/:org/environments/new">{guard("environments.create", <EnvironmentNew />)}</Route>
            <Route path="/o/:org/environments/:environment/:tab?">
              {({ environment, tab }) => guard("environments.view", <EnvironmentPage id={environment} tab={tab} key={environment} />)}
            </Route>
            <Route path="/o/:org/operations">{guard("operations.view", <Operations />)}</Route>
            <Route path="/o/:org/operations/:operation">
              {({ operation }) => guard("operations.view", <OperationPage id={operation} key={operation} />)}
            </Route>
            <Route path="/o/:org/audit">{guard("audit.view", <Audit />)}</Route>
            <Route path="/o/:org/account" component={Account} />
            <Route>
              <Missing />
            </Route>
          </Switch>
        </Suspense>
      </Shell>
    </AccessProvider>
  );
}

function NotAllowed({ permission }: { permission: string }) {
  return (
    <div className="fl-page">
      <h1>Not for your role</h1>
      <p className="fl-dim">
        This page needs the permission <code>{permission}</code>. An owner of the organization can give it to you.
      </p>
    </div>
  );
}

function Missing() {
  return (
    <div className="fl-page">
      <h1>There is no such page</h1>
      <p className="fl-dim">The address may be mistyped, or what it showed is gone.</p>
    </div>
  );
}
