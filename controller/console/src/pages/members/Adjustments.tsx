import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { permissionsQuery, rolesQuery } from "../../api/roles";
import type { Member, PermissionInfo } from "../../api/types";
import { useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { adjustments, sameCodes } from "../../lib/permissions";
import { Panel } from "../../ui/Page";
import { PermissionChecks } from "../../ui/Permissions";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { useAdjustAct } from "./act";

/** More or less than the role gives, for one person. */
export function Adjustments({ member }: { member: Member }) {
  const org = useOrg();
  const permissions = useQuery(permissionsQuery);
  const roles = useQuery(rolesQuery(org));
  const role = roles.data?.find((one) => one.id === member.role);
  const [opened, setOpened] = useState(false);
  const apart = member.granted.length + member.withdrawn.length;
  return (
    <Panel
      title="Apart from the role"
      hint="Permissions that only this person has, or has not. They stay when the role changes."
    >
      {!opened ? (
        <div className="fl-stack" style={{ alignItems: "flex-start" }}>
          <Summary member={member} />
          <Button variant="default" onClick={() => setOpened(true)}>
            {apart ? "Change permissions" : "Grant or withdraw permissions"}
          </Button>
        </div>
      ) : (
        <Loaded query={{ data: permissions.data && role && { all: permissions.data, role }, error: permissions.error ?? roles.error, refetch: () => void (permissions.refetch(), roles.refetch()) }}>
          {({ all, role }) => <Form member={member} all={all} role={new Set(role.permissions)} onDone={() => setOpened(false)} />}
        </Loaded>
      )}
    </Panel>
  );
}

function Summary({ member: { granted, withdrawn } }: { member: Member }) {
  if (!granted.length && !withdrawn.length) return <p className="fl-dim">None: what the role says holds.</p>;
  return (
    <ul className="fl-adjusted">
      {granted.map((code) => (
        <li key={code}>
          <Mark sign="+" word="granted" /> <span className="fl-mono">{code}</span>
        </li>
      ))}
      {withdrawn.map((code) => (
        <li key={code}>
          <Mark sign="−" word="withdrawn" /> <span className="fl-mono">{code}</span>
        </li>
      ))}
    </ul>
  );
}

function Mark({ sign, word }: { sign: "+" | "−"; word: string }) {
  return (
    <span className="fl-adjustment" data-sign={sign}>
      {word}
    </span>
  );
}

function Form(props: { member: Member; all: PermissionInfo[]; role: Set<string>; onDone: () => void }) {
  const { member, all, role, onDone } = props;
  const may = useMay() as (code: string) => boolean;
  const [chosen, setChosen] = useState(() => [...[...role].filter((code) => !member.withdrawn.includes(code)), ...member.granted.filter((code) => !role.has(code))].sort());
  const { granted, withdrawn } = adjustments(role, new Set(chosen));
  const save = useAdjustAct(member);
  const same = sameCodes(granted, member.granted) && sameCodes(withdrawn, member.withdrawn);
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate({ granted, withdrawn }, { onSuccess: onDone });
      }}
    >
      <PermissionChecks
        permissions={all}
        chosen={chosen}
        onChange={setChosen}
        may={(code) => may(code) || role.has(code)}
        mark={(code) => (granted.includes(code) ? <Mark sign="+" word="granted" /> : withdrawn.includes(code) ? <Mark sign="−" word="withdrawn" /> : null)}
      />
      {save.error && <ProblemNote error={save.error} />}
      <div className="fl-row">
        <Button type="submit" loading={save.isPending} disabled={same}>
          Save permissions
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <span className="fl-dim fl-small">
          {count(granted.length, "granted", "granted")}, {count(withdrawn.length, "withdrawn", "withdrawn")}
        </span>
      </div>
    </form>
  );
}
