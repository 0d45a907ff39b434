import { Alert, Button, Tabs } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useLocation } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { environmentQuery, operationQuery, operationsQuery, projectQuery, serversQuery } from "../../api/queries";
import type { Environment } from "../../api/types";
import { bytes, count } from "../../lib/format";
import { useGone } from "../../live/gone";
import { isFinal } from "../../live/reduce";
import { Empty, Facts, Gone, LinkTo, Loaded, Mono, Page, Panel, Waiting, When } from "../../ui/basics";
import { Icon } from "../../ui/Icon";
import { EnvironmentLamp, kindName, OperationLamp, TypeBadge } from "../../ui/status";
import { OperationRows } from "../operations/Operations";
import { CancelButton, OperationView } from "../operations/OperationView";
import { Acts } from "./acts";
import { Releases } from "./Releases";
import { Where } from "./Where";

const Variables = lazy(() => import("./Variables"));
const SettingsTab = lazy(() => import("./SettingsTab"));

export default function EnvironmentPage({ id, tab }: { id: string; tab: string | undefined }) {
  const org = useOrg();
  const may = useMay();
  const href = useHref();
  const environment = useQuery(environmentQuery(org, id));
  const gone = useGone(id);
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data;
  if (gone) return <Gone name={environment.data?.name ?? "It"} href={href("/environments")} all="All environments" />;
  return (
    <Loaded query={environment}>
      {(one) => (
        <Page
          title={one.name}
          back={{ href: href("/environments"), label: "Environments" }}
          lead={
            <>
              <EnvironmentLamp status={one.status} />
              <TypeBadge type={one.type} />
              {one.current_release && <span>release #{one.current_release.number}</span>}
              {one.status === "running" && <Where environment={one} server={servers?.find((s) => s.id === one.server_id)} />}
            </>
          }
          actions={<Acts environment={one} />}
        >
          {one.status_detail && (one.status === "failed" || one.status === "unknown") && (
            <Alert color={one.status === "failed" ? "signal" : "brass"} icon={<Icon name="warning" />}>
              {one.status_detail}
            </Alert>
          )}
          <Pending environment={one} />
          <div className="fl-two">
            <div className="fl-stack">
              <Latest environment={one} />
              <Parts environment={one} tab={tab ?? "releases"} />
            </div>
            <About environment={one} />
          </div>
        </Page>
      )}
    </Loaded>
  );
}

function Pending({ environment }: { environment: Environment }) {
  const changes = environment.pending_changes;
  if (!changes.length || !environment.current_release) return null;
  return (
    <Alert color="brass" icon={<Icon name="clock" />} title={`${count(changes.length, "change")} ${changes.length === 1 ? "waits" : "wait"} for the next deploy`}>
      <ul className="fl-problem-fields" style={{ margin: 0 }}>
        {changes.map((change) => (
          <li key={change.field}>{change.summary}</li>
        ))}
      </ul>
    </Alert>
  );
}

/** The operation under way, or how the last one ended. */
function Latest({ environment }: { environment: Environment }) {
  const org = useOrg();
  const href = useHref();
  const last = environment.last_operation;
  const operation = useQuery({ ...operationQuery(org, last?.id ?? ""), enabled: last != null });
  if (!last) {
    return (
      <Panel>
        <Empty icon="deploy" title="Nothing is deployed yet">
          Run the pre-flight to see whether the server has all that is needed; it touches nothing. Or deploy right away: the same checks come
          first.
        </Empty>
      </Panel>
    );
  }
  const live = !isFinal(last.state);
  return (
    <Panel
      title={
        <span className="fl-row">
          {kindName(last.kind)}
          {operation.data && <OperationLamp state={operation.data.state} />}
          <span className="fl-dim fl-small" style={{ fontWeight: 400 }}>
            <When time={last.created_at} />
          </span>
        </span>
      }
      actions={
        <>
          {operation.data && <CancelButton operation={operation.data} />}
          <LinkTo href={href(`/operations/${last.id}`)}>Details</LinkTo>
        </>
      }
    >
      <Loaded query={operation}>{(one) => <OperationView operation={one} logAtFirst={live} key={one.id} />}</Loaded>
    </Panel>
  );
}

function Parts({ environment, tab }: { environment: Environment; tab: string }) {
  const href = useHref();
  const may = useMay();
  const [, navigate] = useLocation();
  const base = href(`/environments/${environment.id}`);
  return (
    <Tabs value={tab} onChange={(to) => navigate(to === "releases" ? base : `${base}/${to}`, { replace: true })} keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="releases">Releases</Tabs.Tab>
        {may("operations.view") && <Tabs.Tab value="operations">Operations</Tabs.Tab>}
        {may("variables.view") && <Tabs.Tab value="variables">Variables</Tabs.Tab>}
        {may("environments.edit") && <Tabs.Tab value="settings">Settings</Tabs.Tab>}
      </Tabs.List>
      <Tabs.Panel value="releases">
        <Releases environment={environment} />
      </Tabs.Panel>
      <Tabs.Panel value="operations">
        <History environment={environment} />
      </Tabs.Panel>
      <Tabs.Panel value="variables">
        <Suspense fallback={<Waiting />}>
          <Variables environment={environment} />
        </Suspense>
      </Tabs.Panel>
      <Tabs.Panel value="settings">
        <Suspense fallback={<Waiting />}>
          <SettingsTab environment={environment} />
        </Suspense>
      </Tabs.Panel>
    </Tabs>
  );
}

function History({ environment }: { environment: Environment }) {
  const org = useOrg();
  const operations = useInfiniteQuery(operationsQuery(org, { environment: environment.id }, 20));
  return (
    <Panel flush>
      <Loaded query={operations}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          return list.length ? (
            <OperationRows operations={list} hideTarget />
          ) : (
            <Empty icon="operation" title="Nothing was asked of it yet">
              Deploys, restarts and the like are listed here.
            </Empty>
          );
        }}
      </Loaded>
      {operations.hasNextPage && (
        <div className="fl-more">
          <Button variant="subtle" size="xs" loading={operations.isFetchingNextPage} onClick={() => void operations.fetchNextPage()}>
            Older operations
          </Button>
        </div>
      )}
    </Panel>
  );
}

function About({ environment }: { environment: Environment }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const project = useQuery({ ...projectQuery(org, environment.project_id), enabled: may("projects.view") }).data;
  const server = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data?.find((s) => s.id === environment.server_id);
  const { resources } = environment;
  return (
    <Panel title="About">
      <Facts
        items={[
          ["Project", project && <LinkTo key="p" href={href(`/projects/${project.id}`)}>{project.name}</LinkTo>],
          ["Odoo", project?.odoo_version],
          ["Server", server && <LinkTo key="s" href={href(`/servers/${server.id}`)}>{server.name}</LinkTo>],
          ["Branch", environment.branch ? <Mono key="b">{environment.branch}</Mono> : "as the project says"],
          ["Port", environment.port],
          ["Memory limit", resources.memory_max_bytes ? bytes(resources.memory_max_bytes) : "none"],
          ["CPU limit", resources.cpu_percent ? `${resources.cpu_percent} %` : "none"],
          ["Workers", resources.workers],
          ["Keeps", count(environment.keep_releases, "release")],
          ["On the server", <Mono key="u">{environment.slug}</Mono>],
          ["Created", <When key="c" time={environment.created_at} />],
        ]}
      />
    </Panel>
  );
}
