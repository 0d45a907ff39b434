import { Checkbox, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import { membersQuery } from "../../api/members";
import { projectsQuery } from "../../api/projects";
import { serversQuery } from "../../api/servers";
import type { AlertKind, AlertRule } from "../../api/types";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { bodyOf, draftOf, kindOrder, kinds, type RuleDraft } from "../../lib/alerts";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

interface Props {
  /** Null: a new one. */
  rule: AlertRule | null;
  onDone: () => void;
  onCancel: () => void;
}

export function RuleForm({ rule, onDone, onCancel }: Props) {
  const org = useOrg();
  const [draft, setDraft] = useState(() => draftOf(rule));
  const change = (part: Partial<RuleDraft>) => setDraft((held) => ({ ...held, ...part }));
  const words = kinds[draft.kind];
  const body = bodyOf(draft);
  const save = useAct<void, AlertRule>({
    run: (_, key) =>
      rule
        ? need(api.PATCH("/api/v1/orgs/{org}/alert-rules/{alert_rule}", { params: { path: { org, alert_rule: rule.id } }, body: body! }))
        : need(api.POST("/api/v1/orgs/{org}/alert-rules", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: { kind: draft.kind, ...body! } })),
    done: onDone,
    quiet: true,
  });
  const { error } = save;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (body) save.mutate();
      }}
    >
      <Stack>
        {!rule && (
          <Select
            label="When"
            description={words.says}
            data={kindOrder.map((kind) => ({ value: kind, label: kinds[kind].label }))}
            value={draft.kind}
            allowDeselect={false}
            onChange={(kind) => kind && setDraft((held) => ({ ...draftOf(null, kind as AlertKind), owners: held.owners, members: held.members }))}
            data-autofocus
          />
        )}
        <TextInput label="Name" description="Stands in every letter" value={draft.name} maxLength={100} onChange={(e) => change({ name: e.currentTarget.value })} error={error?.field("name")} />
        <Target draft={draft} onChange={(target) => change({ target })} error={error?.field("target_id")} />
        {words.unit !== null && (
          <div className="fl-form-row fl-pairs">
            <NumberInput label={`Bad from, in ${words.unit}`} description={words.direction === "above" ? "This much, or more" : "This much, or less"} value={draft.threshold} min={words.least} max={words.most} onChange={(threshold) => change({ threshold })} error={error?.field("threshold")} />
            <NumberInput label={`Good again at, in ${words.unit}`} description="So far it has to come back; between the two nothing changes" value={draft.clear} min={0} max={words.most + 1} onChange={(clear) => change({ clear })} error={error?.field("clear")} />
          </div>
        )}
        <div className="fl-form-row fl-pairs">
          <NumberInput label="Bad for, in minutes" description="0: at once" value={draft.minutes} min={0} max={1440} onChange={(minutes) => change({ minutes })} error={error?.field("for_s")} />
          <NumberInput label="Good for, in minutes, until it is over" value={draft.clearMinutes} min={0} max={1440} onChange={(clearMinutes) => change({ clearMinutes })} error={error?.field("clear_for_s")} />
        </div>
        <Checkbox label="Write to the owners" checked={draft.owners} onChange={(e) => change({ owners: e.currentTarget.checked })} />
        <Members chosen={draft.members} onChange={(members) => change({ members })} />
        {error && <ProblemNote error={error} />}
        <FormEnd act={rule ? "Save" : "Add rule"} busy={save.isPending} disabled={!body} onCancel={onCancel} />
      </Stack>
    </form>
  );
}

function Target({ draft, onChange, error }: { draft: RuleDraft; onChange: (target: string) => void; error?: string }) {
  const org = useOrg();
  const may = useMay();
  const both = kinds[draft.kind].about === "environments";
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data ?? [];
  const environments = useQuery({ ...environmentsQuery(org), enabled: both && may("environments.view") }).data ?? [];
  const projects = useQuery({ ...projectsQuery(org), enabled: both && may("projects.view") }).data ?? [];
  const named = (list: { id: string; name: string }[]) => list.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <Select
      label="About"
      description={both ? "All environments, or those of one server or project, or one alone" : "All servers, or one alone"}
      placeholder="All"
      data={[
        ...(both ? [{ group: "Environments", items: named(environments) }, { group: "Projects", items: named(projects) }] : []),
        { group: "Servers", items: named(servers.filter((one) => one.status !== "revoked")) },
      ]}
      value={draft.target || null}
      onChange={(target) => onChange(target ?? "")}
      error={error}
      searchable
      clearable
      clearButtonProps={{ "aria-label": "About all" }}
    />
  );
}

function Members({ chosen, onChange }: { chosen: string[]; onChange: (members: string[]) => void }) {
  const org = useOrg();
  const may = useMay();
  const members = useQuery({ ...membersQuery(org), enabled: may("members.view") }).data;
  if (!members) return null;
  const others = members.filter(({ id, owner }) => !owner || chosen.includes(id));
  if (!others.length) return null;
  return (
    <fieldset className="fl-tick-list">
      <legend>And to these members</legend>
      {others.map(({ id, email }) => (
        <Checkbox
          key={id}
          size="xs"
          label={email}
          checked={chosen.includes(id)}
          disabled={chosen.length >= 20 && !chosen.includes(id)}
          onChange={(event) => onChange(event.currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
        />
      ))}
    </fieldset>
  );
}
