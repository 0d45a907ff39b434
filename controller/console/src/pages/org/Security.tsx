import { Alert, Button, Select, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { securityQuery } from "../../api/org";
import { projectsQuery } from "../../api/projects";
import { sessionQuery } from "../../api/session";
import { signInOptionsQuery } from "../../api/account";
import type { Security as Settings } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useAccess, useMay, useOrg } from "../../app/access";
import { sameCodes } from "../../lib/permissions";
import { domainsIn, shutOut } from "../../lib/domains";
import { count, words } from "../../lib/format";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { SwitchRow } from "../../ui/SwitchRow";

interface Part {
  now: Settings;
  /** Nobody else than an owner turns these. */
  owner: boolean;
  edit: boolean;
}

export default function Security() {
  const { org } = useAccess();
  const edit = useMay()("security.edit");
  const settings = useQuery(securityQuery(org.id));
  return (
    <Loaded query={settings}>
      {(now) => (
        <div className="fl-stack">
          {!edit && <p className="fl-dim">You may see these settings. To change them needs the permission security.edit.</p>}
          <SignIn now={now} owner={org.owner} edit={edit} />
          <Switches now={now} owner={org.owner} edit={edit} />
          <List
            key={`d ${now.download_domains.join()}`}
            now={now}
            edit={edit}
            field="download_domains"
            read={domainsIn}
            title="Sources"
            hint="An allow-list for downloads."
            label="Domains that code and data may come from"
            example="github.com, or *.example.org for all below it and not itself. One a line; of a pasted address its host is taken. None: from anywhere."
            warning={(wanted) => <WouldStop domains={wanted} />}
          >
            From any other domain comes no code and no data: projects with repositories elsewhere are neither saved nor deployed, imports from elsewhere and new storages elsewhere are refused, and requirements.txt may name packages but no addresses. What runs goes on.
          </List>
          <List
            key={`a ${now.addresses.join()}`}
            now={now}
            edit={edit}
            field="addresses"
            read={words}
            title="Addresses"
            hint="An allow-list for people and programs."
            label="Where members and API keys may come from"
            example="203.0.113.7, or 2001:db8::/32 for a network. One a line. None: from anywhere. Yours must be among them."
          >
            From any other address this organization is closed, to its owners too.
          </List>
        </div>
      )}
    </Loaded>
  );
}

/** The API takes all settings at once: what is not changed is sent as it is. */
function useSave(now: Settings, said: string | null) {
  const org = useOrg();
  const client = useQueryClient();
  return useAct({
    run: (change: Partial<Settings>) => need(api.PUT("/api/v1/orgs/{org}/security", { params: { path: { org } }, body: { ...now, ...change } })),
    done: (saved) => {
      client.setQueryData(keys.security(org), saved);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey }); // it tells whether data may be copied
      if (said) tell(said);
    },
    quiet: true,
  });
}

function SignIn({ now, edit }: Part) {
  const save = useSave(now, null);
  const known = useQuery(signInOptionsQuery("")).data?.providers ?? [];
  const asked = now.sso_required;
  const options = [
    { value: "", label: "Any way to sign in" },
    ...known.map((one) => ({ value: one.slug, label: `Only ${one.name}` })),
    ...(asked && !known.some((one) => one.slug === asked) ? [{ value: asked, label: `Only ${asked}` }] : []),
  ];
  return (
    <Panel title="Signing in" hint="Asked of everybody who enters this organization. Other organizations of theirs are not touched.">
      <div className="fl-form">
        <SwitchRow title="Two factors required" on={now.two_factor_required} onChange={(on) => save.mutate({ two_factor_required: on })} disabled={!edit || save.isPending}>
          Members enter only with a second factor or a passkey. Turn it on in a session in which you gave yours.
        </SwitchRow>
        {(known.length > 0 || asked) && (
          <Select
            label="Single sign-on"
            description="Members enter only when they came by this provider; a password does not lead here any more. Come by it yourself first."
            data={options}
            value={asked ?? ""}
            onChange={(value) => save.mutate({ sso_required: value || null })}
            disabled={!edit || save.isPending}
          />
        )}
        {save.error && <ProblemNote error={save.error} />}
      </div>
    </Panel>
  );
}

function Switches({ now, owner, edit }: Part) {
  const save = useSave(now, null);
  const off = !edit || !owner || save.isPending;
  return (
    <Panel title="Switches" hint="Only owners turn these.">
      <div className="fl-form">
        <SwitchRow title="Cloning" on={now.clone_enabled} onChange={(on) => save.mutate({ clone_enabled: on })} disabled={off}>
          Off: nobody copies an environment's data into another, in the console or by the API.
        </SwitchRow>
        <SwitchRow title="Connect-As" on={now.connect_as_enabled} onChange={(on) => save.mutate({ connect_as_enabled: on })} disabled={off}>
          Off: no agency can work in this organization, whatever was granted. Sessions that are open end at once.
        </SwitchRow>
        {save.error && <ProblemNote error={save.error} />}
      </div>
    </Panel>
  );
}

/** Before it is saved: which projects such a list would keep from being deployed. */
function WouldStop({ domains }: { domains: string[] }) {
  const org = useOrg();
  const projects = useQuery({ ...projectsQuery(org), enabled: useMay()("projects.view") }).data;
  const stopped = shutOut(domains, projects ?? []);
  if (!stopped.length) return null;
  return (
    <Alert color="brass" icon={<Icon name="warning" />} title={`${count(stopped.length, "project")} could not be deployed any more`}>
      <ul className="fl-problem-fields">
        {stopped.slice(0, 10).map(({ project, hosts }) => (
          <li key={project.id}>
            {project.name}: {hosts.join(", ")} {hosts.length === 1 ? "is" : "are"} not among them
          </li>
        ))}
        {stopped.length > 10 && <li>and {stopped.length - 10} more</li>}
      </ul>
    </Alert>
  );
}

interface ListProps {
  now: Settings;
  edit: boolean;
  field: "download_domains" | "addresses";
  /** What was typed, as the API wants it. */
  read: (text: string) => string[];
  title: string;
  hint: string;
  label: string;
  example: string;
  /** What comes of it, before it is saved. */
  warning?: (wanted: string[]) => ReactNode;
  children: ReactNode;
}

function List(props: ListProps) {
  const { now, edit, field } = props;
  const [text, setText] = useState(now[field].join("\n"));
  const save = useSave(now, "The list is saved.");
  const wanted = props.read(text);
  return (
    <Panel title={props.title} hint={props.hint}>
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({ [field]: wanted });
        }}
      >
        <p>{props.children}</p>
        <Textarea
          label={props.label}
          description={props.example}
          autosize
          minRows={2}
          maxRows={12}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={save.error?.field(field)}
          disabled={!edit}
          spellCheck={false}
        />
        {props.warning?.(wanted)}
        {save.error && !save.error.field(field) && <ProblemNote error={save.error} />}
        {edit && (
          <div className="fl-row">
            <Button type="submit" loading={save.isPending} disabled={sameCodes(wanted, now[field])}>
              Save
            </Button>
          </div>
        )}
      </form>
    </Panel>
  );
}
