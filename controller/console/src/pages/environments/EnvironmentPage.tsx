import { Alert, Tabs } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { environmentQuery } from "../../api/environments";
import { operationQuery, operationsQuery } from "../../api/operations";
import { projectQuery } from "../../api/projects";
import { serversQuery } from "../../api/servers";
import type { Environment, Permission } from "../../api/types";
import { bytes, count } from "../../lib/format";
import { useGone } from "../../live/gone";
import { isFinal } from "../../live/reduce";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded, Waiting } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { EnvironmentLamp, kindName, OperationLamp, TypeBadge } from "../../ui/status";
import { FiringHere } from "../alerts/FiringHere";
import { OperationRows } from "../operations/Operations";
import { CancelButton, OperationView } from "../operations/OperationView";
import { Acts } from "./Acts";
import { connectorStates, exposureNames } from "./Exposure";
import { Releases } from "./Releases";
import { Where } from "./Where";
import { More } from "../../ui/More";

const Variables = lazy(() => import("./Variables"));
const BackupsTab = lazy(() => import("../backups/BackupsTab"));
import { CopyPanel } from "../backups/CopyPanel";
import { HostNames } from "../domains/parts";
const MetricsTab = lazy(() => import("./MetricsTab"));
const LogsTab = lazy(() => import("../logs/LogsTab"));
const MailTab = lazy(() => import("../mail/MailTab"));
const PolicyTab = lazy(() => import("../backups/PolicyTab"));
const ImportTab = lazy(() => import("../imports/ImportTab"));
const PushTab = lazy(() => import("../pushes/PushTab"));
const SettingsTab = lazy(() => import("./SettingsTab"));

export default function EnvironmentPage({ environment: id, tab }: { environment: string; tab?: string }) {
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
          <FiringHere id={one.id} />
          <CopyPanel of={{ environment: one.id }} when={(copy) => copy.state === "running" || (copy.state === "failed" && copy.operations.some((each) => each.operation_id === one.last_operation?.id))} />
          {one.exposure_detail && (
            <Alert color="brass" icon={<Icon name="warning" />} title="Nobody reaches it from outside">
              {one.exposure_detail}
            </Alert>
          )}
          {one.connector.state === "disconnected" && (
            <Alert color="signal" icon={<Icon name="warning" />} title="Nobody reaches it through Cloudflare">
              cloudflared on its server is not connected. Its log says why, among the logs here or there: journalctl -u fairlead-cloudflared@{one.slug}
            </Alert>
          )}
          <Pending environment={one} />
          <Parts environment={one} tab={tab ?? "overview"} />
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
          {operation.data && <OperationLamp operation={operation.data} />}
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
      <Loaded query={operation}>{(one) => <OperationView operation={one} logAtFirst={live || last.state === "failed"} key={one.id} />}</Loaded>
    </Panel>
  );
}

function Parts({ environment, tab }: { environment: Environment; tab: string }) {
  const href = useHref();
  const may = useMay();
  const [, navigate] = useLocation();
  const base = href(`/environments/${environment.id}`);
  const parts: [value: string, label: string, permission: Permission, content: ReactNode][] = [
    ["overview", "Overview", "environments.view", <Now key="o" environment={environment} />],
    ["operations", "Operations", "operations.view", <History key="h" environment={environment} />],
    ["metrics", "Metrics", "environments.view", <MetricsTab key="me" environment={environment} />],
    ["logs", "Logs", "logs.view", <LogsTab key="l" environment={environment} />],
    ["mail", "Mail", "mail.view", <MailTab key="m" environment={environment} />],
    ["backups", "Backups", "backups.view", <BackupsTab key="b" environment={environment} />],
    ["backup-policy", "Backup policy", "backups.view", <PolicyTab key="p" environment={environment} />],
    ["import", "Import", "restores.create", <ImportTab key="i" environment={environment} />],
    ["push-deploys", "Push deploys", "environments.view", <PushTab key="d" environment={environment} />],
    ["variables", "Variables", "variables.view", <Variables key="v" environment={environment} />],
    ["settings", "Settings", "environments.edit", <SettingsTab key="s" environment={environment} />],
  ];
  const allowed = parts.filter(([, , permission]) => may(permission));
  return (
    <Tabs value={tab} onChange={(to) => navigate(to === "overview" ? base : `${base}/${to}`, { replace: true })} keepMounted={false}>
      <Tabs.List mb="md">
        {allowed.map(([value, label]) => (
          <Tabs.Tab key={value} value={value}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tab !== "overview" && tab !== "backups" && tab !== "import" && <UnderWay environment={environment} href={base} />}
      {allowed.map(([value, , , content]) => (
        <Tabs.Panel key={value} value={value}>
          <Suspense fallback={<Waiting />}>{content}</Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function Now({ environment }: { environment: Environment }) {
  return (
    <div className="fl-two">
      <div className="fl-stack">
        <Latest environment={environment} />
        <Releases environment={environment} />
      </div>
      <About environment={environment} />
    </div>
  );
}

/** On the parts that do not show it themselves: that something is happening, and where to watch it. */
function UnderWay({ environment, href }: { environment: Environment; href: string }) {
  const last = environment.last_operation;
  if (!last || isFinal(last.state)) return null;
  return (
    <div className="fl-under-way" role="status">
      <OperationLamp operation={last} />
      <span>{kindName(last.kind)} is under way.</span>
      <LinkTo href={href}>Watch it</LinkTo>
    </div>
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
      <More of={operations}>Older operations</More>
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
  const connector = environment.connector.state;
  return (
    <Panel title="About">
      <Facts
        items={[
          ["Project", project && <LinkTo key="p" href={href(`/projects/${project.id}`)}>{project.name}</LinkTo>],
          ["Odoo", project?.odoo_version],
          ["Server", server && <LinkTo key="s" href={href(`/servers/${server.id}`)}>{server.name}</LinkTo>],
          ["Branch", environment.branch ? <Mono key="b">{environment.branch}</Mono> : "as the project says"],
          ["Reached", connector === "none" ? exposureNames[environment.exposure] : `${exposureNames[environment.exposure]}; ${connectorStates[connector]}`],
          ["Address", environment.url?.startsWith("https:") ? <a key="a" href={environment.url} target="_blank" rel="noreferrer noopener">{environment.url}</a> : undefined],
          ["Domains", environment.domains.length ? <HostNames key="d" names={environment.domain_states} /> : "none"],
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
