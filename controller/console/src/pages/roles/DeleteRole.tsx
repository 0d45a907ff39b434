import { Modal, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Role } from "../../api/types";
import { useAct } from "../../app/act";
import { useHref, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { LinkTo } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

export function DeleteRole({ role, onClose }: { role: Role | null; onClose: () => void }) {
  return (
    <Modal opened={role !== null} onClose={onClose} title={`Delete the role ${role?.name ?? ""}?`}>
      {role && <Inside role={role} onClose={onClose} />}
    </Modal>
  );
}

function Inside({ role, onClose }: { role: Role; onClose: () => void }) {
  const org = useOrg();
  const href = useHref();
  const client = useQueryClient();
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/roles/{role}", { params: { path: { org, role: role.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.roles(org) });
      onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        remove.mutate();
      }}
    >
      <Stack>
        {role.members > 0 ? (
          <p>
            {count(role.members, "member")} {role.members === 1 ? "has" : "have"} it. Give them another role first, on the page <LinkTo href={href("/members")}>Members</LinkTo>.
          </p>
        ) : (
          <p>Nobody has it. It cannot be brought back; it can be made anew.</p>
        )}
        {remove.error && <ProblemNote error={remove.error} />}
        <FormEnd act="Delete role" busy={remove.isPending} disabled={role.members > 0} danger onCancel={onClose} />
      </Stack>
    </form>
  );
}
