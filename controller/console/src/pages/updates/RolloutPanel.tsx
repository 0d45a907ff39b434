import { Alert, Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { keys } from "../../api/keys";
import type { AgentRolloutServer } from "../../api/types";
import { actOnRollout, rolloutQuery, type RolloutAct } from "../../api/updates";
import { useAct } from "../../app/act";
import { May, useHref, useOrg } from "../../app/access";
import { isOver, memberStates, rolloutStates, soakWords, stageName, stageWords } from "../../lib/updates";
import { Facts, LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** One roll-out: its stages, its servers, and what can be done with it. */
export function RolloutPanel({ id }: { id: string }) {
  const org = useOrg();
  const client = useQueryClient();
  const rollout = useQuery(rolloutQuery(org, id));
  const act = useAct({
    run: (what: RolloutAct, key) => actOnRollout(org, id, what, key),
    done: () => void client.invalidateQueries({ queryKey: keys.rollouts(org) }),
  });
  const button = (what: RolloutAct, label: string) => (
    <Button size="xs" variant="default" onClick={() => act.mutate(what)} loading={act.isPending && act.variables === what}>
      {label}
    </Button>
  );
  const now = rollout.data;
  const acts = now && !isOver(now) && (
    <May permission="servers.update_agent">
      {now.state === "running" ? button("pause", "Pause") : button("resume", "Resume")}
      {button("cancel", "Cancel")}
    </May>
  );
  return (
    <>
      <Panel title={now ? `Roll-out of ${now.version}` : "Roll-out"} actions={acts}>
        <Loaded query={rollout}>
          {(one) => (
            <div className="fl-stack">
              {one.state === "stopped" && (
                <Alert color="signal" icon={<Icon name="warning" />} title="It stopped by itself">
                  {one.reason} No further server is asked. Begin another roll-out when that is put right.
                </Alert>
              )}
              <Facts
                items={[
                  ["State", <Lamp key="state" tone={rolloutStates[one.state][0]} pulse={one.state === "running"}>{rolloutStates[one.state][1]}</Lamp>],
                  ...one.stages.map((stage, at): [string, string] => [
                    `${at + 1}. ${stageName(stage)}`,
                    stageWords(stage) + (at === one.stage && !isOver(one) ? (one.healthy_since ? " · all well" : " · now") : ""),
                  ]),
                ]}
              />
              <p className="fl-dim fl-words">{soakWords(one.soak_s)} Servers that are away are asked when they come.</p>
            </div>
          )}
        </Loaded>
      </Panel>
      {now && (
        <Panel title="Its servers" flush>
          <Members servers={now.servers} />
        </Panel>
      )}
    </>
  );
}

function Members({ servers }: { servers: AgentRolloutServer[] }) {
  const href = useHref();
  return (
    <Table label="Servers of the roll-out" head={["Server", "Stage", "State", "Before", "Changed"]}>
      {servers.map((server) => {
        const [tone, word] = memberStates[server.state];
        return (
          <Row key={server.server_id}>
            <td>
              <LinkTo href={href(`/servers/${server.server_id}`)}>{server.server_name}</LinkTo>
              {server.problem && <span className="fl-sub">{server.problem}</span>}
            </td>
            <td data-name="Stage">{server.stage + 1}</td>
            <td data-name="State" className="fl-quiet">
              <Lamp tone={tone} pulse={server.state === "updating"}>
                {word}
              </Lamp>
              {server.operation_id && <LinkTo href={href(`/operations/${server.operation_id}`)}>operation</LinkTo>}
            </td>
            <td data-name="Before">{server.from_version ?? "–"}</td>
            <td data-name="Changed">
              <When time={server.updated_at} />
            </td>
          </Row>
        );
      })}
    </Table>
  );
}
