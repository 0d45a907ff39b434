import { ActionIcon, Menu, Modal, Select, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Webhook, WebhookWithSecret } from "../../api/types";
import { useAct } from "../../app/act";
import { useGo, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { graces } from "../../lib/graces";
import { nameOf } from "../../lib/webhooks";
import { Confirm } from "../../ui/Confirm";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { Once } from "../../ui/Once";
import { ProblemNote } from "../../ui/Problem";
import { Verify } from "./Verify";
import { WebhookForm } from "./WebhookForm";

type Open = "edit" | "rotate" | "off" | "delete";

export function WebhookActs({ webhook }: { webhook: Webhook }) {
  const may = useMay();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const name = nameOf(webhook);
  if (!may("webhooks.edit") && !may("webhooks.rotate") && !may("webhooks.delete")) return null;
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={`Acts on ${name}`}>
            <Icon name="dots" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {may("webhooks.edit") && <Menu.Item onClick={() => setOpen("edit")}>Change…</Menu.Item>}
          {may("webhooks.rotate") && <Menu.Item onClick={() => setOpen("rotate")}>New secret…</Menu.Item>}
          {may("webhooks.edit") && webhook.state === "active" && <Menu.Item onClick={() => setOpen("off")}>Turn off…</Menu.Item>}
          {may("webhooks.delete") && (
            <Menu.Item color="signal" onClick={() => setOpen("delete")}>
              Delete…
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={open === "edit"} onClose={close} size="lg" title={`Change ${name}`}>
        <WebhookForm webhook={webhook} onDone={close} onCancel={close} />
      </Modal>
      <Rotate webhook={webhook} opened={open === "rotate"} onClose={close} />
      <TurnOff webhook={webhook} opened={open === "off"} onClose={close} />
      <Delete webhook={webhook} opened={open === "delete"} onClose={close} />
    </>
  );
}

interface Props {
  webhook: Webhook;
  opened: boolean;
  onClose: () => void;
}

function Rotate({ webhook, opened, onClose }: Props) {
  const [secret, setSecret] = useState<string | null>(null);
  const end = () => {
    setSecret(null);
    onClose();
  };
  return (
    <Modal opened={opened} onClose={end} size="lg" title={`A new secret for ${nameOf(webhook)}`} closeOnClickOutside={!secret}>
      {secret ? (
        <Once label="The new secret" value={secret} below={<Verify />} done="I have stored it" onDone={end}>
          Give it to the receiver {webhook.old_secret_until ? "before the old one ends" : "now: the old one has ended"}.
        </Once>
      ) : (
        <RotateForm webhook={webhook} onDone={setSecret} onCancel={end} />
      )}
    </Modal>
  );
}

function RotateForm({ webhook, onDone, onCancel }: { webhook: Webhook; onDone: (secret: string) => void; onCancel: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [grace, setGrace] = useState("86400");
  const rotate = useAct<void, WebhookWithSecret>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/webhooks/{webhook}/rotate-secret", { params: { path: { org, webhook: webhook.id }, header: { "Idempotency-Key": key } }, body: { grace_s: Number(grace) } })),
    done: (answer) => {
      client.setQueryData<Webhook>(keys.webhook(org, webhook.id), answer.webhook);
      onDone(answer.secret);
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
          label="The old secret signs too for"
          description={
            grace === "0"
              ? "From now on everything is signed by the new secret alone. Choose this if the old one leaked: what the receiver gets before it has the new one, it will refuse; that is sent again later."
              : "Meanwhile everything is signed by both, so the receiver can take the new secret at any time without missing anything."
          }
          data={graces}
          value={grace}
          onChange={(value) => value && setGrace(value)}
          allowDeselect={false}
        />
        {webhook.old_secret_until && <p className="fl-dim">The secret before the present one still signs too. It ends with this.</p>}
        {rotate.error && <ProblemNote error={rotate.error} />}
        <FormEnd act="Make a new secret" busy={rotate.isPending} danger={grace === "0"} onCancel={onCancel} />
      </Stack>
    </form>
  );
}

function TurnOff({ webhook, opened, onClose }: Props) {
  const org = useOrg();
  const client = useQueryClient();
  const off = useAct({
    run: (_: void) => need(api.PATCH("/api/v1/orgs/{org}/webhooks/{webhook}", { params: { path: { org, webhook: webhook.id } }, body: { enabled: false } })),
    done: (now) => {
      client.setQueryData<Webhook>(keys.webhook(org, webhook.id), now);
      void client.invalidateQueries({ queryKey: keys.deliveries(org, webhook.id) });
      onClose();
    },
    quiet: true,
  });
  return (
    <Confirm opened={opened} onClose={onClose} title={`Turn ${nameOf(webhook)} off?`} act="Turn off" onConfirm={() => off.mutate()} busy={off.isPending} error={off.error}>
      What happens while it is off is not sent later. {webhook.waiting > 0 && `${count(webhook.waiting, "delivery", "deliveries")} that ${webhook.waiting === 1 ? "waits ends" : "wait end"} as failed; you can send them again once it is on.`}
    </Confirm>
  );
}

function Delete({ webhook, opened, onClose }: Props) {
  const org = useOrg();
  const go = useGo();
  const client = useQueryClient();
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/webhooks/{webhook}", { params: { path: { org, webhook: webhook.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.webhooks(org) });
      go("/settings/webhooks");
    },
    quiet: true,
  });
  return (
    <Confirm opened={opened} onClose={onClose} title={`Delete ${nameOf(webhook)}?`} act="Delete" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
      Its secret and the list of its deliveries go with it; this cannot be taken back. What still waits is not sent. To stop it for a while, turn it off instead.
    </Confirm>
  );
}
