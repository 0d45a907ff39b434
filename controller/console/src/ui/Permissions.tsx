import { Checkbox, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { PermissionInfo } from "../api/types";
import { byArea, matching, toggled } from "../lib/permissions";
import { Icon } from "./Icon";

export function PermissionSearch({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <TextInput
      size="xs"
      className="fl-find-permission"
      placeholder="Find a permission"
      aria-label="Find a permission"
      leftSection={<Icon name="search" size={15} />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** All permissions by area, to be ticked. What `may` says no to can be taken away, never given. */
export function PermissionChecks(props: {
  permissions: PermissionInfo[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
  may: (code: string) => boolean;
  /** Beside a permission: how it differs from the role, for instance. */
  mark?: (code: string) => ReactNode;
}) {
  const { chosen, onChange, may } = props;
  const [text, setText] = useState("");
  const held = new Set(chosen);
  const areas = byArea(matching(props.permissions, text));
  return (
    <div className="fl-permissions">
      <PermissionSearch value={text} onChange={setText} />
      {areas.map((area) => {
        const given = area.permissions.filter((one) => may(one.code));
        const all = given.length > 0 && given.every((one) => held.has(one.code));
        const set = (on: boolean) => onChange(given.reduce((codes, one) => toggled(codes, one.code, on), chosen));
        return (
          <fieldset key={area.title}>
            <legend>
              {area.title}
              {given.length > 1 && (
                <button type="button" className="fl-plain-button" onClick={() => set(!all)} aria-label={`${all ? "None" : "All"} of ${area.title}`}>
                  {all ? "none" : "all"}
                </button>
              )}
            </legend>
            {area.permissions.map((one) => (
              <div key={one.code} className="fl-permission">
                <Checkbox
                  size="xs"
                  label={one.allows}
                  description={<span className="fl-mono">{one.code}</span>}
                  checked={held.has(one.code)}
                  disabled={!held.has(one.code) && !may(one.code)}
                  title={may(one.code) ? undefined : "You do not hold this yourself, so you cannot give it"}
                  onChange={(event) => onChange(toggled(chosen, one.code, event.currentTarget.checked))}
                />
                {props.mark?.(one.code)}
              </div>
            ))}
          </fieldset>
        );
      })}
      {!areas.length && <p className="fl-dim fl-small">No permission has “{text}” in it.</p>}
    </div>
  );
}
