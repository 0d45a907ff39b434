import { Alert, Checkbox, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useGo, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { serversQuery } from "../../api/servers";
import type { Environment } from "../../api/types";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Icon } from "../../ui/Icon";
import { useTaken } from "./taken";

export function Delete({ environment, opened, onClose }: { environment: Environment; opened: boolean; onClose: () => void }) {
  const org = useOrg();
  const go = useGo();
  const client = useQueryClient();
  const taken = useTaken();
  const may = useMay();
  const server = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data?.find((one) => one.id === environment.server_id);
  const [drop, setDrop] = useState(false);
  const [backup, setBackup] = useState(true);
  const last = drop && environment.backup.enabled && environment.current_release != null;
  const remove = useAct({
    run: () =>
      need(
        api.DELETE("/api/v1/orgs/{org}/environments/{environment}", {
          params: {
            path: { org, environment: environment.id },
            query: { drop_data: drop, ...(last && !backup ? { skip_backup: true } : {}) },
            header: { "X-Confirm": confirmHeader(environment.name) },
          },
        }),
      ),
    done: (operation) => {
      onClose();
      if (operation) return taken(operation);
      void client.invalidateQueries({ queryKey: keys.environments(org) });
      go("/environments");
    },
    quiet: true,
  });
  return (
    <ConfirmName
      opened={opened}
      onClose={onClose}
      title={`Delete ${environment.name}`}
      name={environment.name}
      act={drop ? "Delete with all data" : "Delete"}
      onConfirm={() => remove.mutate()}
      busy={remove.isPending}
      error={remove.error}
    >
      {server?.status === "revoked" ? (
        <p>Its server {server.name} is revoked, so nothing can be done there: the environment is forgotten here, and stays on the machine as it is.</p>
      ) : (
        <Stack gap="sm">
          <p>Odoo is stopped and the environment's releases, unit and user are taken off the server.</p>
          <Checkbox
            checked={drop}
            onChange={(e) => setDrop(e.currentTarget.checked)}
            label="Also drop the database and the filestore"
            description="Cannot be undone. Without this they stay on the server."
          />
          {last && (
            <Checkbox
              checked={backup}
              onChange={(e) => setBackup(e.currentTarget.checked)}
              label="Make a last backup first"
              description="To its storage; nothing is dropped unless it succeeds. It stays after the environment is gone."
            />
          )}
          {drop && environment.type === "production" && (
            <Alert color="signal" icon={<Icon name="warning" />}>
              This is a production environment.
            </Alert>
          )}
        </Stack>
      )}
    </ConfirmName>
  );
}
