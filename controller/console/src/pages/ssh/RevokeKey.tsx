import { useQueryClient } from "@tanstack/react-query";
import { useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { keys } from "../../api/keys";
import { revokeSshKey } from "../../api/sshKeys";
import type { Server, SshKey } from "../../api/types";
import { Confirm } from "../../ui/Confirm";

export function RevokeKey({ server, one, onClose }: { server: Server; one: SshKey | null; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: (id: string, key) => revokeSshKey(org, server.id, id, key),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.sshKeys(org, server.id) });
      tell(server.status === "online" ? "The server is asked to take the key away." : "The key goes when the server is back.");
      onClose();
    },
    quiet: true,
  });
  return (
    <Confirm opened={one !== null} onClose={onClose} title={`Revoke “${one?.label ?? ""}”?`} act="Revoke" onConfirm={() => one && revoke.mutate(one.id)} busy={revoke.isPending} error={revoke.error}>
      {one &&
        (one.state === "missing"
          ? "The server does not have it any more; it goes from this list."
          : `Nobody gets in to ${server.name} as ${one.user} by this key any more, and sessions that began with it end. What is in ${one.user}'s own authorized_keys stays as it is.`)}
    </Confirm>
  );
}
