import { ActionIcon, Checkbox, Menu } from "@mantine/core";
import { Fragment } from "react";
import type { PermissionInfo, Role } from "../../api/types";
import { useMay } from "../../app/access";
import { count } from "../../lib/format";
import { byArea, matching, toggled } from "../../lib/permissions";
import { roleTitle } from "../../lib/roles";
import { Icon } from "../../ui/Icon";
import type { Draft } from "./Editor";

/** Permissions by area, and which role holds which. The column of the draft can be ticked. */
export function Matrix(props: {
  roles: Role[];
  permissions: PermissionInfo[];
  text: string;
  /** The role that a narrow window shows. */
  column: string;
  draft: Draft | null;
  onDraft: (draft: Draft) => void;
  onEdit?: (role: Role) => void;
  onDelete?: (role: Role) => void;
}) {
  const { roles, draft, onDraft } = props;
  const may = useMay() as (code: string) => boolean;
  const areas = byArea(matching(props.permissions, props.text));
  const held = new Map(roles.map((one) => [one.id, new Set(isDraft(one) ? draft!.permissions : one.permissions)]));
  function isDraft(role: Role) {
    return draft !== null && role.id === (draft.id ?? "new");
  }
  if (!areas.length) return <p className="fl-panel-body fl-dim">No permission has “{props.text}” in it.</p>;
  return (
    <div className="fl-wide fl-tall" role="region" aria-label="Roles and permissions" tabIndex={0}>
      <table className="fl-matrix fl-roles">
        <thead>
          <tr>
            <th scope="col">Permission</th>
            {roles.map((role) => (
              <th key={role.id} scope="col" data-off={role.id !== props.column || undefined} data-mine={isDraft(role) || undefined}>
                <span className="fl-role-head">
                  <span>
                    {isDraft(role) ? draft!.name || "New role" : roleTitle({ role: role.id, role_name: role.name })}
                    <span className="fl-sub">{role.built_in ? "built in" : count(role.members, "member")}</span>
                  </span>
                  {!role.built_in && !draft && (props.onEdit || props.onDelete) && <RoleMenu role={role} onEdit={props.onEdit} onDelete={props.onDelete} />}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        {areas.map((area) => (
          <tbody key={area.title}>
            <tr>
              <th scope="rowgroup" colSpan={roles.length + 1} className="fl-area">
                {area.title}
              </th>
            </tr>
            {area.permissions.map((one) => (
              <tr key={one.code}>
                <th scope="row" title={one.code}>
                  {one.allows}
                  <span className="fl-sub fl-mono">{one.code}</span>
                </th>
                {roles.map((role) => {
                  const holds = held.get(role.id)!.has(one.code);
                  return (
                    <td key={role.id} data-off={role.id !== props.column || undefined} data-mine={isDraft(role) || undefined}>
                      {isDraft(role) ? (
                        <Checkbox
                          size="xs"
                          aria-label={one.allows}
                          checked={holds}
                          disabled={!holds && !may(one.code)}
                          title={may(one.code) ? undefined : "You do not hold this yourself, so you cannot give it"}
                          onChange={(event) => onDraft({ ...draft!, permissions: toggled(draft!.permissions, one.code, event.currentTarget.checked) })}
                        />
                      ) : (
                        <Fragment>
                          {holds ? <Icon name="check" size={16} /> : <span aria-hidden="true">·</span>}
                          <span className="fl-sr">{holds ? "yes" : "no"}</span>
                        </Fragment>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function RoleMenu({ role, onEdit, onDelete }: { role: Role; onEdit?: (role: Role) => void; onDelete?: (role: Role) => void }) {
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Change the role ${role.name}`}>
          <Icon name="dots" size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {onEdit && <Menu.Item onClick={() => onEdit(role)}>Edit</Menu.Item>}
        {onDelete && (
          <Menu.Item color="signal" onClick={() => onDelete(role)}>
            Delete…
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
