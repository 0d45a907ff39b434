import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { supportedOrgQuery, supportedOrgsQuery } from "../../api/support";
import type { Environment, Server } from "../../api/types";
import { count } from "../../lib/format";
import { Facts, Mono } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { EnvironmentLamp, ServerLamp, TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** For whoever looks after the installation: what owners let them see, to help. */
export default function SupportOrgs() {
  const orgs = useQuery(supportedOrgsQuery);
  const [looking, setLooking] = useState("");
  return (
    <Page title="Support" lead="Organizations whose owners let you look. You see what they have, never what is in it; each look is in their audit log.">
      <Panel flush>
        <Loaded query={orgs}>
          {(list) =>
            !list.length ? (
              <Empty icon="shield" title="Nobody asked for help">
                An owner grants access in the organization’s settings, under Support access. It ends by itself.
              </Empty>
            ) : (
              <Table label="Organizations" head={["Organization", "Why", "Until", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {list.map(({ id, name, support_access }) => (
                  <Row key={id}>
                    <td>
                      <strong>{name}</strong>
                      <span className="fl-sub fl-mono">{id}</span>
                    </td>
                    <td data-name="Why">
                      {support_access.reason}
                      {support_access.ticket && <span className="fl-sub">{support_access.ticket}</span>}
                    </td>
                    <td data-name="Until">
                      <When time={support_access.expires_at} />
                    </td>
                    <td className="fl-acts">
                      <Button size="compact-xs" variant="default" onClick={() => setLooking(id)} aria-label={`Look at ${name}`}>
                        Look
                      </Button>
                    </td>
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      {looking && <Seen id={looking} key={looking} />}
    </Page>
  );
}

function Seen({ id }: { id: string }) {
  const org = useQuery(supportedOrgQuery(id));
  return (
    <Loaded query={org}>
      {(one) => (
        <div className="fl-halves">
          <Panel title={one.name}>
            <Facts
              items={[
                ["Address", <Mono key="a">{one.slug}</Mono>],
                ["Plan", one.plan],
                ["Members", one.members],
                ["Projects", one.counts.projects],
                ["Operations under way", one.counts.operations_active],
                ["Created", <When key="c" time={one.created_at} />],
              ]}
            />
          </Panel>
          <Panel title={count(one.servers.length, "server")} flush>
            <Table label="Servers" head={["Server", "Status"]}>
              {one.servers.map((server) => (
                <Row key={server.id}>
                  <td>{server.name}</td>
                  <td data-name="Status" className="fl-quiet">
                    <ServerLamp status={server.status as Server["status"]} />
                  </td>
                </Row>
              ))}
            </Table>
          </Panel>
          <Panel title={count(one.environments.length, "environment")} flush>
            <Table label="Environments" head={["Environment", "Type", "Status"]}>
              {one.environments.map((environment) => (
                <Row key={environment.id}>
                  <td>{environment.name}</td>
                  <td data-name="Type" className="fl-quiet">
                    <TypeBadge type={environment.type} />
                  </td>
                  <td data-name="Status" className="fl-quiet">
                    <EnvironmentLamp status={environment.status as Environment["status"]} />
                  </td>
                </Row>
              ))}
            </Table>
          </Panel>
        </div>
      )}
    </Loaded>
  );
}
