import { Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import type { ApiError } from "../api/client";
import { FormEnd } from "./FormEnd";
import { ProblemNote } from "./Problem";

/** A second look at an act that is not lightly undone. */
export function Confirm(props: {
  opened: boolean;
  onClose: () => void;
  title: string;
  act: string;
  children: ReactNode;
  onConfirm: () => void;
  busy: boolean;
  error: ApiError | null;
  danger?: boolean;
}) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={props.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onConfirm();
        }}
      >
        <Stack gap="md">
          <div>{props.children}</div>
          {props.error && <ProblemNote error={props.error} />}
          <FormEnd act={props.act} busy={props.busy} danger={props.danger ?? true} focused onCancel={props.onClose} />
        </Stack>
      </form>
    </Modal>
  );
}
