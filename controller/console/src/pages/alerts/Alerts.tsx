import { Tabs } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { alertsQuery } from "../../api/alerts";
import type { Alert } from "../../api/types";
import { useHref, useOrg } from "../../app/access";
import { pathOf, valueWords } from "../../lib/alerts";
import { More } from "../../ui/More";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { Rules } from "./Rules";

export default function Alerts({ tab = "firing" }: { tab?: string }) {
  const href = useHref();
  const [, navigate] = useLocation();
  const base = href("/alerts");
  return (
    <Page title="Alerts" lead="Told once when something is not as it should be, and once when it is over: by mail, and to webhooks.">
      <Tabs value={tab} onChange={(to) => navigate(to === "firing" ? base : `${base}/${to}`, { replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="firing">Now</Tabs.Tab>
          <Tabs.Tab value="past">Past</Tabs.Tab>
          <Tabs.Tab value="rules">Rules</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="firing">
          <List state="firing" />
        </Tabs.Panel>
        <Tabs.Panel value="past">
          <List state="past" />
        </Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

const lamps = { firing: ["bad", "Firing"], cleared: ["good", "Over"], ended: ["dim", "Ended"] } as const;

function List({ state }: { state: "firing" | "past" }) {
  const alerts = useInfiniteQuery(alertsQuery(useOrg(), state));
  return (
    <Panel flush>
      <Loaded query={alerts}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          if (list.length) return <Shown alerts={list} past={state === "past"} />;
          return state === "firing" ? (
            <Empty icon="check" title="Nothing fires">
              Nothing that a rule is about is bad for as long as the rule says. Which rules there are, and who is told, is under Rules.
            </Empty>
          ) : (
            <Empty icon="bell" title="Nothing has fired yet">
              Alerts that are over stand here for 30 days.
            </Empty>
          );
        }}
      </Loaded>
      <More of={alerts}>Older alerts</More>
    </Panel>
  );
}

function Shown({ alerts, past }: { alerts: Alert[]; past: boolean }) {
  const href = useHref();
  return (
    <Table label={past ? "Past alerts" : "Alerts that fire"} head={["About", "State", { label: "Value", className: "fl-num" }, "Began", ...(past ? ["Over"] : [])]}>
      {alerts.map((one) => {
        const [tone, word] = lamps[one.state];
        return (
          <Row key={one.id} href={href(pathOf(one))}>
            <td>
              <Link href={href(pathOf(one))} className="fl-name">
                {one.subject.name}
              </Link>
              <span className="fl-sub">{one.rule_name}</span>
            </td>
            <td data-name="State">
              <Lamp tone={tone}>{word}</Lamp>
              {one.state === "ended" && <span className="fl-sub">its rule, or what it was about, is gone</span>}
            </td>
            <td data-name="Value" className="fl-num">
              {valueWords(one)}
            </td>
            <td data-name="Began" className="fl-quiet">
              <When time={one.fired_at} />
            </td>
            {past && (
              <td data-name="Over" className="fl-quiet">
                <When time={one.ended_at} />
              </td>
            )}
          </Row>
        );
      })}
    </Table>
  );
}
