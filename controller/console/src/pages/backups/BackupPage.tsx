import { Alert, Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { backupQuery, recoveryQuery, storagesQuery } from "../../api/backups";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import { keys } from "../../api/keys";
import { operationQuery } from "../../api/operations";
import { serversQuery } from "../../api/servers";
import type { Backup, Environment, Operation } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { May, useAccess, useGo, useHref, useMay, useOrg } from "../../app/access";
import { backupKinds } from "../../lib/backups";
import { bytes, count, duration, exact } from "../../lib/format";
import { useGone } from "../../live/gone";
import { isFinal } from "../../live/reduce";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { CheckList } from "../../ui/Checks";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { BackupLamp, kindName, Lamp } from "../../ui/status";
import { When } from "../../ui/time";
import { isBusy, useTaken } from "../environments/taken";
import { OperationView } from "../operations/OperationView";
import { OpenIt } from "./OpenIt";
import { mayMake } from "./copying";
import { RestoreDialog, targetsOf } from "./RestoreDialog";

export default function BackupPage({ backup: id }: { backup: string }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const backup = useQuery(backupQuery(org, id));
  const gone = useGone(id);
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") }).data ?? [];
  if (gone) return <Gone name="The backup" href={href("/backups")} all="All backups" />;
  return (
    <Loaded query={backup}>
      {(one) => {
        const own = environments.find((each) => each.id === one.environment.id);
        return (
          <Page
            title={`Backup of ${one.environment.name}`}
            back={own ? { href: href(`/environments/${own.id}/backups`), label: own.name } : { href: href("/backups"), label: "Backups" }}
            lead={
              <>
                <BackupLamp state={one.state} />
                <span>{exact(one.finished_at ?? one.started_at)}</span>
                <span>{backupKinds[one.kind].toLowerCase()}</span>
              </>
            }
            actions={<Acts backup={one} own={own} environments={environments} />}
          >
            {one.error && (
              <Alert color="signal" icon={<Icon name="warning" />} title="It failed" role="alert">
                {one.error.message}
              </Alert>
            )}
            {one.missing_files > 0 && (
              <Alert color="brass" icon={<Icon name="warning" />} title={`${count(one.missing_files, "file")} ${one.missing_files === 1 ? "was" : "were"} missing already`}>
                The database names {one.missing_files === 1 ? "it" : "them"}, and the filestore had {one.missing_files === 1 ? "it" : "them"} no more when the backup was made. The rest is whole.
              </Alert>
            )}
            <div className="fl-two">
              <div className="fl-stack">
                <Live backup={one} own={own} />
                {one.state === "succeeded" && <Drill backup={one} />}
                {one.state === "succeeded" && <Without backup={one} />}
                {one.state === "removed" && (
                  <Panel>
                    <Empty icon="trash" title="It is removed">
                      Its objects are gone from the bucket, by retention or because somebody asked. What stays here says that it was there.
                    </Empty>
                  </Panel>
                )}
              </div>
              <About backup={one} own={own} />
            </div>
          </Page>
        );
      }}
    </Loaded>
  );
}

/** The backup being made, or whatever is done to its environment at the moment with a backup. */
function Live({ backup, own }: { backup: Backup; own: Environment | undefined }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const last = own?.last_operation;
  const wanted = backup.state === "running" || backup.state === "failed" ? backup.operation_id : last && !isFinal(last.state) && last.kind.startsWith("backup.") ? last.id : null;
  const about = may("operations.view") ? wanted : null;
  const operation = useQuery({ ...operationQuery(org, about ?? ""), enabled: about !== null });
  if (about === null) return null;
  return (
    <Panel title={operation.data ? kindName(operation.data.kind) : "Operation"} actions={<LinkTo href={href(`/operations/${about}`)}>Details</LinkTo>}>
      <Loaded query={operation}>{(one) => <OperationView operation={one} logAtFirst={one.state === "failed"} key={one.id} />}</Loaded>
    </Panel>
  );
}

function Drill({ backup }: { backup: Backup }) {
  const href = useHref();
  const drill = backup.last_drill;
  if (!drill) {
    return (
      <Panel title="Drill">
        <Empty icon="shield" title={backup.last_restored_at ? "No drill of this backup" : "Not tried out yet"}>
          {backup.last_restored_at
            ? "It was restored for good, so it is known to come back."
            : "A drill restores it into a scratch database on its server, loads it with Odoo, compares what is in it and opens a sample of its files. The environment is not touched."}
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel
      title={
        <span className="fl-row">
          Drill <Lamp tone={drill.passed ? "good" : "bad"}>{drill.passed ? "Passed" : "Failed"}</Lamp>
        </span>
      }
      actions={<LinkTo href={href(`/operations/${drill.operation_id}`)}>Details</LinkTo>}
      flush
    >
      <p className="fl-panel-words">
        Tried out <When time={drill.at} />.
        {drill.passed && drill.restore_ms != null && ` It was back in ${duration(drill.restore_ms)}, from the first byte to a database that Odoo had loaded.`}
        {!drill.passed && " It did not come back as it should."}
      </p>
      <CheckList checks={drill.checks} />
    </Panel>
  );
}

function Without({ backup }: { backup: Backup }) {
  const org = useOrg();
  const storage = useQuery({ ...storagesQuery(org), enabled: useMay()("storages.view") }).data?.find((one) => one.id === backup.storage.id);
  return (
    <Panel title="Open it without Fairlead">
      <OpenIt backup={backup} prefix={storage?.prefix ?? ""} />
    </Panel>
  );
}

function About({ backup, own }: { backup: Backup; own: Environment | undefined }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const server = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data?.find((one) => one.id === backup.server_id);
  const recovery = useQuery({ ...recoveryQuery(org), enabled: may("backup_settings.view") }).data?.recovery_recipients ?? [];
  const whole = backup.state === "succeeded" || backup.state === "removed";
  const who = (recipient: string) => recovery.find((one) => one.recipient === recipient)?.name ?? (recipient === own?.backup.recipient ? "its server" : "a recovery key");
  return (
    <div className="fl-stack">
      <Panel title="About">
        <Facts
          items={[
            ["Environment", own ? <LinkTo key="e" href={href(`/environments/${own.id}`)}>{own.name}</LinkTo> : `${backup.environment.name}${backup.environment.exists ? "" : " (deleted)"}`],
            ["Server", server && <LinkTo key="s" href={href(`/servers/${server.id}`)}>{server.name}</LinkTo>],
            ["Storage", backup.storage.name],
            ["Last restored", <When key="r" time={backup.last_restored_at} />],
            ["Began", <When key="b" time={backup.started_at} />],
            ["Took", backup.finished_at && duration(Date.parse(backup.finished_at) - Date.parse(backup.started_at))],
            ...(backup.removed_at ? ([["Removed", <When key="x" time={backup.removed_at} />]] as [string, React.ReactNode][]) : []),
            ["Id", <Mono key="i">{backup.id}</Mono>],
          ]}
        />
      </Panel>
      {whole && (
        <Panel title="What it holds">
          <Facts
            items={[
              ["Odoo", backup.odoo_version],
              ["Release", backup.release != null ? `#${backup.release}` : null],
              ["PostgreSQL", backup.postgresql_version],
              ["Database", bytes(backup.database_bytes)],
              ["Its dump", bytes(backup.dump_bytes)],
              ["Files", backup.files.toLocaleString()],
              ["Filestore", bytes(backup.file_bytes)],
              ["In packs", bytes(backup.packed_bytes)],
              ["Sent for it", bytes(backup.sent_bytes)],
            ]}
          />
        </Panel>
      )}
      {whole && (
        <Panel title="Who opens it">
          <Facts items={backup.recipients.map((one) => [who(one), <Mono key={one} title={one}>{`${one.slice(0, 10)}…${one.slice(-5)}`}</Mono>])} />
        </Panel>
      )}
    </div>
  );
}

function Acts({ backup, own, environments }: { backup: Backup; own: Environment | undefined; environments: Environment[] }) {
  const org = useOrg();
  const client = useQueryClient();
  const go = useGo();
  const access = useAccess();
  const taken = useTaken();
  const [restoring, restore] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const path = { org, backup: backup.id };
  const drill = useAct<void, Operation>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/backups/{backup}/drill", { params: { path, header: { "Idempotency-Key": key } } })),
    done: taken,
  });
  const deletion = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/backups/{backup}", { params: { path, header: { "X-Confirm": backup.id } } })),
    done: (operation) => {
      remove.close();
      if (operation) {
        taken(operation);
        tell("It is removed from the bucket now.");
      } else {
        client.removeQueries({ queryKey: keys.backup(org, backup.id) });
        void client.invalidateQueries({ queryKey: keys.backups(org) });
        go(own ? `/environments/${own.id}/backups` : "/backups");
      }
    },
    quiet: true,
  });
  const busy = own != null && isBusy(own);
  const good = backup.state === "succeeded";
  const targets = targetsOf(backup, environments, access.org);
  return (
    <>
      {backup.state !== "running" && (
        <May permission="backups.delete">
          <Button variant="default" leftSection={<Icon name="trash" size={16} />} onClick={remove.open}>
            Delete
          </Button>
        </May>
      )}
      {good && own && (
        <May permission="drills.create">
          <Button variant="default" leftSection={<Icon name="shield" size={16} />} disabled={busy} loading={drill.isPending} onClick={() => drill.mutate()}>
            Run a drill
          </Button>
        </May>
      )}
      {good && (targets.length > 0 || mayMake(access.org)) && (
        <May permission="restores.create">
          <Button leftSection={<Icon name="restart" size={16} />} onClick={restore.open}>
            Restore
          </Button>
        </May>
      )}
      <RestoreDialog backup={backup} targets={targets} opened={restoring} onClose={restore.close} />
      <Confirm opened={deleting} onClose={remove.close} title="Delete this backup?" act="Delete" onConfirm={() => deletion.mutate()} busy={deletion.isPending} error={deletion.error}>
        {good ? (
          <p>
            It is removed from the bucket{own?.backup.last_backup_at && own.backup.last_backup_at === backup.finished_at ? ", and it is the newest good one of its environment" : ""}. Nobody can bring it
            back. Files that other backups need stay.
          </p>
        ) : (
          <p>Nothing of it is in the bucket: its entry here goes.</p>
        )}
      </Confirm>
    </>
  );
}
