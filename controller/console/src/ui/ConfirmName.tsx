import { Modal, Stack, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { ApiError } from "../api/client";
import { FormEnd } from "./FormEnd";
import { ProblemNote } from "./Problem";

/** For acts that cannot be taken back: the person types the thing's name. */
export function ConfirmName(props: {
  opened: boolean;
  onClose: () => void;
  title: string;
  name: string;
  act: string;
  children: ReactNode;
  onConfirm: () => void;
  busy: boolean;
  error: ApiError | null;
}) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title}>
      <Inside {...props} />
    </Modal>
  );
}

function Inside(props: Parameters<typeof ConfirmName>[0]) {
  const [typed, setTyped] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (typed === props.name) props.onConfirm();
      }}
    >
      <Stack gap="md">
        <div>{props.children}</div>
        <TextInput
          label={
            <>
              Type <strong className="fl-mono">{props.name}</strong> to confirm
            </>
          }
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        {props.error && <ProblemNote error={props.error} />}
        <FormEnd act={props.act} busy={props.busy} disabled={typed !== props.name} danger onCancel={props.onClose} />
      </Stack>
    </form>
  );
}

/** As the X-Confirm header wants it: plain ASCII as it is, the rest percent-encoded. */
export function confirmHeader(name: string): string {
  return /^[ -~]*$/.test(name) && !name.includes("%") ? name : encodeURIComponent(name);
}
