import { Alert, Button, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { Secret } from "./Command";
import { Icon } from "./Icon";

/** A secret or link that nobody can look up later: with a way to copy it, and words for what it opens. */
export function Once(props: { label: string; value: string; children: ReactNode; below?: ReactNode; done: string; onDone: () => void }) {
  return (
    <Stack>
      <Secret label={props.label} value={props.value} />
      <Alert color="brass" icon={<Icon name="warning" />}>
        It is shown only now. {props.children}
      </Alert>
      {props.below}
      <div className="fl-form-end">
        <Button onClick={props.onDone}>{props.done}</Button>
      </div>
    </Stack>
  );
}
