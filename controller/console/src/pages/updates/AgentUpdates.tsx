import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useHref, useMay, useOrg } from "../../app/access";
import { serversQuery } from "../../api/servers";
import { agentPackageQuery, rolloutsQuery } from "../../api/updates";
import { count } from "../../lib/format";
import { isOver, rolloutStates, versions } from "../../lib/updates";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { Begin } from "./Begin";
import { RolloutPanel } from "./RolloutPanel";

export default function AgentUpdates({ rollout: shown }: { rollout?: string }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const offered = useQuery(agentPackageQuery(org));
  const servers = useQuery(serversQuery(org));
  const rollouts = useQuery(rolloutsQuery(org));
  const [beginning, setBeginning] = useState(false);
  const open = rollouts.data?.find((one) => !isOver(one));
  const left = servers.data?.filter((one) => one.status !== "revoked" && one.agent.version !== offered.data?.version).length ?? 0;
  const begin = may("servers.update_agent") && rollouts.data && !open && offered.data && left > 0 && <Button onClick={() => setBeginning(true)}>Roll {offered.data.version} out…</Button>;

  return (
    <Page
      title="Agent updates"
      lead="A server takes only what the release key that came with its agent has signed. Where a new agent does not reach this controller within a minute, the server puts the old one back by itself."
      actions={begin}
    >
      <Panel title="Versions">
        <Loaded query={offered}>
          {(one) => (
            <Facts
              items={[
                ["This controller hands out", one.version],
                ["SHA-256", <Mono key="sum">{one.sha256}</Mono>],
                [
                  "Servers",
                  servers.data?.length
                    ? versions(servers.data)
                        .map(([version, number]) => `${count(number, "server")} with ${version}`)
                        .join(", ")
                    : null,
                ],
              ]}
            />
          )}
        </Loaded>
      </Panel>
      {(shown ?? open?.id) && <RolloutPanel key={shown ?? open?.id} id={(shown ?? open?.id)!} />}
      <Panel title="Roll-outs" flush>
        <Loaded query={rollouts}>
          {(all) =>
            !all.length ? (
              <Empty icon="download" title="No roll-out yet">
                One updates all servers stage by stage, and stops by itself at the first failure. A single server is updated from its own page.
              </Empty>
            ) : (
              <Table label="Roll-outs" head={["Version", "State", "Stage", "Begun", "Ended"]}>
                {all.map((one) => {
                  const [tone, word] = rolloutStates[one.state];
                  return (
                    <Row key={one.id} href={href(`/agent-updates/${one.id}`)}>
                      <td>
                        <LinkTo href={href(`/agent-updates/${one.id}`)}>{one.version}</LinkTo>
                      </td>
                      <td data-name="State" className="fl-quiet">
                        <Lamp tone={tone} pulse={one.state === "running"}>
                          {word}
                        </Lamp>
                        {one.reason && <span className="fl-sub">{one.reason}</span>}
                      </td>
                      <td data-name="Stage">
                        {one.stage + 1} of {one.stages.length}
                      </td>
                      <td data-name="Begun">
                        <When time={one.created_at} />
                        <span className="fl-sub">{one.created_by?.email ?? "by an API key"}</span>
                      </td>
                      <td data-name="Ended">
                        <When time={one.finished_at} />
                      </td>
                    </Row>
                  );
                })}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      {offered.data && <Begin opened={beginning} version={offered.data.version} onClose={() => setBeginning(false)} />}
    </Page>
  );
}
