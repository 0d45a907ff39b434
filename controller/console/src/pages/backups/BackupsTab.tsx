import { Alert, Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { backupsQuery, policyQuery } from "../../api/backups";
import { api, need } from "../../api/client";
import { operationQuery } from "../../api/operations";
import type { Backup, Environment } from "../../api/types";
import { useAct } from "../../app/act";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { proofs } from "../../lib/backups";
import { duration } from "../../lib/format";
import { isFinal } from "../../live/reduce";
import { LinkButton, LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { kindName, OperationLamp } from "../../ui/status";
import { When } from "../../ui/time";
import { isBusy, useTaken } from "../environments/taken";
import { CancelButton, OperationView } from "../operations/OperationView";
import { BackupRows, ProofLamp, useProof } from "./parts";

export default function BackupsTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const backups = useInfiniteQuery(backupsQuery(org, { environment: environment.id }, 20));
  const list = backups.data?.pages.flatMap((page) => page.data);
  return (
    <div className="fl-stack">
      <State environment={environment} backups={list ?? []} />
      <UnderWay environment={environment} />
      <Panel title="Backups" flush>
        <Loaded query={backups}>
          {() => (list!.length ? <BackupRows backups={list!} /> : <Nothing environment={environment} />)}
        </Loaded>
        <More of={backups}>Older backups</More>
      </Panel>
    </div>
  );
}

/** What somebody asks first: would it come back? */
function State({ environment, backups }: { environment: Environment; backups: Backup[] }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const proof = useProof(environment);
  const policy = useQuery(policyQuery(org, environment.id)).data;
  const { backup } = environment;
  const drill = backups.filter((one) => one.last_drill).sort((a, b) => b.last_drill!.at.localeCompare(a.last_drill!.at))[0];
  const policyPage = href(`/environments/${environment.id}/backup-policy`);
  return (
    <Panel title={<ProofLamp proof={proof} />} actions={<Asks environment={environment} />} flush>
      <p className="fl-panel-words">
        {proofs[proof].says}
        {proof === "failed" && drill && (
          <>
            {" "}
            <LinkTo href={href(`/backups/${drill.id}`)}>See that drill</LinkTo>
          </>
        )}
        {proof === "none" && may("backups.configure") && (
          <>
            {" "}
            <LinkTo href={policyPage}>Set the backup policy</LinkTo>
          </>
        )}
      </p>
      <dl className="fl-moments">
        <Moment name="Last good backup">{backup.last_backup_at ? <When time={backup.last_backup_at} /> : "none yet"}</Moment>
        <Moment name="Last restored" note={drill?.last_drill?.passed && drill.last_drill.restore_ms && backup.last_restored_at ? `the last drill took ${duration(drill.last_drill.restore_ms)}` : undefined}>
          {backup.last_restored_at ? <When time={backup.last_restored_at} /> : "never"}
        </Moment>
        <Moment name="Next backup">{backup.next_backup_at ? <When time={backup.next_backup_at} /> : policy?.schedule ? "not known yet" : "by hand only"}</Moment>
        <Moment name="Next drill">{backup.next_drill_at ? <When time={backup.next_drill_at} /> : policy?.drill_schedule ? "not known yet" : "by hand only"}</Moment>
      </dl>
      {policy && backup.enabled && !policy.in_sync && environment.current_release && (
        <Alert color="brass" icon={<Icon name="clock" />} m="md" title="The server does not go by the backup policy yet">
          It was told of it, or will be as soon as it is connected. <LinkTo href={policyPage}>See the policy</LinkTo>
        </Alert>
      )}
    </Panel>
  );
}

function Moment({ name, note, children }: { name: string; note?: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {note && <span className="fl-sub">{note}</span>}
      </dd>
    </div>
  );
}

/** A backup, or the try-out of the newest one. */
function Asks({ environment }: { environment: Environment }) {
  const org = useOrg();
  const taken = useTaken();
  const path = { org, environment: environment.id };
  const ask = useAct({
    run: (what: "backup" | "drill", key) => {
      const init = { params: { path, header: { "Idempotency-Key": key } } };
      return what === "backup"
        ? need(api.POST("/api/v1/orgs/{org}/environments/{environment}/backups", { ...init, body: {} }))
        : need(api.POST("/api/v1/orgs/{org}/environments/{environment}/drill", init));
    },
    done: taken,
  });
  const busy = isBusy(environment);
  const { backup, current_release } = environment;
  return (
    <>
      {backup.last_backup_at && current_release && (
        <May permission="drills.create">
          <Button size="xs" variant="default" leftSection={<Icon name="shield" size={15} />} disabled={busy} loading={ask.isPending && ask.variables === "drill"} onClick={() => ask.mutate("drill")}>
            Run a drill
          </Button>
        </May>
      )}
      {backup.enabled && current_release && (
        <May permission="backups.create">
          <Button size="xs" leftSection={<Icon name="database" size={15} />} disabled={busy} loading={ask.isPending && ask.variables === "backup"} onClick={() => ask.mutate("backup")}>
            Back up now
          </Button>
        </May>
      )}
    </>
  );
}

/** What happens to the environment now; and how the last backup or drill failed, until something else is done. */
function UnderWay({ environment }: { environment: Environment }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const last = environment.last_operation;
  const failed = last?.state === "failed" && (last.kind.startsWith("backup.") || last.kind === "environment.clone");
  const shown = last != null && may("operations.view") && (!isFinal(last.state) || failed);
  const operation = useQuery({ ...operationQuery(org, last?.id ?? ""), enabled: shown });
  if (!shown) return null;
  return (
    <Panel
      title={
        <span className="fl-row">
          {kindName(last.kind)} <OperationLamp operation={operation.data ?? last} />
        </span>
      }
      actions={
        <>
          {operation.data && <CancelButton operation={operation.data} />}
          <LinkTo href={href(`/operations/${last.id}`)}>Details</LinkTo>
        </>
      }
    >
      <Loaded query={operation}>{(one) => <OperationView operation={one} logAtFirst={false} key={one.id} />}</Loaded>
    </Panel>
  );
}

function Nothing({ environment }: { environment: Environment }) {
  const href = useHref();
  const may = useMay();
  if (!environment.current_release) {
    return (
      <Empty icon="database" title="Nothing to back up yet">
        Deploy it first. A backup policy can be set already: the server begins with it after the first deployment.
      </Empty>
    );
  }
  if (!environment.backup.enabled) {
    return (
      <Empty icon="database" title="It is not backed up" action={may("backups.configure") && <LinkButton href={href(`/environments/${environment.id}/backup-policy`)}>Set the backup policy</LinkButton>}>
        {may("backups.configure") ? "Choose a storage, how often, and how long backups stay." : "Its backup policy names no storage. Ask an admin of this organization to set one."}
      </Empty>
    );
  }
  return (
    <Empty icon="database" title="No backup yet">
      {environment.backup.next_backup_at ? "The first one comes by its schedule, or now by “Back up now”." : "It has no schedule: the first one comes by “Back up now”."}
    </Empty>
  );
}
