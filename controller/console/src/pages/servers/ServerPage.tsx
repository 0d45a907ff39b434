import { Alert } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { environmentsQuery } from "../../api/environments";
import { operationsQuery } from "../../api/operations";
import { foundQuery, serverQuery } from "../../api/servers";
import type { Server } from "../../api/types";
import { bytes, day, duration, percent } from "../../lib/format";
import { useGone } from "../../live/gone";
import { Facts, Labels, LinkTo, Meter, Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { EnvironmentLamp, ServerLamp, TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { FiringHere } from "../alerts/FiringHere";
import { OperationRows } from "../operations/Operations";
import { OpenTerminals } from "../terminal/OpenTerminals";
import { Charts } from "./Charts";
import { Found } from "./Found";
import { Acts } from "./ServerActs";

export default function ServerPage({ server: id }: { server: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page
          title={one.name}
          back={{ href: href("/servers"), label: "Servers" }}
          lead={
            <>
              <ServerLamp status={one.status} />
              <span>{one.last_seen_at ? <>seen <When time={one.last_seen_at} /></> : "never seen"}</span>
              <Labels labels={one.labels} />
            </>
          }
          actions={<Acts server={one} />}
        >
          <Notes server={one} />
          <FiringHere id={one.id} />
          <div className="fl-two">
            <div className="fl-stack">
              <Found server={one} />
              <ServerEnvironments server={one} />
              <OpenTerminals server={one} />
              <Charts server={one} />
              <ServerOperations server={one} />
            </div>
            <div className="fl-stack">
              <Now server={one} />
              <About server={one} />
            </div>
          </div>
        </Page>
      )}
    </Loaded>
  );
}

function Notes({ server }: { server: Server }) {
  if (server.status === "offline") {
    return (
      <Alert color="brass" icon={<Icon name="warning" />} title="The agent is not connected">
        What runs on the server keeps running; its state cannot be known from here until the agent is back. On the server,{" "}
        <code>systemctl status fairlead-link</code> and <code>journalctl -u fairlead-link</code> say why.
      </Alert>
    );
  }
  if (server.status === "unknown" && !server.last_seen_at) {
    return (
      <Alert color="brass" icon={<Icon name="clock" />} title="Its agent has not connected yet">
        The server has its certificate, and nothing was heard from it since. Where this lasts longer than a minute, look there with{" "}
        <code>fairlead-agent status</code> and <code>journalctl -u fairlead-link</code>; most often a firewall keeps it from reaching this
        controller.
      </Alert>
    );
  }
  if (server.status === "revoked") {
    return (
      <Alert color="gray" icon={<Icon name="ban" />} title="This server is revoked">
        Its key is refused for ever. To use the machine again, enrol it anew: it gets a new key.
      </Alert>
    );
  }
  return null;
}

function Now({ server: { facts } }: { server: Server }) {
  const used = facts.disk?.total_bytes != null && facts.disk.free_bytes != null ? facts.disk.total_bytes - facts.disk.free_bytes : undefined;
  return (
    <Panel title="Now">
      <div className="fl-stack">
        <Meter
          label="CPU"
          value={facts.cpu?.cores ? (facts.cpu.used_percent ?? null) : null}
          text={facts.cpu?.used_percent != null && facts.cpu.cores ? `${Math.round(facts.cpu.used_percent)} % of ${facts.cpu.cores ?? "?"} cores` : "–"}
        />
        <Meter
          label="Memory"
          value={percent(facts.memory?.used_bytes, facts.memory?.total_bytes)}
          text={facts.memory?.total_bytes ? `${bytes(facts.memory.used_bytes)} of ${bytes(facts.memory.total_bytes)}` : "–"}
        />
        <Meter label="Disk" value={percent(used, facts.disk?.total_bytes)} text={facts.disk?.total_bytes ? `${bytes(facts.disk.free_bytes)} free of ${bytes(facts.disk.total_bytes)}` : "–"} />
        <Facts
          items={[
            ["Load", facts.load ? facts.load.map((l) => l.toFixed(2)).join("  ") : null],
            ["Up for", facts.uptime_s ? duration(facts.uptime_s * 1000) : null],
            ["PostgreSQL", facts.os ? postgresql(facts.postgresql) : null],
          ]}
        />
      </div>
    </Panel>
  );
}

function postgresql(pg: Server["facts"]["postgresql"]): string | null {
  if (!pg) return null;
  if (!pg.installed) return "not installed; the first deploy sets it up";
  return `${pg.version ?? ""}${pg.running === false ? ", stopped" : ""}`.trim();
}

function About({ server }: { server: Server }) {
  const { facts, certificate, agent } = server;
  return (
    <Panel title="About">
      <Facts
        items={[
          ["System", facts.os?.pretty],
          ["Kernel", facts.kernel && <Mono>{facts.kernel}</Mono>],
          ["Processor", facts.cpu?.model ? `${facts.cpu.model} (${facts.arch ?? ""})` : facts.arch],
          ["Addresses", facts.addresses?.length ? <Mono>{facts.addresses.join("\n")}</Mono> : null],
          ["Agent", agent.version],
          ["Policy", facts.policy?.sha256 && <Mono title={facts.policy.rules?.join("\n")}>{facts.policy.sha256.slice(0, 12)}</Mono>],
          ["Certificate until", day(certificate.not_after)],
          ["Recoveries left", String(certificate.recoveries_left)],
          ["Enrolled", <When key="e" time={server.enrolled_at} />],
          ["Id", <Mono key="i">{server.id}</Mono>],
        ]}
      />
      {facts.policy?.rules && facts.policy.rules.length > 0 && (
        <details className="fl-small" style={{ marginTop: 12 }}>
          <summary className="fl-dim">What its own policy allows</summary>
          <ul className="fl-problem-fields">
            {facts.policy.rules.map((rule) => (
              <li key={rule}>
                <Mono>{rule}</Mono>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

function ServerEnvironments({ server }: { server: Server }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") });
  const found = useQuery({ ...foundQuery(org, server.id), enabled: may("environments.view") }).data?.length ?? 0;
  if (!may("environments.view")) return null;
  return (
    <Panel title="Environments" flush>
      <Loaded query={environments} lines={2}>
        {(all) => {
          const mine = all.filter((environment) => environment.server_id === server.id);
          if (!mine.length) {
            return (
              <Empty icon="environment" title={found ? "None that this controller knows" : "Nothing runs here yet"}>
                {found ? "Those above were found here." : server.status === "revoked" ? "The server is revoked." : <LinkTo href={href(`/environments/new?server=${server.id}`)}>Create an environment</LinkTo>}
              </Empty>
            );
          }
          return (
            <Table label="Environments on this server" head={["Environment", "Type", "Status", "Port"]}>
              {mine.map((environment) => (
                <Row key={environment.id} href={href(`/environments/${environment.id}`)}>
                  <td>
                    <Link href={href(`/environments/${environment.id}`)} className="fl-name">
                      {environment.name}
                    </Link>
                  </td>
                  <td data-name="Type">
                    <TypeBadge type={environment.type} />
                  </td>
                  <td data-name="Status">
                    <EnvironmentLamp status={environment.status} />
                  </td>
                  <td data-name="Port">{environment.port}</td>
                </Row>
              ))}
            </Table>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function ServerOperations({ server }: { server: Server }) {
  const org = useOrg();
  const may = useMay();
  const operations = useInfiniteQuery({ ...operationsQuery(org, { server: server.id }, 8), enabled: may("operations.view") });
  const list = operations.data?.pages[0]?.data;
  if (!list?.length) return null;
  return (
    <Panel title="Latest operations" flush>
      <OperationRows operations={list} />
    </Panel>
  );
}
