import { Select } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { backupsQuery, type BackupFilter } from "../../api/backups";
import { environmentsQuery } from "../../api/environments";
import { projectsQuery } from "../../api/projects";
import type { Environment } from "../../api/types";
import { useHref, useMay, useOrg } from "../../app/access";
import { needsLook, proofs, worstFirst } from "../../lib/backups";
import { count } from "../../lib/format";
import { LinkButton } from "../../ui/bits";
import { More } from "../../ui/More";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { useNow, When } from "../../ui/time";
import { BackupRows, ProofLamp } from "./parts";

export default function Backups() {
  const org = useOrg();
  const may = useMay();
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") });
  return (
    <Page title="Backups" lead="Which environment would come back. A backup counts once it was restored.">
      {may("environments.view") && <Loaded query={environments}>{(list) => <Proofs environments={list} />}</Loaded>}
      <All environments={environments.data ?? []} />
    </Page>
  );
}

function Proofs({ environments }: { environments: Environment[] }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const now = useNow();
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  const sorted = worstFirst(environments, now);
  const bad = sorted.filter(({ proof }) => needsLook(proof)).length;
  if (!sorted.length) {
    return (
      <Panel>
        <Empty icon="database" title="No environment yet" action={may("environments.create") && <LinkButton href={href("/environments/new")}>New environment</LinkButton>}>
          Once an environment is deployed, it is backed up by its own policy.
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel title={bad ? `${count(bad, "environment")} ${bad === 1 ? "has" : "have"} no proven backup` : "Every environment has a proven backup"} flush>
      <Table label="Environments and their backups" head={["Environment", "Backups", "Last good", "Last restored", { label: "Next backup", className: "fl-gives" }]}>
        {sorted.map(({ environment, proof }) => (
          <Row key={environment.id} href={href(`/environments/${environment.id}/backups`)}>
            <td>
              <span className="fl-row">
                <Link href={href(`/environments/${environment.id}/backups`)} className="fl-name">
                  {environment.name}
                </Link>
                <TypeBadge type={environment.type} />
              </span>
              <span className="fl-sub">{projects?.find((one) => one.id === environment.project_id)?.name}</span>
            </td>
            <td data-name="Backups" className="fl-quiet">
              <ProofLamp proof={proof} />
              {needsLook(proof) && <span className="fl-sub fl-says">{proofs[proof].says}</span>}
            </td>
            <td data-name="Last good">
              <When time={environment.backup.last_backup_at} />
            </td>
            <td data-name="Last restored">
              <When time={environment.backup.last_restored_at} />
            </td>
            <td data-name="Next backup" className="fl-gives">
              <When time={environment.backup.next_backup_at} />
            </td>
          </Row>
        ))}
      </Table>
    </Panel>
  );
}

const states = [
  { value: "running", label: "Running" },
  { value: "succeeded", label: "Good" },
  { value: "failed", label: "Failed" },
  { value: "removed", label: "Removed" },
];

function All({ environments }: { environments: Environment[] }) {
  const org = useOrg();
  const [filter, setFilter] = useState<BackupFilter>({});
  const backups = useInfiniteQuery(backupsQuery(org, filter));
  const filtered = Object.values(filter).some(Boolean);
  return (
    <Panel title="All backups" flush>
      <div className="fl-filters">
        <Select label="Environment" placeholder="Any" clearable size="xs" searchable data={environments.map(({ id, name }) => ({ value: id, label: name }))} value={filter.environment ?? null} onChange={(environment) => setFilter({ ...filter, environment: environment ?? undefined })} />
        <Select label="State" placeholder="Any" clearable size="xs" data={states} value={filter.state ?? null} onChange={(state) => setFilter({ ...filter, state: (state ?? undefined) as BackupFilter["state"] })} />
      </div>
      <Loaded query={backups}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          return list.length ? (
            <BackupRows backups={list} named />
          ) : (
            <Empty icon="database" title={filtered ? "No backup fits" : "No backup yet"}>
              {filtered ? "Take a filter away to see more." : "Backups of all environments are listed here, those of deleted ones too."}
            </Empty>
          );
        }}
      </Loaded>
      <More of={backups}>Older backups</More>
    </Panel>
  );
}
