import { Button, Modal, Stack, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, need } from "../../api/client";
import { receivedGrantsQuery, rememberVisit, visitQuery } from "../../api/connect";
import { keys } from "../../api/keys";
import type { ConnectGrant } from "../../api/types";
import { useAct } from "../../app/act";
import { useHas, useMay, useOrg } from "../../app/access";
import { FormEnd } from "../../ui/FormEnd";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { WithPlan } from "../../ui/WithPlan";
import { GrantLamp, GrantReach } from "./parts";
import { RevokeGrant } from "./RevokeGrant";

/** What clients granted to this organization. */
export function Clients() {
  const org = useOrg();
  const may = useMay();
  const has = useHas()("connect_as");
  const grants = useQuery(receivedGrantsQuery(org));
  const [entering, setEntering] = useState<ConnectGrant | null>(null);
  const [declining, setDeclining] = useState<ConnectGrant | null>(null);
  return (
    <div className="fl-stack">
      {!has && <WithPlan feature="connect_as">Sessions in clients’ organizations</WithPlan>}
      <Panel flush>
        <Loaded query={grants}>
          {(list) =>
            !list.length ? (
              <Empty icon="connect" title="No client let you in yet">
                A client opens Connect-As in their own organization and grants you access there. Tell them this organization’s address or id: both stand in its settings.
              </Empty>
            ) : (
              <Table label="Clients" head={["Client", "State", "You may", "Until", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {list.map((one) => (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.client.name}</strong>
                      {one.note && <span className="fl-sub">{one.note}</span>}
                    </td>
                    <td data-name="State" className="fl-quiet">
                      <GrantLamp status={one.status} />
                    </td>
                    <td data-name="You may">
                      <GrantReach grant={one} />
                    </td>
                    <td data-name="Until">
                      <When time={one.expires_at} />
                    </td>
                    <td className="fl-acts">
                      {one.status === "open" && (
                        <span className="fl-row" style={{ justifyContent: "flex-end", flexWrap: "nowrap" }}>
                          {may("connect.revoke") && (
                            <Button size="compact-xs" variant="subtle" onClick={() => setDeclining(one)} aria-label={`Give back the grant of ${one.client.name}`}>
                              Give back
                            </Button>
                          )}
                          {has && (
                            <Button size="compact-xs" onClick={() => setEntering(one)} aria-label={`Work in ${one.client.name}`}>
                              Work there
                            </Button>
                          )}
                        </span>
                      )}
                    </td>
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <Modal opened={entering !== null} onClose={() => setEntering(null)} title={`Work in ${entering?.client.name ?? ""}`}>
        {entering && <Enter grant={entering} onClose={() => setEntering(null)} />}
      </Modal>
      <RevokeGrant grant={declining} side="received" onClose={() => setDeclining(null)} />
    </div>
  );
}

function Enter({ grant, onClose }: { grant: ConnectGrant; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [reason, setReason] = useState("");
  const enter = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/connect/grants/{grant}/redeem", {
          params: { path: { org, grant: grant.id }, header: { "Idempotency-Key": key } },
          body: { reason: reason.trim() },
        }),
      ),
    done: async ({ connect_session }) => {
      rememberVisit(connect_session.expires_at);
      void client.invalidateQueries({ queryKey: keys.connects(org) });
      await client.fetchQuery({ ...visitQuery, staleTime: 0 });
      navigate(`/o/${connect_session.client.id}`);
    },
    quiet: true,
  });
  const { error } = enter;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        enter.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          For an hour, or until you or {grant.client.name} end it. What you do there stands in their audit log under your name.
        </p>
        <Textarea
          label="Why?"
          description={`${grant.client.name} reads it in their log`}
          placeholder="Ticket 4211: invoices are not sent"
          maxLength={500}
          autosize
          minRows={2}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={error?.field("reason")}
          data-autofocus
        />
        {error && !error.field("reason") && <ProblemNote error={error} />}
        <FormEnd act="Begin" busy={enter.isPending} disabled={!reason.trim()} onCancel={onClose} />
      </Stack>
    </form>
  );
}
