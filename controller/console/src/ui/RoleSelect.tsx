import { Select } from "@mantine/core";
import type { Role } from "../api/types";
import { useMay } from "../app/access";
import { roleTitle } from "../lib/roles";

/** Roles to give. Those with more than one holds oneself are shown, and cannot be chosen. */
export function RoleSelect(props: { roles: Role[]; value: string; onChange: (role: string) => void; error?: string; label?: string }) {
  const may = useMay() as (code: string) => boolean;
  return (
    <Select
      label={props.label ?? "Role"}
      description="Roles that may more than you cannot be chosen"
      data={props.roles.map((one) => ({ value: one.id, label: roleTitle({ role: one.id, role_name: one.name }), disabled: !one.permissions.every(may) && one.id !== props.value }))}
      value={props.value}
      onChange={(value) => value && props.onChange(value)}
      error={props.error}
    />
  );
}
