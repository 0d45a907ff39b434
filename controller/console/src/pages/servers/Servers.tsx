import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { serversQuery } from "../../api/servers";
import { bytes, percent } from "../../lib/format";
import { Labels, LinkButton } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { ServerLamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";

const rank = { offline: 0, unknown: 1, online: 2, revoked: 3 };

export default function Servers() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const servers = useQuery(serversQuery(org));
  const enrol = may("servers.enroll") && (
    <LinkButton href={href("/servers/enrol")} icon="plus">
      Enrol a server
    </LinkButton>
  );

  return (
    <Page title="Servers" lead="Machines of yours with an agent on them. The agent dials out; no port is open for it." actions={servers.data?.length ? enrol : null}>
      <Panel flush>
        <Loaded query={servers}>
          {(list) =>
            !list.length ? (
              <Empty icon="server" title="No server yet" action={enrol}>
                {may("servers.enroll")
                  ? "Enrol one by pasting a single command on it. It appears here within seconds."
                  : "Somebody with the permission to enrol servers has to add the first one."}
              </Empty>
            ) : (
              <Table label="Servers" head={["Server", "Status", "CPU", "Memory", "Disk free", "Environments", "Agent", "Last seen"]}>
                {[...list]
                  .sort((a, b) => rank[a.status] - rank[b.status] || a.name.localeCompare(b.name))
                  .map((server) => {
                    const { facts } = server;
                    const memory = percent(facts.memory?.used_bytes, facts.memory?.total_bytes);
                    return (
                      <Row key={server.id} href={href(`/servers/${server.id}`)}>
                        <td>
                          <Link href={href(`/servers/${server.id}`)} className="fl-name">
                            {server.name}
                          </Link>
                          <span className="fl-sub">{facts.os?.pretty ?? "–"}</span>
                          <Labels labels={server.labels} />
                        </td>
                        <td data-name="Status" className="fl-quiet">
                          <ServerLamp status={server.status} />
                        </td>
                        <td data-name="CPU">
                          {facts.cpu?.used_percent != null && facts.cpu.cores ? `${Math.round(facts.cpu.used_percent)} %` : "–"}
                          <span className="fl-sub">{facts.cpu?.cores ? `${facts.cpu.cores} cores` : ""}</span>
                        </td>
                        <td data-name="Memory">
                          {memory != null ? `${Math.round(memory)} %` : "–"}
                          <span className="fl-sub">{facts.memory?.total_bytes ? `of ${bytes(facts.memory.total_bytes)}` : ""}</span>
                        </td>
                        <td data-name="Disk free">{facts.disk?.total_bytes ? bytes(facts.disk.free_bytes) : "–"}</td>
                        <td data-name="Environments">{server.environments}</td>
                        <td data-name="Agent">{server.agent.version ?? "–"}</td>
                        <td data-name="Last seen">
                          <When time={server.last_seen_at} />
                        </td>
                      </Row>
                    );
                  })}
              </Table>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
