import { Modal, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { ConnectGrant } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

/** Takes back what was given, or gives back what was received: either ends the grant and its sessions. */
export function RevokeGrant({ grant, side, onClose }: { grant: ConnectGrant | null; side: "given" | "received"; onClose: () => void }) {
  const title = side === "given" ? `Take back the access of ${grant?.agency.name ?? ""}?` : `Give back the access to ${grant?.client.name ?? ""}?`;
  return (
    <Modal opened={grant !== null} onClose={onClose} title={title}>
      {grant && <Inside grant={grant} side={side} onClose={onClose} />}
    </Modal>
  );
}

function Inside({ grant, side, onClose }: { grant: ConnectGrant; side: "given" | "received"; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/connect/grants/{grant}", { params: { path: { org, grant: grant.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.grants(org) });
      void client.invalidateQueries({ queryKey: keys.connects(org) });
      onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        revoke.mutate();
      }}
    >
      <Stack>
        <p>
          Sessions that are open end at once. {side === "given" ? "To let them in again, grant it anew." : "Only the client can grant it anew."}
        </p>
        {revoke.error && <ProblemNote error={revoke.error} />}
        <FormEnd act={side === "given" ? "Take back" : "Give back"} busy={revoke.isPending} danger focused onCancel={onClose} />
      </Stack>
    </form>
  );
}
