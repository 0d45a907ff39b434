import { Modal, NumberInput, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { keys } from "../../api/keys";
import { mailSettingsQuery, setMailSettings } from "../../api/mail";
import type { Environment, MailSettings } from "../../api/types";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { SwitchRow } from "../../ui/SwitchRow";

const MiB = 1024 * 1024;

/** Whether mail is captured, and how much of it stays. */
export function MailSettingsForm({ environment, settings, onClose }: { environment: Environment; settings: MailSettings; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [capture, setCapture] = useState(settings.capture);
  const [days, setDays] = useState(settings.keep_days);
  const [messages, setMessages] = useState(settings.keep_messages);
  const [room, setRoom] = useState(Math.round(settings.keep_bytes / MiB));
  const act = useAct({
    run: () => setMailSettings(org, environment.id, { capture, keep_days: days, keep_messages: messages, keep_bytes: room * MiB }),
    done: (out) => {
      client.setQueryData(mailSettingsQuery(org, environment).queryKey, out.settings);
      void client.invalidateQueries({ queryKey: keys.mail(org, environment.id) });
      if (capture !== settings.captured) tell(capture ? "Its mail is captured from the next deployment on." : "Its mail is sent from the next deployment on.", "Deploy to apply it");
      else tell("How much mail stays is set.");
      onClose();
    },
    quiet: true,
  });
  const number = (value: string | number) => Math.round(Number(value)) || 0;
  return (
    <Modal opened onClose={onClose} title={`Captured mail of ${environment.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate();
        }}
      >
        <Stack gap="md">
          <SwitchRow title="Capture mail" on={capture} onChange={setCapture}>
            What Odoo sends by SMTP stays on the server, whichever mail server it means. Counts from the next deployment on.
          </SwitchRow>
          <NumberInput label="Days that a message stays" value={days} onChange={(value) => setDays(number(value))} min={1} max={365} allowDecimal={false} error={act.error?.field("keep_days")} />
          <NumberInput label="Messages at most" description="The oldest go first." value={messages} onChange={(value) => setMessages(number(value))} min={1} max={50_000} allowDecimal={false} error={act.error?.field("keep_messages")} />
          <NumberInput label="Room on the server, in MiB" value={room} onChange={(value) => setRoom(number(value))} min={64} max={65_536} allowDecimal={false} error={act.error?.field("keep_bytes")} />
          {act.error && <ProblemNote error={act.error} />}
          <FormEnd act="Save" busy={act.isPending} onCancel={onClose} />
        </Stack>
      </form>
    </Modal>
  );
}
