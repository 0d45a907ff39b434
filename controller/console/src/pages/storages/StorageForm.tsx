import { Checkbox, NumberInput, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need, type ApiError } from "../../api/client";
import { keys } from "../../api/keys";
import { serversQuery } from "../../api/servers";
import type { Storage } from "../../api/types";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { bodyOf, draftOf, presets, providers, type StorageDraft } from "../../lib/storages";
import { withItem } from "../../live/reduce";
import { Choice } from "../../ui/Choice";
import { FormEnd } from "../../ui/FormEnd";
import { Loaded, ProblemNote } from "../../ui/Problem";

interface Props {
  /** Null: a new one. */
  storage: Storage | null;
  onDone: (saved: Storage, tested: boolean) => void;
  onCancel: () => void;
}

/** Waits for the servers first: one of them tests what is saved. */
export function StorageForm(props: Props) {
  const org = useOrg();
  const may = useMay()("servers.view");
  const servers = useQuery({ ...serversQuery(org), enabled: may });
  return (
    <Loaded query={may ? servers : { ...servers, data: [] }}>
      {(list) => {
        const able = list.filter((one) => one.status !== "revoked");
        const online = able.filter((one) => one.status === "online");
        return <Form {...props} servers={able.map(({ id, name, status }) => ({ value: id, label: status === "online" ? name : `${name} (not connected)` }))} first={(online[0] ?? able[0])?.id ?? null} />;
      }}
    </Loaded>
  );
}

function Form({ storage, onDone, onCancel, servers, first }: Props & { servers: { value: string; label: string }[]; first: string | null }) {
  const org = useOrg();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(storage, first));
  const change = (part: Partial<StorageDraft>) => setDraft((held) => ({ ...held, ...part }));
  const save = useAct({
    run: (_: void, key) => {
      const body = bodyOf(draft);
      return storage
        ? need(api.PATCH("/api/v1/orgs/{org}/storages/{storage}", { params: { path: { org, storage: storage.id } }, body }))
        : need(api.POST("/api/v1/orgs/{org}/storages", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: { ...body, secret_key: body.secret_key ?? "", session_token: body.session_token ?? null } }));
    },
    done: (saved) => {
      client.setQueryData<Storage[]>(keys.storages(org), (held) => held && withItem(held, saved, true));
      onDone(saved, draft.testOn !== null);
    },
    quiet: true,
  });
  const { error } = save;
  const preset = presets[draft.provider];
  const whole = draft.name.trim() && draft.where.trim() && draft.bucket.trim() && draft.accessKey.trim() && (storage || draft.secretKey);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
      autoComplete="off"
    >
      <Stack>
        <Choice label="Provider" value={draft.provider} onChange={(provider) => change({ provider, where: provider === storage?.provider ? draftOf(storage, null).where : "" })} options={providers.map((one) => [one, presets[one].title, presets[one].note])} />
        <TextInput label="Name" description="What people here call it" placeholder="Backups" maxLength={80} value={draft.name} onChange={(e) => change({ name: e.currentTarget.value })} error={error?.field("name")} />
        <TextInput
          label={preset.where.label}
          description={preset.where.says}
          placeholder={preset.where.example}
          value={draft.where}
          onChange={(e) => change({ where: e.currentTarget.value })}
          error={error?.field("region") ?? error?.field("account_id") ?? error?.field("endpoint")}
          spellCheck={false}
        />
        <TextInput
          label="Bucket"
          description={storage?.backups ? `It holds ${count(storage.backups, "backup")}, so bucket and folder stay.` : preset.bucket}
          placeholder="acme-odoo-backups"
          disabled={Boolean(storage?.backups)}
          maxLength={63}
          value={draft.bucket}
          onChange={(e) => change({ bucket: e.currentTarget.value })}
          error={error?.field("bucket")}
          spellCheck={false}
        />
        <div className="fl-form-row">
          <TextInput label="Access key" value={draft.accessKey} maxLength={200} onChange={(e) => change({ accessKey: e.currentTarget.value })} error={error?.field("access_key")} spellCheck={false} autoComplete="off" />
          <TextInput
            label="Secret key"
            type="password"
            placeholder={storage ? "stays as it is" : ""}
            value={draft.secretKey}
            maxLength={500}
            onChange={(e) => change({ secretKey: e.currentTarget.value })}
            error={error?.field("secret_key")}
            autoComplete="new-password"
          />
        </div>
        <p className="fl-dim fl-small">{preset.keys} Stored sealed, handed to your servers alone, shown to nobody.</p>
        <More draft={draft} change={change} storage={storage} error={error} />
        {servers.length > 0 ? (
          <Select
            label="Test it from"
            description="That server writes, reads and removes a small object in the bucket, and nothing else."
            data={servers}
            value={draft.testOn}
            onChange={(testOn) => change({ testOn })}
            clearable={storage != null}
            placeholder="no test now"
            error={error?.field("test_on_server")}
          />
        ) : (
          <p className="fl-dim fl-small">There is no server yet to test it from. Test it once one is enrolled.</p>
        )}
        {error && <ProblemNote error={error} />}
        <FormEnd act={draft.testOn ? "Save and test" : "Save"} busy={save.isPending} disabled={!whole} onCancel={onCancel} />
      </Stack>
    </form>
  );
}

/** What most storages do without. */
function More({ draft, change, storage, error }: { draft: StorageDraft; change: (part: Partial<StorageDraft>) => void; storage: Storage | null; error: ApiError | null }) {
  const used = storage && (storage.prefix || storage.ca || storage.object_lock !== "none" || storage.has_session_token);
  return (
    <details open={Boolean(used) || undefined}>
      <summary>Folder, way of addressing, certificate, object lock</summary>
      <Stack mt="sm">
        <TextInput label="Folder" description="Everything goes below it; empty is the bucket's top" placeholder="odoo/backups" disabled={Boolean(storage?.backups)} maxLength={200} value={draft.prefix} onChange={(e) => change({ prefix: e.currentTarget.value })} error={error?.field("prefix")} spellCheck={false} />
        {presets[draft.provider].place === "endpoint" && (
          <TextInput label="Region" description="Where the provider asks for one; empty is us-east-1" placeholder="us-east-1" maxLength={60} value={draft.region} onChange={(e) => change({ region: e.currentTarget.value })} error={error?.field("region")} spellCheck={false} />
        )}
        <Select
          label="Way of addressing"
          description="Whether the bucket stands in the path or in the host name of each request"
          data={[
            { value: "", label: "As the provider prefers" },
            { value: "path", label: "In the path" },
            { value: "virtual_host", label: "In the host name" },
          ]}
          value={draft.addressing}
          onChange={(value) => change({ addressing: (value ?? "") as StorageDraft["addressing"] })}
          allowDeselect={false}
        />
        <TextInput label="Session token" description="Only with keys that expire; backups fail once they do" type="password" placeholder={storage?.has_session_token ? "stays as it is" : "none"} value={draft.sessionToken} maxLength={4096} onChange={(e) => change({ sessionToken: e.currentTarget.value })} error={error?.field("session_token")} autoComplete="new-password" />
        {storage?.has_session_token && !draft.sessionToken && <Checkbox label="No session token any more" checked={draft.dropToken} onChange={(e) => change({ dropToken: e.currentTarget.checked })} />}
        <Textarea label="Certificate authority" description="Where the endpoint's certificate comes from an authority of your own: its certificate as PEM" placeholder="-----BEGIN CERTIFICATE-----" autosize minRows={2} maxRows={8} maxLength={32768} value={draft.ca} onChange={(e) => change({ ca: e.currentTarget.value })} error={error?.field("ca")} spellCheck={false} />
        <div className="fl-form-row">
          <Select
            label="Object lock"
            description="The bucket itself refuses to delete"
            data={[
              { value: "none", label: "None" },
              { value: "governance", label: "Governance: special keys may" },
              { value: "compliance", label: "Compliance: nobody may" },
            ]}
            value={draft.objectLock}
            onChange={(value) => change({ objectLock: (value ?? "none") as StorageDraft["objectLock"] })}
            allowDeselect={false}
            error={error?.field("object_lock")}
          />
          {draft.objectLock !== "none" && <NumberInput label="Days" description="From each object's making" min={1} max={3650} value={draft.objectLockDays} onChange={(objectLockDays) => change({ objectLockDays })} error={error?.field("object_lock_days")} />}
        </div>
        {draft.objectLock !== "none" && <p className="fl-dim fl-small">The bucket must have been made with object lock. Backups are kept for these days at least, whatever the retention says.</p>}
      </Stack>
    </details>
  );
}
