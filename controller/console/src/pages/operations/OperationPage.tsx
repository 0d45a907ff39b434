import type { ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { useHref, useOrg } from "../../app/access";
import { operationQuery } from "../../api/operations";
import { serversQuery } from "../../api/servers";
import { isFinal } from "../../live/reduce";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { askedBy, kindName, OperationLamp } from "../../ui/status";
import { CopyPanel } from "../backups/CopyPanel";
import { Took } from "./Operations";
import { CancelButton, OperationView, TargetLink } from "./OperationView";

export default function OperationPage({ operation: id }: { operation: string }) {
  const org = useOrg();
  const href = useHref();
  const operation = useQuery(operationQuery(org, id));
  const servers = useQuery(serversQuery(org)).data;
  return (
    <Loaded query={operation}>
      {(one) => {
        const server = servers?.find((s) => s.id === one.server_id);
        return (
          <Page
            title={`${kindName(one.kind)} ${one.target.name}`}
            back={{ href: href("/operations"), label: "Operations" }}
            lead={
              <>
                <OperationLamp operation={one} />
                <span>
                  <Took operation={one} />
                </span>
              </>
            }
            actions={<CancelButton operation={one} />}
          >
            <div className="fl-two">
              <div className="fl-stack">
                <CopyPanel of={{ operation: one.id }} />
                <Panel title={isFinal(one.state) ? "What happened" : "Under way"}>
                  <OperationView operation={one} logAtFirst key={one.id} />
                </Panel>
              </div>
              <Panel title="About">
                <Facts
                  items={[
                    [one.target.type === "environment" ? "Environment" : "Server", <TargetLink key="t" operation={one} />],
                    ...(one.target.type === "environment"
                      ? ([["Server", server ? <LinkTo key="s" href={href(`/servers/${server.id}`)}>{server.name}</LinkTo> : null]] as [string, ReactNode][])
                      : []),
                    ["Asked by", askedBy(one)],
                    ...(one.note ? ([["Note", one.note]] as [string, ReactNode][]) : []),
                    ["Asked", <When key="c" time={one.created_at} />],
                    ["Delivered", <When key="d" time={one.delivered_at} />],
                    ["Began", <When key="b" time={one.started_at} />],
                    ["Ended", <When key="f" time={one.finished_at} />],
                    ["Id", <Mono key="i">{one.id}</Mono>],
                  ]}
                />
              </Panel>
            </div>
          </Page>
        );
      }}
    </Loaded>
  );
}
