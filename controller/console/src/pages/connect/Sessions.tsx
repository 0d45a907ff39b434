import { Button, SegmentedControl } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { connectSessionsQuery } from "../../api/connect";
import { keys } from "../../api/keys";
import type { ConnectSession } from "../../api/types";
import { useAct } from "../../app/act";
import { useHas, useHref, useMay, useOrg } from "../../app/access";
import { endedBecause } from "../../lib/connect";
import { LinkTo } from "../../ui/bits";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { useNow, When } from "../../ui/time";

export function Sessions() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const has = useHas();
  const client = useQueryClient();
  const now = useNow();
  const [state, setState] = useState<"all" | "open">("all");
  const sessions = useInfiniteQuery(connectSessionsQuery(org, state));
  const end = useAct({
    run: (one: ConnectSession, key) =>
      need(api.POST("/api/v1/orgs/{org}/connect/sessions/{connect_session}/end", { params: { path: { org, connect_session: one.id }, header: { "Idempotency-Key": key } } })),
    done: () => void client.invalidateQueries({ queryKey: keys.connects(org) }),
  });
  return (
    <Panel flush>
      <div className="fl-filters">
        <SegmentedControl
          size="xs"
          aria-label="Which sessions"
          value={state}
          onChange={(value) => setState(value as "all" | "open")}
          data={[
            { value: "all", label: "All" },
            { value: "open", label: "Open now" },
          ]}
        />
      </div>
      <Loaded query={sessions}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          if (!list.length) {
            return (
              <Empty icon="connect" title={state === "open" ? "Nobody is at work" : "No session yet"}>
                Who works here for an agency, or from here at a client’s, is listed with the reason they gave.
              </Empty>
            );
          }
          return (
            <Table label="Connect-As sessions" head={["Who", "For, and where", "Why", "Began", "State", { label: "Acts", hidden: true, className: "fl-acts" }]}>
              {list.map((one) => {
                const open = one.ended_at === null && Date.parse(one.expires_at) > now;
                return (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.user.email}</strong>
                      {may("audit.view") && has("audit_log") && (
                        <span className="fl-sub">
                          <LinkTo href={`${href("/audit")}?connect=${one.id}`}>what they did</LinkTo>
                        </span>
                      )}
                    </td>
                    <td data-name="For">
                      {one.agency.name}
                      <span className="fl-sub">in {one.client.name}</span>
                    </td>
                    <td data-name="Why">{one.reason}</td>
                    <td data-name="Began">
                      <When time={one.started_at} />
                    </td>
                    <td data-name="State" className="fl-quiet">
                      {open ? (
                        <>
                          <Lamp tone="busy">Open</Lamp>
                          <span className="fl-sub">
                            ends <When time={one.expires_at} />
                          </span>
                        </>
                      ) : (
                        <>
                          <Lamp tone="dim">Over</Lamp>
                          <span className="fl-sub">{endedBecause(one.ended_because ?? "expired")}</span>
                        </>
                      )}
                    </td>
                    <td className="fl-acts">
                      {open && may("connect.end") && (
                        <Button size="compact-xs" variant="default" onClick={() => end.mutate(one)} aria-label={`End the session of ${one.user.email}`}>
                          End
                        </Button>
                      )}
                    </td>
                  </Row>
                );
              })}
            </Table>
          );
        }}
      </Loaded>
      <More of={sessions}>Older sessions</More>
    </Panel>
  );
}
