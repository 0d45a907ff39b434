import { Alert, Button, Select } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { policyQuery, recoveryQuery, storagesQuery } from "../../api/backups";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { BackupPolicy, Environment, Retention, Storage } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { cronOf, cronProblem, sayCron, scheduleOf, type Schedule } from "../../lib/cron";
import { ownZone, zones } from "../../lib/zones";
import { Facts, LinkButton, LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { RetentionFields, RetentionPreview } from "./RetentionFields";
import { ScheduleFields } from "./ScheduleFields";

export default function PolicyTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const policy = useQuery(policyQuery(org, environment.id));
  const storages = useQuery({ ...storagesQuery(org), enabled: may("storages.view") });
  return (
    <Loaded query={policy}>
      {(now) =>
        may("backups.configure") && may("storages.view") ? (
          <Loaded query={storages}>{(list) => <Form key={now.updated_at ?? "new"} environment={environment} policy={now} storages={list} />}</Loaded>
        ) : (
          <Told policy={now} storage={storages.data?.find((one) => one.id === now.storage_id)?.name} />
        )
      }
    </Loaded>
  );
}

const first: Retention = { last: 3, hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 0 };

/** The wish for a policy, as a form holds it; one that was never set begins with what most want. */
function draftOf(policy: BackupPolicy, storages: Storage[]) {
  const fresh = policy.updated_at === null;
  return {
    storage: fresh && storages.length === 1 ? storages[0]!.id : policy.storage_id,
    zone: fresh ? ownZone() : policy.time_zone,
    backups: scheduleOf(fresh ? "30 2 * * *" : policy.schedule),
    drills: scheduleOf(fresh ? "30 4 * * 0" : policy.drill_schedule),
    retention: fresh ? first : policy.retention,
  };
}

function Form({ environment, policy, storages }: { environment: Environment; policy: BackupPolicy; storages: Storage[] }) {
  const org = useOrg();
  const href = useHref();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(policy, storages));
  const change = (part: Partial<typeof draft>) => setDraft((held) => ({ ...held, ...part }));
  const zoneNames = useMemo(() => zones(draft.zone), [draft.zone]);
  const save = useAct({
    run: () =>
      need(
        api.PUT("/api/v1/orgs/{org}/environments/{environment}/backup-policy", {
          params: { path: { org, environment: environment.id } },
          body: { storage_id: draft.storage, schedule: cronOf(draft.backups), drill_schedule: cronOf(draft.drills), time_zone: draft.zone, retention: draft.retention },
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.policy(org, environment.id), now);
      void client.invalidateQueries({ queryKey: keys.environment(org, environment.id), exact: true });
      void client.invalidateQueries({ queryKey: keys.storages(org) });
      tell(environment.current_release ? "The backup policy is saved. The server is told." : "The backup policy is saved. The server is told with the first deployment.");
    },
    quiet: true,
  });
  const { error } = save;
  const wrong = [draft.backups, draft.drills].some((one) => (one.every === "custom" ? cronProblem(one.text) : one.every !== "never" && !one.time));
  if (!storages.length && !draft.storage) return <NoStorage />;
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) save.mutate();
      }}
    >
      <InSync environment={environment} policy={policy} again={() => save.mutate()} busy={save.isPending} />
      <Panel title="Where to" hint="A bucket of your own. The server sends backups there by itself, also while this controller is away.">
        <div className="fl-form">
          <Select
            label="Storage"
            placeholder="None: it is not backed up"
            data={storages.map((one) => ({ value: one.id, label: one.state === "failed" ? `${one.name} (its last test failed)` : one.name }))}
            value={draft.storage}
            onChange={(storage) => change({ storage })}
            clearable
            error={error?.field("storage_id")}
          />
          {!draft.storage && <p className="fl-dim fl-small">Without a storage no backup is made, and the server forgets the keys of the last one.</p>}
          <Recovery />
        </div>
      </Panel>
      <Panel title="How often" hint="Schedules go by the wall clock of this zone.">
        <div className="fl-form">
          <Select label="Time zone" data={zoneNames} value={draft.zone} onChange={(zone) => zone && change({ zone })} searchable allowDeselect={false} limit={100} nothingFoundMessage="No such zone" error={error?.field("time_zone")} />
          <ScheduleFields what="Backups" value={draft.backups} onChange={(backups: Schedule) => change({ backups })} zone={draft.zone} error={error?.field("schedule")} />
        </div>
      </Panel>
      <Panel title="Drills" hint="A drill restores the newest backup aside and looks at it with Odoo. Only then it counts.">
        <div className="fl-form">
          <ScheduleFields what="Drills" value={draft.drills} onChange={(drills: Schedule) => change({ drills })} zone={draft.zone} error={error?.field("drill_schedule")} />
          {draft.drills.every === "never" && <p className="fl-dim fl-small">Without drills nobody knows whether a backup comes back. One a week is a good beginning.</p>}
        </div>
      </Panel>
      <Panel title="How long" hint="Which backups stay. It is applied after each backup.">
        <div className="fl-stack">
          <RetentionFields value={draft.retention} onChange={(retention) => change({ retention })} error={error} />
          <RetentionPreview environment={environment.id} retention={draft.retention} zone={draft.zone} />
        </div>
      </Panel>
      {error && <ProblemNote error={error} />}
      <div className="fl-row">
        <Button type="submit" loading={save.isPending} disabled={Boolean(wrong)}>
          Save
        </Button>
        <span className="fl-dim fl-small">
          {policy.updated_at && (
            <>
              Last set <When time={policy.updated_at} />
              {policy.updated_by && ` by ${policy.updated_by.email}`}.
            </>
          )}
          {policy.operation_id && policy.updated_at && (
            <>
              {" "}
              <LinkTo href={href(`/operations/${policy.operation_id}`)}>How the server took it</LinkTo>
            </>
          )}
        </span>
      </div>
    </form>
  );
}

function NoStorage() {
  const href = useHref();
  return (
    <Panel>
      <Empty
        icon="database"
        title="There is no storage to back up to"
        action={
          <May permission="storages.create">
            <LinkButton href={href("/settings/storage")} icon="plus">
              Add a storage
            </LinkButton>
          </May>
        }
      >
        Backups go to a bucket of your own. It is added once for the organization, and then chosen here.
      </Empty>
    </Panel>
  );
}

/** That nobody but the server could open these backups is worth a word where they are asked for. */
function Recovery() {
  const org = useOrg();
  const href = useHref();
  const held = useQuery({ ...recoveryQuery(org), enabled: useMay()("backup_settings.view") }).data?.recovery_recipients;
  if (!held || held.length) return null;
  return (
    <Alert color="brass" icon={<Icon name="warning" />}>
      There is no recovery key: only this environment's server can open what it backs up. <LinkTo href={href("/settings/recovery-keys")}>Add one</LinkTo>
    </Alert>
  );
}

function InSync({ environment, policy, again, busy }: { environment: Environment; policy: BackupPolicy; again: () => void; busy: boolean }) {
  const href = useHref();
  if (policy.in_sync || !policy.updated_at || !environment.current_release) return null;
  return (
    <Alert color="brass" icon={<Icon name="clock" />} title="The server does not go by this policy yet">
      It takes it as soon as it is connected.{" "}
      {policy.operation_id && <LinkTo href={href(`/operations/${policy.operation_id}`)}>See how it stands</LinkTo>}
      <div>
        <Button size="xs" variant="default" mt="xs" onClick={again} loading={busy}>
          Tell it again
        </Button>
      </div>
    </Alert>
  );
}

/** For whoever may not change it. */
function Told({ policy, storage }: { policy: BackupPolicy; storage: string | undefined }) {
  const { retention } = policy;
  const kept = (["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const).filter((span) => retention[span]).map((span) => `${retention[span]} ${span}`);
  return (
    <Panel title="Backup policy">
      <Facts
        items={[
          ["Storage", policy.storage_id ? (storage ?? "one of the organization") : "none: it is not backed up"],
          ["Backups", sayCron(policy.schedule)],
          ["Drills", sayCron(policy.drill_schedule)],
          ["Time zone", policy.time_zone],
          ["Stay", kept.length ? kept.join(", ") : "all"],
          ["Last set", <When key="u" time={policy.updated_at} />],
        ]}
      />
    </Panel>
  );
}
