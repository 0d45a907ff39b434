import { Button, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { supportQuery } from "../../api/support";
import type { SupportAccess } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useAccess, useOrg } from "../../app/access";
import { Expiry, type Lifetime, seconds } from "../../ui/Expiry";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** Whether whoever runs this installation may look at the organization, to help. */
export default function Support() {
  const { org } = useAccess();
  const grants = useQuery(supportQuery(org.id));
  return (
    <Loaded query={grants}>
      {(list) => {
        const open = list.find((one) => one.status === "open");
        return (
          <div className="fl-stack">
            {open ? <Open access={open} /> : org.owner ? <Grant /> : <p className="fl-dim">Closed. An owner of the organization can grant it.</p>}
            <History list={list} />
          </div>
        );
      }}
    </Loaded>
  );
}

const words =
  "Whoever runs this controller sees what the organization has: names, versions, states and numbers. They see no variable, no log, no data of Odoo, and can change nothing. Each look is in your audit log.";

function Open({ access }: { access: SupportAccess }) {
  const org = useOrg();
  const { owner } = useAccess().org;
  const client = useQueryClient();
  const end = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/support-access", { params: { path: { org } } })),
    done: () => {
      tell("Support access has ended.");
      void client.invalidateQueries({ queryKey: keys.support(org) });
    },
  });
  return (
    <Panel title="Support access is open" hint="It ends by itself, or when an owner ends it.">
      <div className="fl-stack">
        <p className="fl-dim">{words}</p>
        <p>
          Until <When time={access.expires_at} />, granted by {access.created_by.email}: {access.reason}
          {access.ticket && ` (${access.ticket})`}
        </p>
        {owner && (
          <div>
            <Button onClick={() => end.mutate()} loading={end.isPending}>
              End it now
            </Button>
          </div>
        )}
      </div>
    </Panel>
  );
}

function Grant() {
  const org = useOrg();
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const [ticket, setTicket] = useState("");
  const [life, setLife] = useState<Lifetime>("day");
  const grant = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/support-access", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: { reason: reason.trim(), expires_in_s: seconds(life), ...(ticket.trim() ? { ticket: ticket.trim() } : {}) },
        }),
      ),
    done: () => void client.invalidateQueries({ queryKey: keys.support(org) }),
    quiet: true,
  });
  const { error } = grant;
  return (
    <Panel title="Let support look" hint="Nobody can see anything of this organization before an owner grants it.">
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          grant.mutate();
        }}
      >
        <p className="fl-dim">{words}</p>
        <Textarea label="Why?" placeholder="Deployments to odoo-fra-1 fail since Monday" maxLength={500} autosize minRows={2} value={reason} onChange={(e) => setReason(e.currentTarget.value)} error={error?.field("reason")} />
        <div className="fl-form-row">
          <TextInput label="Ticket" description="If there is one" maxLength={100} value={ticket} onChange={(e) => setTicket(e.currentTarget.value)} error={error?.field("ticket")} />
          <Expiry label="For" description="It ends by itself" choices={["hour", "day", "week"]} value={life} onChange={setLife} error={error?.field("expires_in_s")} />
        </div>
        {error && <ProblemNote error={error} />}
        <div className="fl-row">
          <Button type="submit" loading={grant.isPending} disabled={!reason.trim()}>
            Grant access
          </Button>
        </div>
      </form>
    </Panel>
  );
}

const states = { open: ["busy", "Open"], expired: ["dim", "Over"], ended: ["dim", "Ended"] } as const;

function History({ list }: { list: SupportAccess[] }) {
  return (
    <Panel title="Granted so far" flush>
      {!list.length ? (
        <Empty icon="shield" title="Never granted">
          Nobody but your members and the agencies you let in has seen this organization.
        </Empty>
      ) : (
        <Table label="Support access" head={["Why", "State", "Granted by", "When", "Until", "Last look"]}>
          {list.map((one) => {
            const [tone, word] = states[one.status];
            return (
              <Row key={one.id}>
                <td>
                  {one.reason}
                  {one.ticket && <span className="fl-sub">{one.ticket}</span>}
                </td>
                <td data-name="State" className="fl-quiet">
                  <Lamp tone={tone}>{word}</Lamp>
                </td>
                <td data-name="Granted by">{one.created_by.email}</td>
                <td data-name="When">
                  <When time={one.created_at} />
                </td>
                <td data-name="Until">
                  <When time={one.ended_at ?? one.expires_at} />
                </td>
                <td data-name="Last look">{one.used_at ? <When time={one.used_at} /> : <span className="fl-dim">none</span>}</td>
              </Row>
            );
          })}
        </Table>
      )}
    </Panel>
  );
}
