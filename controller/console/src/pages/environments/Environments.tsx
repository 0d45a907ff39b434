import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { environmentsQuery } from "../../api/environments";
import { projectsQuery } from "../../api/projects";
import { serversQuery } from "../../api/servers";
import type { Environment } from "../../api/types";
import { LinkButton } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { EnvironmentLamp, TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";

export default function Environments() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const environments = useQuery(environmentsQuery(org));
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  const [project, setProject] = useState<string | null>(null);
  const create = may("environments.create") && (
    <LinkButton href={href("/environments/new")} icon="plus">
      New environment
    </LinkButton>
  );
  return (
    <Page title="Environments" lead="Each one is a running Odoo of a project, on one of your servers." actions={environments.data?.length ? create : null}>
      <Panel flush>
        {(projects?.length ?? 0) > 1 && (environments.data?.length ?? 0) > 0 && (
          <div className="fl-filters">
            <Select
              label="Project"
              placeholder="All"
              size="xs"
              clearable
              data={projects!.map((p) => ({ value: p.id, label: p.name }))}
              value={project}
              onChange={setProject}
            />
          </div>
        )}
        <Loaded query={environments}>
          {(list) =>
            !list.length ? (
              <Empty icon="environment" title="No environment yet" action={create}>
                An environment is one Odoo: a project's code with its own database on a server. Create a development one to try things out.
              </Empty>
            ) : (
              <EnvironmentRows environments={project ? list.filter((e) => e.project_id === project) : list} />
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}

const rank: Record<Environment["status"], number> = { failed: 0, deploying: 1, deleting: 1, unknown: 2, running: 3, stopped: 4, new: 5 };

export function EnvironmentRows({ environments, hideProject }: { environments: Environment[]; hideProject?: boolean }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data;
  const head = ["Environment", "Status", ...(hideProject ? [] : ["Project"]), "Server", "Release", { label: "Last operation", className: "fl-gives" }];
  return (
    <Table label="Environments" head={head}>
      {[...environments]
        .sort((a, b) => rank[a.status] - rank[b.status] || a.name.localeCompare(b.name))
        .map((environment) => (
          <Row key={environment.id} href={href(`/environments/${environment.id}`)}>
            <td>
              <span className="fl-row">
                <Link href={href(`/environments/${environment.id}`)} className="fl-name">
                  {environment.name}
                </Link>
                <TypeBadge type={environment.type} />
              </span>
            </td>
            <td data-name="Status" className="fl-quiet">
              <EnvironmentLamp status={environment.status} />
            </td>
            {!hideProject && <td data-name="Project">{projects?.find((p) => p.id === environment.project_id)?.name ?? "–"}</td>}
            <td data-name="Server">{servers?.find((s) => s.id === environment.server_id)?.name ?? "–"}</td>
            <td data-name="Release">
              {environment.current_release ? `#${environment.current_release.number}` : "–"}
              {environment.pending_changes.length > 0 && <span className="fl-sub">changes wait</span>}
            </td>
            <td data-name="Last operation" className="fl-gives">
              <When time={environment.last_operation?.created_at} />
            </td>
          </Row>
        ))}
    </Table>
  );
}
