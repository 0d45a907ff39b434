import { Stack, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { useAct } from "../../app/act";
import type { ApiError } from "../../api/client";
import type { Operation } from "../../api/types";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { useTaken } from "./taken";

/** The inside of a dialog that asks for an operation: its own fields, a note, what was refused, and away or on. */
export function OperationForm(props: {
  act: string;
  /** `note` is empty where nothing was written. */
  ask: (key: string, note: { note?: string }) => Promise<Operation>;
  onClose: () => void;
  disabled?: boolean;
  danger?: boolean;
  focused?: boolean;
  children: (error: ApiError | null) => ReactNode;
}) {
  const taken = useTaken();
  const [note, setNote] = useState("");
  const { mutate, error, isPending } = useAct<void, Operation>({
    run: (_, key) => props.ask(key, note.trim() ? { note: note.trim() } : {}),
    done: (operation) => {
      taken(operation);
      props.onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!props.disabled) mutate();
      }}
    >
      <Stack>
        {props.children(error)}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && <ProblemNote error={error} />}
        <FormEnd act={props.act} busy={isPending} disabled={props.disabled} danger={props.danger} focused={props.focused} onCancel={props.onClose} />
      </Stack>
    </form>
  );
}
