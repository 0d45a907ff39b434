import { Button, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Member } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useAccess, useGo, useOrg } from "../../app/access";
import { roleTitle } from "../../lib/roles";
import { FormEnd } from "../../ui/FormEnd";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { useOwnerAct } from "./act";

export function Ownership({ member }: { member: Member }) {
  const { session } = useAccess();
  const self = member.id === session.user.id;
  const [opened, dialog] = useDisclosure(false);
  const change = useOwnerAct(member);
  const who = self ? "you" : member.name || member.email;
  return (
    <Panel title="Ownership" hint="Owners hold every permission. They alone change the plan, name owners and delete the organization.">
      <Button variant="default" onClick={dialog.open}>
        {member.owner ? (self ? "Give up ownership" : "Withdraw ownership") : "Make owner"}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={member.owner ? `Withdraw ownership from ${who}?` : `Make ${who} an owner?`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(!member.owner, { onSuccess: dialog.close });
          }}
        >
          <Stack>
            <p>
              {member.owner
                ? `${self ? "You keep" : "They keep"} the role ${roleTitle(member)}. An organization always has an owner: the last one cannot be withdrawn.`
                : "They can then do all that you can, also withdraw your ownership and delete the organization."}
            </p>
            {change.error && <ProblemNote error={change.error} />}
            <FormEnd act={member.owner ? "Withdraw" : "Make owner"} busy={change.isPending} danger={member.owner} onCancel={dialog.close} />
          </Stack>
        </form>
      </Modal>
    </Panel>
  );
}

export function Remove({ member }: { member: Member }) {
  const org = useOrg();
  const go = useGo();
  const client = useQueryClient();
  const [opened, dialog] = useDisclosure(false);
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/members/{user}", { params: { path: { org, user: member.id } } })),
    done: () => {
      tell(`${member.name || member.email} is a member no more.`);
      go("/members");
      void client.invalidateQueries({ queryKey: keys.members(org), exact: true });
      void client.invalidateQueries({ queryKey: keys.self(org) });
    },
    quiet: true,
  });
  return (
    <Panel title="Remove" hint="Their open windows of this organization close at once.">
      <Button color="signal" variant="light" onClick={dialog.open}>
        Remove from the organization
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={`Remove ${member.name || member.email}?`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            remove.mutate();
          }}
        >
          <Stack>
            <p>They lose all access here at once, and the API keys they made stop working. What they did stays in the audit log. A new invitation brings them back.</p>
            {remove.error && <ProblemNote error={remove.error} />}
            <FormEnd act="Remove" busy={remove.isPending} danger onCancel={dialog.close} />
          </Stack>
        </form>
      </Modal>
    </Panel>
  );
}
