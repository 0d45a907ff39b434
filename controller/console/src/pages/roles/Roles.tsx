import { Button, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { permissionsQuery, rolesQuery } from "../../api/roles";
import type { PermissionInfo, Role } from "../../api/types";
import { useHas, useMay, useOrg } from "../../app/access";
import { roleTitle } from "../../lib/roles";
import { Icon } from "../../ui/Icon";
import { Page, Panel } from "../../ui/Page";
import { PermissionSearch } from "../../ui/Permissions";
import { Loaded } from "../../ui/Problem";
import { WithPlan } from "../../ui/WithPlan";
import { DeleteRole } from "./DeleteRole";
import { type Draft, Editor, StartRole } from "./Editor";
import { Matrix } from "./Matrix";

export default function Roles() {
  const org = useOrg();
  const roles = useQuery(rolesQuery(org));
  const permissions = useQuery(permissionsQuery);
  const both = roles.data && permissions.data ? { roles: roles.data, permissions: permissions.data } : undefined;
  return (
    <Loaded query={{ data: both, error: roles.error ?? permissions.error, refetch: () => void (roles.refetch(), permissions.refetch()) }}>
      {(all) => <Shown {...all} />}
    </Loaded>
  );
}

function Shown({ roles, permissions }: { roles: Role[]; permissions: PermissionInfo[] }) {
  const may = useMay();
  const has = useHas();
  const [text, setText] = useState("");
  const [column, setColumn] = useState(roles[0]?.id ?? "");
  const [draft, setDraft] = useState<Draft | null>(null);
  const [starting, setStarting] = useState(false);
  const [deleting, setDeleting] = useState<Role | null>(null);
  const own = has("custom_roles");

  const begin = (next: Draft) => {
    setDraft(next);
    setColumn(next.id ?? "new");
    setStarting(false);
  };
  const shown: Role[] = draft && draft.id === null ? [...roles, { id: "new", name: draft.name || "New role", built_in: false, permissions: draft.permissions, members: 0, created_at: null }] : roles;

  return (
    <Page
      title="Roles"
      lead="What members may do. A role holds permissions; owners hold all of them, whatever their role."
      actions={
        may("roles.create") &&
        own &&
        !draft && (
          <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setStarting(true)}>
            New role
          </Button>
        )
      }
    >
      {may("roles.create") && !own && <WithPlan feature="custom_roles">Roles of your own, made of any permissions,</WithPlan>}
      <Panel flush>
        <div className="fl-filters">
          <PermissionSearch value={text} onChange={setText} />
          <Select
            className="fl-role-pick"
            size="xs"
            aria-label="Role to show"
            data={shown.map((one) => ({ value: one.id, label: roleTitle({ role: one.id, role_name: one.name }) }))}
            value={column}
            onChange={(value) => value && setColumn(value)}
            disabled={draft !== null}
          />
        </div>
        <Matrix
          roles={shown}
          permissions={permissions}
          text={text}
          column={shown.some((one) => one.id === column) ? column : shown[0]!.id}
          draft={draft}
          onDraft={setDraft}
          onEdit={own && may("roles.edit") && !draft ? (role) => begin({ id: role.id, name: role.name, permissions: role.permissions }) : undefined}
          onDelete={may("roles.delete") && !draft ? setDeleting : undefined}
        />
        {draft && <Editor key={draft.id} draft={draft} before={roles.find((one) => one.id === draft.id)} onDraft={setDraft} onDone={() => setDraft(null)} />}
      </Panel>
      <StartRole opened={starting} roles={roles} onClose={() => setStarting(false)} onStart={begin} />
      <DeleteRole role={deleting} onClose={() => setDeleting(null)} />
    </Page>
  );
}
