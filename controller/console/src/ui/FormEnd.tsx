import { Button } from "@mantine/core";

/** The last line of a form in a dialog: away from it, or on with it. */
export function FormEnd(props: { act: string; busy: boolean; disabled?: boolean; danger?: boolean; focused?: boolean; onCancel: () => void }) {
  return (
    <div className="fl-form-end">
      <Button variant="default" onClick={props.onCancel}>
        Cancel
      </Button>
      <Button type="submit" loading={props.busy} disabled={props.disabled} color={props.danger ? "signal" : undefined} data-autofocus={props.focused || undefined}>
        {props.act}
      </Button>
    </div>
  );
}
