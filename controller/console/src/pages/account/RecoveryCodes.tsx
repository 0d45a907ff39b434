import { Alert, Button, Modal, Stack } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useState } from "react";
import { useSession } from "../../app/session";
import { recoveryText } from "../../lib/recovery";
import { save } from "../../lib/save";
import { Icon } from "../../ui/Icon";

/** Shown once: the controller keeps hashes alone. So the dialog closes by its button, and by nothing that happens in passing. */
export function CodesDialog({ codes, onClose }: { codes: string[] | null; onClose: () => void }) {
  return (
    <Modal opened={codes !== null} onClose={onClose} title="Your recovery codes" closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      {codes && <Codes codes={codes} onClose={onClose} />}
    </Modal>
  );
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const { user, controller } = useSession();
  const [madeAt] = useState(() => new Date());
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <Stack>
      <Alert color="brass" icon={<Icon name="warning" />} title="Keep these now: they are not shown again">
        Each lets you in once, when app and passkey are lost. Keep them where you find them without those: on paper, or in a password manager.
      </Alert>
      <ul className="fl-codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="fl-form-end">
        <Button variant="default" leftSection={<Icon name={clipboard.copied ? "check" : "copy"} size={16} />} onClick={() => clipboard.copy(codes.join("\n"))}>
          {clipboard.copied ? "Copied" : "Copy"}
        </Button>
        <Button
          variant="default"
          leftSection={<Icon name="arrowDown" size={16} />}
          onClick={() => save("fairlead-recovery-codes.txt", recoveryText(codes, user.email, controller.name, madeAt))}
        >
          Download
        </Button>
        <Button onClick={onClose} data-autofocus>
          I have kept them
        </Button>
      </div>
    </Stack>
  );
}
