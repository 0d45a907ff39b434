import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { invitationsQuery } from "../../api/members";
import type { Invitation } from "../../api/types";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { roleTitle } from "../../lib/roles";
import { FormEnd } from "../../ui/FormEnd";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** Those that can still be used; none: nothing is shown. */
export function Invitations() {
  const org = useOrg();
  const may = useMay();
  const all = useQuery(invitationsQuery(org));
  const [ending, setEnding] = useState<Invitation | null>(null);
  if (all.error) return <ProblemNote error={all.error} retry={() => void all.refetch()} />;
  const list = all.data?.filter((one) => one.status === "open") ?? [];
  if (!list.length) return null;
  return (
    <Panel title="Open invitations" flush>
      <Table label="Open invitations" head={["For", "Role", "Projects", "Used", "Ends", "Invited by", { label: "Acts", hidden: true, className: "fl-acts" }]}>
        {list.map((one) => (
          <Row key={one.id}>
            <td>
              <strong>{one.email ?? "Whoever has the link"}</strong>
            </td>
            <td data-name="Role">{roleTitle(one)}</td>
            <td data-name="Projects">{one.projects === null ? "all" : count(one.projects.length, "project")}</td>
            <td data-name="Used">
              {one.uses} of {one.max_uses}
            </td>
            <td data-name="Ends">
              <When time={one.expires_at} />
            </td>
            <td data-name="Invited by">{one.created_by.email}</td>
            <td className="fl-acts">
              {may("invitations.revoke") && (
                <Button size="compact-xs" variant="default" onClick={() => setEnding(one)} aria-label={`Revoke the invitation for ${one.email ?? "whoever has the link"}`}>
                  Revoke
                </Button>
              )}
            </td>
          </Row>
        ))}
      </Table>
      <Modal opened={ending !== null} onClose={() => setEnding(null)} title="Revoke this invitation?">
        {ending && <Revoke one={ending} onDone={() => setEnding(null)} />}
      </Modal>
    </Panel>
  );
}

function Revoke({ one, onDone }: { one: Invitation; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/invitations/{invitation}", { params: { path: { org, invitation: one.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.invitations(org) });
      onDone();
    },
    quiet: true,
  });
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        revoke.mutate();
      }}
    >
      <p>Its link stops working. Who has joined by it stays a member.</p>
      {revoke.error && <ProblemNote error={revoke.error} />}
      <FormEnd act="Revoke" busy={revoke.isPending} danger focused onCancel={onDone} />
    </form>
  );
}
