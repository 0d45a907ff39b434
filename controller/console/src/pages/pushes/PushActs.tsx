import { ActionIcon, Menu, Modal, Select, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Environment, PushDeploy, PushDeploySecret } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { keeps } from "../../lib/pushes";
import { Confirm } from "../../ui/Confirm";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { ProblemNote } from "../../ui/Problem";

interface Props {
  environment: Environment;
  now: PushDeploy;
  edit: boolean;
  onSecret: (secret: string) => void;
}

export function PushActs({ environment, now, edit, onSecret }: Props) {
  const [open, setOpen] = useState<"rotate" | "delete" | null>(null);
  const close = () => setOpen(null);
  if (!edit) return null;
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="Acts on push deploys">
            <Icon name="dots" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setOpen("rotate")}>New secret…</Menu.Item>
          <Menu.Item color="signal" onClick={() => setOpen("delete")}>
            Take down…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal opened={open === "rotate"} onClose={close} title="A new secret">
        <Rotate environment={environment} now={now} onCancel={close} onSecret={onSecret} />
      </Modal>
      <TakeDown environment={environment} opened={open === "delete"} onClose={close} />
    </>
  );
}

function Rotate({ environment, now, onCancel, onSecret }: { environment: Environment; now: PushDeploy; onCancel: () => void; onSecret: (secret: string) => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [keep, setKeep] = useState("3600");
  const rotate = useAct<void, PushDeploySecret>({
    run: (_, key) =>
      need(api.POST("/api/v1/orgs/{org}/environments/{environment}/push-deploy/rotate", { params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } }, body: { keep_old_s: Number(keep) } })),
    done: ({ push_deploy, secret }) => {
      client.setQueryData(keys.pushDeploy(org, environment.id), push_deploy);
      onSecret(secret);
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        rotate.mutate();
      }}
    >
      <Stack>
        <Select
          label="The old secret counts for"
          description={keep === "0" ? "From now on only the new one counts. Choose this if the old one leaked: pushes are refused until you have entered the new one." : "Time to enter the new one at each repository. The address stays."}
          data={keeps}
          value={keep}
          onChange={(value) => value && setKeep(value)}
          allowDeselect={false}
        />
        {now.old_secret_until && <p className="fl-dim">The secret before the present one still counts. It ends with this.</p>}
        {rotate.error && <ProblemNote error={rotate.error} />}
        <FormEnd act="Make a new secret" busy={rotate.isPending} danger={keep === "0"} onCancel={onCancel} />
      </Stack>
    </form>
  );
}

function TakeDown({ environment, opened, onClose }: { environment: Environment; opened: boolean; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/push-deploy", { params: { path: { org, environment: environment.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.pushDeploy(org, environment.id) });
      void client.invalidateQueries({ queryKey: keys.pushes(org, environment.id) });
      onClose();
    },
    quiet: true,
  });
  return (
    <Confirm opened={opened} onClose={onClose} title="Take push deploys down?" act="Take down" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
      Address, secret and the list of pushes go; this cannot be taken back. A push that waits is not deployed any more. Remove the webhook at the repositories too: they would go on sending to an address that is refused. To stop
      for a while, turn push deploys off instead.
    </Confirm>
  );
}
