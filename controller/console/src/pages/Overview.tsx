import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useAccess, useHref, useMay, useOrg } from "../app/access";
import { environmentsQuery } from "../api/environments";
import { operationsQuery } from "../api/operations";
import { orgQuery } from "../api/org";
import { projectsQuery } from "../api/projects";
import { serversQuery } from "../api/servers";
import type { Environment, Org, Permission, Server } from "../api/types";
import { needsLook, proofOf } from "../lib/backups";
import { count } from "../lib/format";
import { LinkButton, LinkTo } from "../ui/bits";
import { Empty, Page, Panel } from "../ui/Page";
import { Loaded } from "../ui/Problem";
import { useNow, When } from "../ui/time";
import { EnvironmentLamp, Lamp, ServerLamp } from "../ui/status";
import { EnvironmentRows } from "./environments/Environments";
import { OperationRows } from "./operations/Operations";

export default function Overview() {
  const { org } = useAccess();
  const may = useMay();
  const self = useQuery(orgQuery(org.id));
  const servers = useQuery({ ...serversQuery(org.id), enabled: may("servers.view") });
  const environments = useQuery({ ...environmentsQuery(org.id), enabled: may("environments.view") });

  return (
    <Page title="Overview">
      <Loaded query={self}>
        {({ counts }) => {
          const begun = environments.data?.some((e) => e.last_operation) ?? counts.environments_running > 0;
          return (
            <>
              {!begun && environments.data && <Start counts={counts} environments={environments.data} />}
              {(begun || counts.servers > 0) && <Counts counts={counts} />}
              {begun && (
                <>
                  <Attention environments={environments.data ?? []} servers={servers.data ?? []} />
                  {may("environments.view") && (
                    <Panel title="Environments" actions={<All path="/environments" />} flush>
                      <Loaded query={environments}>{(list) => <EnvironmentRows environments={list.slice(0, 8)} />}</Loaded>
                    </Panel>
                  )}
                </>
              )}
              {may("operations.view") && begun && <Recent />}
            </>
          );
        }}
      </Loaded>
    </Page>
  );
}

function All({ path }: { path: string }) {
  const href = useHref();
  return <LinkTo href={href(path)}>All</LinkTo>;
}

function Counts({ counts }: { counts: Org["counts"] }) {
  const href = useHref();
  return (
    <nav className="fl-counts" aria-label="Numbers">
      <Link href={href("/environments")}>
        <b>
          {counts.environments_running}
          <small className="fl-dim"> / {counts.environments}</small>
        </b>
        <span>environments running</span>
      </Link>
      <Link href={href("/servers")}>
        <b>
          {counts.servers_online}
          <small className="fl-dim"> / {counts.servers}</small>
        </b>
        <span>servers online</span>
      </Link>
      <Link href={href("/projects")}>
        <b>{counts.projects}</b>
        <span>{counts.projects === 1 ? "project" : "projects"}</span>
      </Link>
      <Link href={href("/operations")}>
        <b>{counts.operations_active}</b>
        <span>operations under way</span>
      </Link>
    </nav>
  );
}

/** Only what somebody has to look at. */
function Attention({ environments, servers }: { environments: Environment[]; servers: Server[] }) {
  const href = useHref();
  const away = servers.filter((s) => s.status === "offline");
  const failed = environments.filter((e) => e.status === "failed");
  const now = useNow();
  const may = useMay();
  const unproven = may("backups.view") ? environments.filter((e) => needsLook(proofOf(e, now))).length : 0;
  if (!away.length && !failed.length && !unproven) return null;
  return (
    <Panel title="Needs a look" flush>
      <ul className="fl-attention">
        {failed.map((environment) => (
          <li key={environment.id}>
            <EnvironmentLamp status={environment.status} />
            <LinkTo href={href(`/environments/${environment.id}`)}>{environment.name}</LinkTo>
            <span className="fl-dim">{environment.status_detail}</span>
          </li>
        ))}
        {away.map((server) => (
          <li key={server.id}>
            <ServerLamp status={server.status} />
            <LinkTo href={href(`/servers/${server.id}`)}>{server.name}</LinkTo>
            <span className="fl-dim">
              last seen <When time={server.last_seen_at} />
            </span>
          </li>
        ))}
        {unproven > 0 && (
          <li>
            <Lamp tone="warn">Backups</Lamp>
            <LinkTo href={href("/backups")}>{count(unproven, "environment")}</LinkTo>
            <span className="fl-dim">{unproven === 1 ? "has" : "have"} no backup that is known to come back</span>
          </li>
        )}
      </ul>
    </Panel>
  );
}

function Recent() {
  const org = useOrg();
  const operations = useInfiniteQuery(operationsQuery(org, {}, 8));
  return (
    <Panel title="Latest operations" actions={<All path="/operations" />} flush>
      <Loaded query={operations}>
        {({ pages }) => {
          const list = pages[0]?.data ?? [];
          return list.length ? (
            <OperationRows operations={list} />
          ) : (
            <Empty icon="operation" title="Nothing was asked of a server yet">
              Deploys, restarts and the like are listed here.
            </Empty>
          );
        }}
      </Loaded>
    </Panel>
  );
}

/** The way to a first running Odoo, with what is done already. */
function Start({ counts, environments }: { counts: Org["counts"]; environments: Environment[] }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  const first = environments[0];
  const steps: { done: boolean; title: string; text: string; path: string; act: string; permission: Permission }[] = [
    {
      done: counts.servers > 0,
      title: "Enrol a server",
      text: "Paste one command on a Debian or Ubuntu machine. It needs no open port.",
      path: "/servers/enrol",
      act: "Enrol a server",
      permission: "servers.enroll",
    },
    {
      done: (projects?.length ?? counts.projects) > 0,
      title: "Create a project",
      text: "Say which Odoo, and where your addons live.",
      path: "/projects/new",
      act: "New project",
      permission: "projects.create",
    },
    {
      done: first != null,
      title: "Create an environment",
      text: "A project on a server, with its own database.",
      path: "/environments/new",
      act: "New environment",
      permission: "environments.create",
    },
    {
      done: false,
      title: "Deploy",
      text: "Checks first, then builds, and goes live only when Odoo answers.",
      path: first ? `/environments/${first.id}` : "/environments",
      act: "Open the environment",
      permission: "deployments.create",
    },
  ];
  const next = steps.findIndex((step) => !step.done);
  return (
    <Panel title="Four steps to a running Odoo">
      <ol className="fl-start">
        {steps.map((step, i) => (
          <li key={step.title} data-state={step.done ? "done" : i === next ? "next" : "later"}>
            <span className="fl-ring" aria-hidden="true" />
            <div>
              <strong>{step.title}</strong>
              {step.done && <span className="fl-sr"> (done)</span>}
              <div className="fl-dim">{step.text}</div>
            </div>
            {i === next && may(step.permission) && <LinkButton href={href(step.path)}>{step.act}</LinkButton>}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
