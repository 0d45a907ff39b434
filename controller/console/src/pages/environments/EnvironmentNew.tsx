import { Button, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSearch } from "wouter";
import { useAct } from "../../app/act";
import { useGo, useHref, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { projectsQuery } from "../../api/projects";
import { serversQuery } from "../../api/servers";
import type { EnvironmentType } from "../../api/types";
import { bytes, slugFrom } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { LinkButton } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { bodyOf, defaults, SettingsPanels, type Settings } from "./fields";

export default function EnvironmentNew() {
  const org = useOrg();
  const href = useHref();
  const go = useGo();
  const may = useMay();
  const client = useQueryClient();
  const search = new URLSearchParams(useSearch());
  const projects = useQuery(projectsQuery(org));
  const servers = useQuery(serversQuery(org));
  const usable = servers.data?.filter((s) => s.status !== "revoked") ?? [];

  const [project, setProject] = useState<string | null>(search.get("project"));
  const [server, setServer] = useState<string | null>(search.get("server"));
  const [name, setName] = useState("");
  const [slug, setSlug] = useState("");
  const [type, setType] = useState<EnvironmentType>("development");
  const [settings, setSettings] = useState<Settings>(defaults);
  const change = (part: Partial<Settings>) => setSettings((held) => ({ ...held, ...part }));

  const onlyProject = projects.data?.length === 1 ? projects.data[0]!.id : null;
  const onlyServer = usable.length === 1 ? usable[0]!.id : null;
  const chosenProject = project ?? onlyProject;
  const chosenServer = server ?? onlyServer;

  const create = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: {
            project_id: chosenProject!,
            server_id: chosenServer!,
            name: name.trim(),
            ...(slug.trim() ? { slug: slug.trim() } : {}),
            type,
            ...bodyOf(settings),
            ...(settings.port === "" ? {} : { port: Number(settings.port) }),
          },
        }),
      ),
    done: (environment) => {
      client.setQueryData(keys.environment(org, environment.id), environment);
      void client.invalidateQueries({ queryKey: keys.environments(org) });
      go(`/environments/${environment.id}`);
    },
    quiet: true,
  });
  const { error } = create;

  return (
    <Page title="New environment" back={{ href: href("/environments"), label: "Environments" }} lead="Nothing happens on the server before you deploy.">
      <Loaded query={projects}>
        {(list) =>
          !list.length ? (
            <Panel>
              <Empty
                icon="project"
                title="A project comes first"
                action={may("projects.create") && <LinkButton href={href("/projects/new")}>New project</LinkButton>}
              >
                A project says which Odoo and which addons an environment runs.
              </Empty>
            </Panel>
          ) : servers.data && !usable.length ? (
            <Panel>
              <Empty
                icon="server"
                title="A server comes first"
                action={may("servers.enroll") && <LinkButton href={href("/servers/enrol")}>Enrol a server</LinkButton>}
              >
                An environment runs on a server of yours. Enrol one with a single command.
              </Empty>
            </Panel>
          ) : (
            <form
              className="fl-stack"
              onSubmit={(event) => {
                event.preventDefault();
                if (chosenProject && chosenServer && name.trim()) create.mutate();
              }}
            >
              <Panel title="What and where" hint="A project's code, with its own database, on one of your servers.">
                <div className="fl-form">
                  <div className="fl-form-row">
                    <Select
                      label="Project"
                      placeholder="Choose"
                      data={list.map((p) => ({ value: p.id, label: `${p.name} · Odoo ${p.odoo_version}` }))}
                      value={chosenProject}
                      onChange={setProject}
                      error={error?.field("project_id")}
                    />
                    <Select
                      label="Server"
                      placeholder="Choose"
                      data={usable.map((s) => ({
                        value: s.id,
                        label: `${s.name}${s.status === "online" ? "" : ` (${s.status})`} · ${bytes(s.facts.disk?.free_bytes)} free`,
                      }))}
                      value={chosenServer}
                      onChange={setServer}
                      error={error?.field("server_id")}
                    />
                  </div>
                  <div className="fl-form-row">
                    <TextInput
                      label="Name"
                      placeholder="Acme staging"
                      maxLength={80}
                      value={name}
                      onChange={(e) => setName(e.currentTarget.value)}
                      error={error?.field("name")}
                      inputWrapperOrder={["label", "input", "description", "error"]}
                    />
                    <TextInput
                      label="Short name on the server"
                      description="Of its folder, user, database and unit; stays as it is"
                      placeholder={slugFrom(name, 24) || "acme-staging"}
                      maxLength={24}
                      value={slug}
                      onChange={(e) => setSlug(e.currentTarget.value)}
                      error={error?.field("slug")}
                      autoComplete="off"
                      spellCheck={false}
                      inputWrapperOrder={["label", "input", "description", "error"]}
                    />
                  </div>
                  <Choice
                    label="Type"
                    value={type}
                    onChange={setType}
                    options={[
                      ["development", "Development", "To try things out"],
                      ["staging", "Staging", "To test what goes live next"],
                      ["production", "Production", "What people work with; acts that lose data ask twice"],
                    ]}
                  />
                </div>
              </Panel>
              <SettingsPanels value={settings} onChange={change} error={error} />
              {error && <ProblemNote error={error} />}
              <div className="fl-row">
                <Button type="submit" loading={create.isPending} disabled={!chosenProject || !chosenServer || !name.trim()}>
                  Create environment
                </Button>
              </div>
            </form>
          )
        }
      </Loaded>
    </Page>
  );
}
