import { ActionIcon, Button, Checkbox, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useGo, useHref, useMay, useOrg } from "../../app/access";
import { api, need, type ApiError } from "../../api/client";
import { keys } from "../../api/keys";
import { credentialsQuery, projectQuery } from "../../api/projects";
import type { AddonRepository, Project } from "../../api/types";
import { slugFrom } from "../../lib/format";
import { LinkTo } from "../../ui/bits";
import { Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Icon } from "../../ui/Icon";

const versions = ["19.0", "18.0", "17.0"];
const odooUrl = "https://github.com/odoo/odoo.git";

export default function ProjectEdit({ project: id }: { project?: string }) {
  const org = useOrg();
  const project = useQuery({ ...projectQuery(org, id ?? ""), enabled: id != null });
  if (id == null) return <Form />;
  return <Loaded query={project}>{(one) => <Form project={one} />}</Loaded>;
}

interface Addon extends AddonRepository {
  key: number;
}
let nextKey = 1;
const emptyAddon = (branch: string): Addon => ({ key: nextKey++, name: "", url: "", branch, branch_by_type: {}, credential_id: null });

function Form({ project }: { project?: Project }) {
  const org = useOrg();
  const href = useHref();
  const go = useGo();
  const client = useQueryClient();
  const [name, setName] = useState(project?.name ?? "");
  const [version, setVersion] = useState(project?.odoo_version ?? versions[0]!);
  const [url, setUrl] = useState(project?.odoo_source.url ?? odooUrl);
  const [branch, setBranch] = useState(project?.odoo_source.branch ?? "");
  const [credential, setCredential] = useState<string | null>(project?.odoo_source.credential_id ?? null);
  const [addons, setAddons] = useState<Addon[]>(() => (project?.addons ?? []).map((a) => ({ ...a, key: nextKey++ })));
  const here = project ? `/projects/${project.id}` : "/projects";

  const body = () => ({
    name: name.trim(),
    odoo_version: version,
    odoo_source: { url: url.trim(), branch: branch.trim() || version, credential_id: credential },
    addons: addons.map(({ key: _key, branch_by_type, ...addon }) => ({
      ...addon,
      name: addon.name.trim() || nameFrom(addon.url),
      url: addon.url.trim(),
      branch: addon.branch.trim() || version,
      branch_by_type: Object.fromEntries(Object.entries(branch_by_type ?? {}).filter(([, b]) => b?.trim())),
    })),
  });
  const save = useAct({
    run: (_: void, key) =>
      project
        ? need(api.PATCH("/api/v1/orgs/{org}/projects/{project}", { params: { path: { org, project: project.id } }, body: body() }))
        : need(api.POST("/api/v1/orgs/{org}/projects", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: body() })),
    done: (now) => {
      client.setQueryData(keys.project(org, now.id), now);
      void client.invalidateQueries({ queryKey: keys.projects(org) });
      go(`/projects/${now.id}`);
    },
    quiet: true,
  });
  const { error } = save;
  const change = (key: number, part: Partial<AddonRepository>) => setAddons((list) => list.map((a) => (a.key === key ? { ...a, ...part } : a)));
  const move = (at: number, by: number) =>
    setAddons((list) => {
      const next = list.slice();
      const [one] = next.splice(at, 1);
      next.splice(at + by, 0, one!);
      return next;
    });

  return (
    <Page
      title={project ? `Edit ${project.name}` : "New project"}
      back={{ href: href(here), label: project?.name ?? "Projects" }}
      lead={project ? "Environments take changes up with their next deploy." : "Where Odoo and your addons come from."}
    >
      <form
        className="fl-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Panel title="Odoo" hint="The version, and the repository and branch that it comes from.">
          <div className="fl-form">
            <TextInput label="Name" placeholder="Acme" maxLength={80} value={name} onChange={(e) => setName(e.currentTarget.value)} error={error?.field("name") ?? error?.field("slug")} autoFocus={!project} />
            <div className="fl-form-row">
              <Select
                label="Odoo version"
                data={versions.includes(version) ? versions : [version, ...versions]}
                value={version}
                onChange={(v) => setVersion(v ?? version)}
                error={error?.field("odoo_version")}
              />
              <TextInput
                label="Branch"
                placeholder={version}
                value={branch}
                onChange={(e) => setBranch(e.currentTarget.value)}
                error={error?.field("odoo_source.branch")}
                spellCheck={false}
              />
            </div>
            <TextInput
              label="Repository"
              description="Odoo's own, or your fork of it"
              value={url}
              onChange={(e) => setUrl(e.currentTarget.value)}
              error={error?.field("odoo_source.url")}
              spellCheck={false}
            />
            <Credential value={credential} onChange={setCredential} />
          </div>
        </Panel>
        <Panel title="Addon repositories" hint="Searched in this order; a module in a later one replaces the same module in an earlier one. Put your own code last.">
          <div className="fl-stack">
            {addons.map((addon, at) => (
              <AddonFields
                key={addon.key}
                addon={addon}
                at={at}
                count={addons.length}
                error={error}
                onChange={(part) => change(addon.key, part)}
                onMove={(by) => move(at, by)}
                onRemove={() => setAddons((list) => list.filter((a) => a.key !== addon.key))}
                placeholder={version}
              />
            ))}
            <div className="fl-row">
              <Button variant="default" size="xs" leftSection={<Icon name="plus" size={15} />} onClick={() => setAddons((list) => [...list, emptyAddon("")])} disabled={addons.length >= 50}>
                Add a repository
              </Button>
            </div>
          </div>
        </Panel>
        {error && <ProblemNote error={error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={!name.trim() || !url.trim() || addons.some((a) => !a.url.trim())}>
            {project ? "Save" : "Create project"}
          </Button>
        </div>
      </form>
    </Page>
  );
}

/** "git@host:acme/odoo-addons.git" → "odoo-addons" */
function nameFrom(url: string): string {
  const last = url.replace(/\.git\/?$/, "").split(/[/:]/).filter(Boolean).pop() ?? "";
  return slugFrom(last, 40) || "addons";
}

function AddonFields(props: {
  addon: Addon;
  at: number;
  count: number;
  error: ApiError | null;
  placeholder: string;
  onChange: (part: Partial<AddonRepository>) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}) {
  const { addon, at, onChange } = props;
  const wrong = (field: string) => props.error?.field(`addons[${at}].${field}`);
  const byType = addon.branch_by_type ?? {};
  return (
    <fieldset className="fl-addon">
      <legend>Repository {at + 1}</legend>
      <div className="fl-addon-tools">
        <ActionIcon variant="subtle" color="gray" disabled={at === 0} onClick={() => props.onMove(-1)} aria-label={`Move repository ${at + 1} up`}>
          <Icon name="arrowUp" size={16} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" disabled={at === props.count - 1} onClick={() => props.onMove(1)} aria-label={`Move repository ${at + 1} down`}>
          <Icon name="arrowDown" size={16} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" onClick={props.onRemove} aria-label={`Remove repository ${at + 1}`}>
          <Icon name="x" size={16} />
        </ActionIcon>
      </div>
      <TextInput label="Repository" placeholder="https://github.com/acme/odoo-addons.git" value={addon.url} onChange={(e) => onChange({ url: e.currentTarget.value })} error={wrong("url")} spellCheck={false} />
      <div className="fl-form-row">
        <TextInput label="Name" description="Names its folder" placeholder={addon.url ? nameFrom(addon.url) : ""} value={addon.name} onChange={(e) => onChange({ name: e.currentTarget.value })} error={wrong("name")} spellCheck={false} />
        <TextInput label="Branch" description="Unless said otherwise below" placeholder={props.placeholder} value={addon.branch} onChange={(e) => onChange({ branch: e.currentTarget.value })} error={wrong("branch")} spellCheck={false} />
      </div>
      <Credential value={addon.credential_id ?? null} onChange={(credential_id) => onChange({ credential_id })} />
      <Checkbox
        label="An environment's own branch is a branch of this repository"
        checked={addon.follows_environment ?? props.count === 1}
        onChange={(e) => onChange({ follows_environment: e.currentTarget.checked })}
      />
      <details open={Object.values(byType).some(Boolean)}>
        <summary className="fl-small">Another branch by type of environment</summary>
        <div className="fl-form-row" style={{ marginTop: 10 }}>
          {(["development", "staging", "production"] as const).map((type) => (
            <TextInput
              key={type}
              label={type[0]!.toUpperCase() + type.slice(1)}
              value={byType[type] ?? ""}
              onChange={(e) => onChange({ branch_by_type: { ...byType, [type]: e.currentTarget.value } })}
              error={wrong(`branch_by_type.${type}`)}
              spellCheck={false}
            />
          ))}
        </div>
      </details>
    </fieldset>
  );
}

function Credential({ value, onChange }: { value: string | null; onChange: (value: string | null) => void }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const credentials = useQuery({ ...credentialsQuery(org), enabled: may("git_credentials.view") }).data;
  if (!may("git_credentials.view")) return null;
  if (!credentials?.length) {
    return (
      <p className="fl-dim fl-small">
        A private repository needs a <LinkTo href={href("/git-credentials")}>git credential</LinkTo>; there is none yet.
      </p>
    );
  }
  return (
    <Select
      label="Credential"
      placeholder="None: public"
      clearable
      data={credentials.map((c) => ({ value: c.id, label: `${c.name} · ${c.host}` }))}
      value={value}
      onChange={onChange}
    />
  );
}
