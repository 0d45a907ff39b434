import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { memberQuery } from "../../api/members";
import { permissionsQuery, rolesQuery } from "../../api/roles";
import type { Member } from "../../api/types";
import { useAccess, useHas, useHref, useMay, useOrg } from "../../app/access";
import { count, exact } from "../../lib/format";
import { byArea } from "../../lib/permissions";
import { roleTitle } from "../../lib/roles";
import { LinkTo } from "../../ui/bits";
import { Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { type Projects, ProjectsChoice } from "../../ui/ProjectsChoice";
import { RoleSelect } from "../../ui/RoleSelect";
import { SwitchRow } from "../../ui/SwitchRow";
import { WithPlan } from "../../ui/WithPlan";
import { Adjustments } from "./Adjustments";
import { Ownership, Remove } from "./Ends";
import { useConnectAct, useProjectsAct, useRoleAct } from "./act";

export default function MemberPage({ member: id }: { member: string }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const has = useHas();
  const { session, org: mine } = useAccess();
  const member = useQuery(memberQuery(org, id));
  const self = id === session.user.id;
  return (
    <Loaded query={member}>
      {(one) => (
        <Page
          title={one.name || one.email}
          back={{ href: href("/members"), label: "Members" }}
          lead={
            <>
              {one.name && <span>{one.email}</span>}
              <span>{one.owner ? `Owner, ${roleTitle(one)}` : roleTitle(one)}</span>
              <span>joined {exact(one.joined_at)}</span>
            </>
          }
        >
          {one.owner && <p className="fl-dim">Owners hold every permission in all projects. What is set here counts when they are owner no more.</p>}
          {self && !one.owner && <p className="fl-dim">This is you. Nobody can give themselves more than they hold.</p>}
          {may("members.edit") && <RoleOf member={one} key={`r ${one.role}`} />}
          {may("members.limit") && <ProjectsOf member={one} key={`p ${one.projects?.join()}`} />}
          {may("members.adjust") && (has("granular_permissions") ? <Adjustments member={one} key={`a ${one.role} ${one.granted.join()} ${one.withdrawn.join()}`} /> : <NoAdjustments />)}
          {may("members.adjust") && has("granular_permissions") && <ConnectOf member={one} />}
          <MayDo member={one} />
          {mine.owner && <Ownership member={one} />}
          {may("members.remove") && !self && <Remove member={one} />}
          {self && (
            <p className="fl-dim">
              To leave the organization, go to its <LinkTo href={href("/settings")}>settings</LinkTo>.
            </p>
          )}
        </Page>
      )}
    </Loaded>
  );
}

/** All that the role, adjustments, projects and the plan come to. */
function MayDo({ member }: { member: Member }) {
  const table = useQuery(permissionsQuery);
  return (
    <Panel title="What it comes to" hint="Role, adjustments, projects and plan together.">
      <details>
        <summary>{count(member.permissions.length, "permission")}</summary>
        <Loaded query={table} lines={2}>
          {(all) => (
            <dl className="fl-may">
              {byArea(all.filter((one) => member.permissions.includes(one.code))).map((area) => (
                <div key={area.title}>
                  <dt>{area.title}</dt>
                  <dd>{area.permissions.map((one) => one.allows).join("; ")}</dd>
                </div>
              ))}
            </dl>
          )}
        </Loaded>
      </details>
    </Panel>
  );
}

function NoAdjustments() {
  return <WithPlan feature="granular_permissions">Permissions for single members, apart from their role,</WithPlan>;
}

function RoleOf({ member }: { member: Member }) {
  const org = useOrg();
  const href = useHref();
  const roles = useQuery(rolesQuery(org));
  const [role, setRole] = useState(member.role);
  const save = useRoleAct(member);
  return (
    <Panel title="Role" hint={<>What each may is on the page <LinkTo href={href("/roles")}>Roles</LinkTo>.</>}>
      <Loaded query={roles} lines={2}>
        {(all) => (
          <form
            className="fl-form"
            onSubmit={(event) => {
              event.preventDefault();
              save.mutate(role);
            }}
          >
            <RoleSelect roles={all} value={role} onChange={setRole} error={save.error?.field("role")} />
            {save.error && !save.error.field("role") && <ProblemNote error={save.error} />}
            <div className="fl-row">
              <Button type="submit" loading={save.isPending} disabled={role === member.role}>
                Save role
              </Button>
            </div>
          </form>
        )}
      </Loaded>
    </Panel>
  );
}

function ProjectsOf({ member }: { member: Member }) {
  const [projects, setProjects] = useState<Projects>(member.projects);
  const save = useProjectsAct(member);
  const same = (projects === null) === (member.projects === null) && [...(projects ?? [])].sort().join() === [...(member.projects ?? [])].sort().join();
  return (
    <Panel title="Projects" hint="Limited to projects, what is about the organization as a whole is out of reach.">
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(projects);
        }}
      >
        <ProjectsChoice what="The person" value={projects} onChange={setProjects} error={save.error?.field("projects")} />
        {save.error && !save.error.field("projects") && <ProblemNote error={save.error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={same || projects?.length === 0}>
            Save projects
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function ConnectOf({ member }: { member: Member }) {
  const save = useConnectAct(member);
  return (
    <Panel title="Connect-As">
      <SwitchRow title="May use Connect-As" on={member.connect_as} onChange={(on) => save.mutate(on)} disabled={save.isPending}>
        Off: this person cannot work in clients' organizations, whatever their role says.
      </SwitchRow>
    </Panel>
  );
}
