import { Button, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { apiKeysQuery } from "../../api/apiKeys";
import { permissionsQuery } from "../../api/roles";
import type { ApiKeyKind } from "../../api/types";
import { useAct } from "../../app/act";
import { useGo, useHref, useMay, useOrg } from "../../app/access";
import { count, words } from "../../lib/format";
import { onlyReads } from "../../lib/permissions";
import { Choice } from "../../ui/Choice";
import { Expiry, type Lifetime, seconds } from "../../ui/Expiry";
import { Once } from "../../ui/Once";
import { Page, Panel } from "../../ui/Page";
import { PermissionChecks } from "../../ui/Permissions";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { type Projects, ProjectsChoice } from "../../ui/ProjectsChoice";

export default function ApiKeyNew() {
  const href = useHref();
  const go = useGo();
  const [made, setMade] = useState<{ name: string; key: string } | null>(null);
  return (
    <Page title="New API key" back={{ href: href("/api-keys"), label: "API keys" }} lead="Give it what its program needs, and no more.">
      {made ? (
        <Panel title={made.name}>
          <Once label="The key" value={made.key} done="I have stored it" onDone={() => go("/api-keys")}>
            Store it where its program reads it. Send it as <code>Authorization: Bearer …</code>. Who has it can do what it may.
          </Once>
        </Panel>
      ) : (
        <Form onMade={setMade} />
      )}
    </Page>
  );
}

function Form({ onMade }: { onMade: (made: { name: string; key: string }) => void }) {
  const org = useOrg();
  const may = useMay() as (code: string) => boolean;
  const client = useQueryClient();
  const permissions = useQuery(permissionsQuery);
  const [name, setName] = useState("");
  const [kind, setKind] = useState<ApiKeyKind>("read_only");
  const [chosen, setChosen] = useState<string[]>([]);
  const [projects, setProjects] = useState<Projects>(null);
  const [life, setLife] = useState<Lifetime>("quarter");
  const [addresses, setAddresses] = useState("");

  const offered = permissions.data?.filter(({ code, reach }) => may(code) && (kind === "read_write" || onlyReads(code)) && (projects === null || reach !== "org"));
  const given = chosen.filter((code) => offered?.some((one) => one.code === code));
  const create = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/api-keys", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: {
            name: name.trim(),
            kind,
            permissions: given,
            ...(projects ? { projects } : {}),
            ...(words(addresses).length ? { addresses: words(addresses) } : {}),
            ...(life === "never" ? {} : { expires_in_s: seconds(life) }),
          },
        }),
      ),
    done: ({ api_key, key }) => {
      void client.invalidateQueries({ queryKey: apiKeysQuery(org).queryKey });
      onMade({ name: api_key.name, key });
    },
    quiet: true,
  });
  const { error } = create;
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <Panel title="What is it for?" hint="The name stands in the list and in the audit log.">
        <div className="fl-form">
          <TextInput label="Name" placeholder="Deploys from CI" maxLength={64} value={name} onChange={(e) => setName(e.currentTarget.value)} error={error?.field("name")} autoFocus />
          <Choice
            label="Kind"
            value={kind}
            onChange={setKind}
            options={[
              ["read_only", "Only read", "It looks, and changes nothing"],
              ["read_write", "Read and write", "It may also change things"],
            ]}
          />
          <Expiry choices={["week", "month", "quarter", "year", "never"]} value={life} onChange={setLife} error={error?.field("expires_in_s")} />
        </div>
      </Panel>
      <Panel title="Where" hint="A key for one client's projects cannot touch another's.">
        <div className="fl-form">
          <ProjectsChoice what="The key" value={projects} onChange={setProjects} error={error?.field("projects")} />
          <Textarea
            label="Addresses it may come from"
            description="One a line, such as 203.0.113.7 or 2001:db8::/32. None: from anywhere."
            autosize
            minRows={2}
            maxRows={8}
            value={addresses}
            onChange={(e) => setAddresses(e.currentTarget.value)}
            error={error?.field("addresses")}
            spellCheck={false}
          />
        </div>
      </Panel>
      <Panel title="What it may" hint="Only what you may do yourself can be given.">
        <Loaded query={{ ...permissions, data: offered }}>
          {(all) => <PermissionChecks permissions={all} chosen={given} onChange={setChosen} may={may} />}
        </Loaded>
        {error?.field("permissions") && <div className="fl-field-error">{error.field("permissions")}</div>}
      </Panel>
      {error && <ProblemNote error={error} />}
      <div className="fl-row">
        <Button type="submit" loading={create.isPending} disabled={!name.trim() || !given.length || projects?.length === 0}>
          Create key
        </Button>
        <span className="fl-dim fl-small">{given.length ? count(given.length, "permission") : "Tick at least one permission"}</span>
      </div>
    </form>
  );
}
