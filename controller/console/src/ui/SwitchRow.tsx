import { Switch } from "@mantine/core";
import { useId, type ReactNode } from "react";

/** A setting that is on or off, with one sentence of what it does; at once, without a button to save. */
export function SwitchRow(props: { title: string; children: ReactNode; on: boolean; onChange: (on: boolean) => void; disabled?: boolean }) {
  const id = useId();
  return (
    <div className="fl-setting">
      <div>
        <label htmlFor={id}>{props.title}</label>
        <p id={`${id}-says`}>{props.children}</p>
      </div>
      <Switch id={id} checked={props.on} onChange={(event) => props.onChange(event.currentTarget.checked)} disabled={props.disabled} aria-describedby={`${id}-says`} />
    </div>
  );
}
