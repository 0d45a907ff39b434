import { Button, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { permissionsQuery, rolesQuery } from "../../api/roles";
import { useAct } from "../../app/act";
import { useGo, useHref, useMay, useOrg } from "../../app/access";
import { canBeGranted } from "../../lib/connect";
import { Choice } from "../../ui/Choice";
import { Expiry, type Lifetime, seconds } from "../../ui/Expiry";
import { Page, Panel } from "../../ui/Page";
import { PermissionChecks } from "../../ui/Permissions";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { type Projects, ProjectsChoice } from "../../ui/ProjectsChoice";
import { RoleSelect } from "../../ui/RoleSelect";

export default function GrantNew() {
  const org = useOrg();
  const href = useHref();
  const go = useGo();
  const may = useMay() as (code: string) => boolean;
  const client = useQueryClient();
  const roles = useQuery({ ...rolesQuery(org), enabled: may("roles.view") });
  const permissions = useQuery(permissionsQuery);
  const [agency, setAgency] = useState("");
  const [note, setNote] = useState("");
  const [life, setLife] = useState<Lifetime>("month");
  const [how, setHow] = useState<"role" | "permissions">("role");
  const [role, setRole] = useState("developer");
  const [chosen, setChosen] = useState<string[]>([]);
  const [projects, setProjects] = useState<Projects>(null);

  const offered = permissions.data?.filter(({ code, reach }) => canBeGranted(code) && may(code) && (projects === null || reach !== "org"));
  const given = chosen.filter((code) => offered?.some((one) => one.code === code));
  const grant = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/connect/grants", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: {
            agency: agency.trim(),
            expires_in_s: seconds(life),
            ...(how === "role" ? { role } : { permissions: given }),
            ...(projects ? { projects } : {}),
            ...(note.trim() ? { note: note.trim() } : {}),
          },
        }),
      ),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.grants(org) });
      go("/connect/agencies");
    },
    quiet: true,
  });
  const { error } = grant;
  return (
    <Page title="Let an agency in" back={{ href: href("/connect/agencies"), label: "Connect-As" }} lead="Its people can then begin sessions here, of an hour at most. You can end each of them, and this grant, at any time.">
      <form
        className="fl-stack"
        onSubmit={(event) => {
          event.preventDefault();
          grant.mutate();
        }}
      >
        <Panel title="Who" hint="Ask the agency for the address or id of its organization; both stand in its settings.">
          <div className="fl-form">
            <TextInput label="The agency's organization" placeholder="northwind, or org_01J…" maxLength={64} value={agency} onChange={(e) => setAgency(e.currentTarget.value)} error={error?.field("agency")} autoComplete="off" spellCheck={false} autoFocus />
            <Expiry label="Until" choices={["day", "week", "month", "quarter", "year"]} value={life} onChange={setLife} error={error?.field("expires_in_s")} />
            <TextInput label="Note" description="Both sides see it" placeholder="Support contract 2027" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
          </div>
        </Panel>
        <Panel title="Where" hint="An agency that looks after one project need not see the others.">
          <div className="fl-form">
            <ProjectsChoice what="The agency" value={projects} onChange={setProjects} error={error?.field("projects")} />
          </div>
        </Panel>
        <Panel title="What they may" hint="Members, roles, keys, security settings and the plan stay yours, whatever you choose.">
          <div className="fl-form">
            <Choice
              label="By"
              value={how}
              onChange={setHow}
              options={[
                ["role", "A role", "What it may, they may"],
                ["permissions", "Single permissions", "Exactly what you tick"],
              ]}
            />
            {how === "role" ? (
              <Loaded query={roles}>{(all) => <RoleSelect roles={all.filter((one) => one.permissions.length > 0)} value={role} onChange={setRole} error={error?.field("role")} />}</Loaded>
            ) : (
              <Loaded query={{ ...permissions, data: offered }}>{(all) => <PermissionChecks permissions={all} chosen={given} onChange={setChosen} may={may} />}</Loaded>
            )}
            {error?.field("permissions") && <div className="fl-field-error">{error.field("permissions")}</div>}
          </div>
        </Panel>
        {error && <ProblemNote error={error} />}
        <div className="fl-row">
          <Button type="submit" loading={grant.isPending} disabled={!agency.trim() || projects?.length === 0 || (how === "permissions" && !given.length)}>
            Grant access
          </Button>
        </div>
      </form>
    </Page>
  );
}
