import { useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { TunnelKey } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { revokeWords } from "../../lib/tunnelKeys";
import { Confirm } from "../../ui/Confirm";

export function Revoke({ one, onClose }: { one: TunnelKey | null; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: (id: string, key) => need(api.POST("/api/v1/orgs/{org}/tunnel-keys/{tunnel_key}/revoke", { params: { path: { org, tunnel_key: id }, header: { "Idempotency-Key": key } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.tunnelKeys(org) });
      tell("The key is revoked.");
      onClose();
    },
    quiet: true,
  });
  return (
    <Confirm
      opened={one !== null}
      onClose={onClose}
      title={`Revoke the tunnel key …${one?.public_key.slice(-4) ?? ""}?`}
      act="Revoke"
      onConfirm={() => one && revoke.mutate(one.id)}
      busy={revoke.isPending}
      error={revoke.error}
    >
      {one && revokeWords(one)}
    </Confirm>
  );
}
