import type { ConnectGrant } from "../../api/types";
import { count } from "../../lib/format";
import { roleTitle } from "../../lib/roles";
import { Lamp } from "../../ui/status";

const states = { open: ["good", "Open"], expired: ["dim", "Expired"], revoked: ["dim", "Taken back"] } as const;

export function GrantLamp({ status }: { status: ConnectGrant["status"] }) {
  const [tone, word] = states[status];
  return <Lamp tone={tone}>{word}</Lamp>;
}

export function GrantReach({ grant: { role, permissions, projects } }: { grant: ConnectGrant }) {
  return (
    <>
      <span title={permissions.join("\n")}>{role ? roleTitle({ role: role.id, role_name: role.name }) : count(permissions.length, "permission")}</span>
      {projects && <span className="fl-sub">in {count(projects.length, "project")}</span>}
    </>
  );
}
