import { Button, Menu, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { tell, useAct } from "../../app/act";
import { May, useGo, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { agentPackageQuery, updateAgent } from "../../api/updates";
import type { Server } from "../../api/types";
import { canUpdate } from "../../lib/updates";
import { Confirm } from "../../ui/Confirm";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { LabelsInput, parseLabels, writeLabels } from "../../ui/LabelsInput";
import { ProblemNote } from "../../ui/Problem";

export function Acts({ server }: { server: Server }) {
  const org = useOrg();
  const go = useGo();
  const may = useMay();
  const client = useQueryClient();
  const [editing, edit] = useDisclosure(false);
  const [revoking, revoke] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const [updating, update] = useDisclosure(false);
  const [reason, setReason] = useState("");
  const path = { org, server: server.id };

  const ping = useAct({
    run: (_: void, key) =>
      need(api.POST("/api/v1/orgs/{org}/servers/{server}/ping", { params: { path, header: { "Idempotency-Key": key } } })),
    done: (operation) => go(`/operations/${operation.id}`),
  });
  const doRevoke = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/servers/{server}/revoke", {
          params: { path, header: { "Idempotency-Key": key, "X-Confirm": confirmHeader(server.name) } },
          ...(reason.trim() ? { body: { reason: reason.trim() } } : {}),
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.server(org, server.id), now);
      revoke.close();
      tell(`${server.name} is revoked.`);
    },
    quiet: true,
  });
  const doDelete = useAct({
    run: () =>
      need(
        api.DELETE("/api/v1/orgs/{org}/servers/{server}", {
          params: { path, header: { "X-Confirm": confirmHeader(server.name) } },
        }),
      ),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.servers(org) });
      go("/servers");
    },
    quiet: true,
  });

  const offered = useQuery({ ...agentPackageQuery(org), enabled: may("servers.update_agent") });
  const doUpdate = useAct({
    run: (version: string, key) => updateAgent(org, server.id, version, key),
    done: (operation) => go(`/operations/${operation.id}`),
    quiet: true,
  });

  const revoked = server.status === "revoked";
  const updatable = may("servers.update_agent") && canUpdate(server, offered.data);
  const anything = may("servers.edit") || updatable || (!revoked && may("recordings.view")) || (!revoked && may("servers.revoke")) || (revoked && may("servers.delete"));
  return (
    <>
      {!revoked && (
        <May permission="terminals.open">
          <Button variant="default" leftSection={<Icon name="terminal" size={16} />} onClick={() => go(`/servers/${server.id}/terminal`)}>
            Terminal
          </Button>
        </May>
      )}
      {!revoked && (
        <May permission="ssh_keys.view">
          <Button variant="default" leftSection={<Icon name="key" size={16} />} onClick={() => go(`/servers/${server.id}/ssh-keys`)}>
            SSH keys
          </Button>
        </May>
      )}
      {!revoked && (
        <May permission="logs.server">
          <Button variant="default" leftSection={<Icon name="log" size={16} />} onClick={() => go(`/servers/${server.id}/logs`)}>
            Logs
          </Button>
        </May>
      )}
      {!revoked && (
        <May permission="servers.ping">
          <Button variant="default" leftSection={<Icon name="bolt" size={16} />} onClick={() => ping.mutate()} loading={ping.isPending}>
            Ping
          </Button>
        </May>
      )}
      {anything && (
        <Menu>
          <Menu.Target>
            <Button variant="default" rightSection={<Icon name="chevronDown" size={15} />}>
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {may("servers.edit") && (
              <Menu.Item leftSection={<Icon name="pencil" size={16} />} onClick={edit.open}>
                Rename or label
              </Menu.Item>
            )}
            {!revoked && may("recordings.view") && (
              <Menu.Item leftSection={<Icon name="play" size={16} />} onClick={() => go(`/servers/${server.id}/recordings`)}>
                Recordings of terminals
              </Menu.Item>
            )}
            {updatable && (
              <Menu.Item leftSection={<Icon name="download" size={16} />} onClick={update.open}>
                Update the agent…
              </Menu.Item>
            )}
            {!revoked && may("servers.revoke") && (
              <Menu.Item color="signal" leftSection={<Icon name="ban" size={16} />} onClick={revoke.open}>
                Revoke…
              </Menu.Item>
            )}
            {revoked && may("servers.delete") && (
              <Menu.Item color="signal" leftSection={<Icon name="trash" size={16} />} onClick={remove.open}>
                Take off the list…
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      <Confirm
        opened={updating}
        onClose={update.close}
        title={`Update the agent of ${server.name}`}
        act="Update"
        danger={false}
        onConfirm={() => offered.data && doUpdate.mutate(offered.data.version)}
        busy={doUpdate.isPending}
        error={doUpdate.error}
      >
        Agent {server.agent.version} is replaced by {offered.data?.version}. What runs on the server goes on meanwhile. Where the new agent does not reach this controller within a minute, the server puts the old one back by itself.
      </Confirm>
      <Modal opened={editing} onClose={edit.close} title={`Edit ${server.name}`}>
        <Edit server={server} onDone={edit.close} />
      </Modal>
      <ConfirmName
        opened={revoking}
        onClose={revoke.close}
        title={`Revoke ${server.name}`}
        name={server.name}
        act="Revoke"
        onConfirm={() => doRevoke.mutate()}
        busy={doRevoke.isPending}
        error={doRevoke.error}
      >
        <Stack gap="sm">
          <p>
            The link is cut at once and this server's key is refused for ever. What runs on it keeps running, but can no longer be
            deployed to, stopped or watched from here.
          </p>
          <TextInput label="Reason" description="For the audit log" maxLength={500} value={reason} onChange={(e) => setReason(e.currentTarget.value)} error={doRevoke.error?.field("reason")} />
        </Stack>
      </ConfirmName>
      <ConfirmName
        opened={deleting}
        onClose={remove.close}
        title={`Take ${server.name} off the list`}
        name={server.name}
        act="Take off the list"
        onConfirm={() => doDelete.mutate()}
        busy={doDelete.isPending}
        error={doDelete.error}
      >
        The audit log keeps what was done. Nothing on the machine itself changes.
      </ConfirmName>
    </>
  );
}

function Edit({ server, onDone }: { server: Server; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState(server.name);
  const [labels, setLabels] = useState(writeLabels(server.labels));
  const save = useAct({
    run: () =>
      need(
        api.PATCH("/api/v1/orgs/{org}/servers/{server}", {
          params: { path: { org, server: server.id } },
          body: { name: name.trim(), labels: parseLabels(labels) ?? {} },
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.server(org, server.id), now);
      void client.invalidateQueries({ queryKey: keys.servers(org) });
      onDone();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (parseLabels(labels)) save.mutate();
      }}
    >
      <Stack>
        <TextInput label="Name" value={name} maxLength={64} onChange={(e) => setName(e.currentTarget.value)} error={save.error?.field("name")} data-autofocus />
        <LabelsInput value={labels} onChange={setLabels} error={save.error?.field("labels")} />
        {save.error && <ProblemNote error={save.error} />}
        <FormEnd act="Save" busy={save.isPending} disabled={!name.trim()} onCancel={onDone} />
      </Stack>
    </form>
  );
}
