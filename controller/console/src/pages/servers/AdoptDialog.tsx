import { Alert, Button, Select, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useAct } from "../../app/act";
import { useHref, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { projectsQuery } from "../../api/projects";
import type { Environment, FoundEnvironment, Server } from "../../api/types";
import { withoutItem } from "../../live/reduce";
import { LinkButton, LinkTo } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { ProblemNote } from "../../ui/Problem";

interface Props {
  server: Server;
  found: FoundEnvironment;
  onClose: () => void;
}

/** Takes a found environment over into a project, and then says where it is. */
export function Adopt(props: Props) {
  const [adopted, setAdopted] = useState<Environment | null>(null);
  return adopted ? <Adopted environment={adopted} onClose={props.onClose} /> : <Choose {...props} onAdopted={setAdopted} />;
}

function Choose({ server, found, onClose, onAdopted }: Props & { onAdopted: (environment: Environment) => void }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const client = useQueryClient();
  const known = found.project?.known ? found.project.id : null;
  const [project, setProject] = useState(known);
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") });
  const adopt = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/servers/{server}/found-environments/{environment}/adopt", {
          params: { path: { org, server: server.id, environment: found.id }, header: { "Idempotency-Key": key } },
          body: { project_id: project! },
        }),
      ),
    done: (environment) => {
      onAdopted(environment);
      client.setQueryData(keys.environment(org, environment.id), environment);
      client.setQueryData<FoundEnvironment[]>(keys.found(org, server.id), (list) => list && withoutItem(list, found.id));
      void client.invalidateQueries({ queryKey: keys.environments(org) });
    },
    quiet: true,
  });
  const chosen = projects.data?.find((one) => one.id === project);
  const otherOdoo = chosen && found.odoo_version && chosen.odoo_version !== found.odoo_version;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (project) adopt.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          Settings and releases are taken over as the server has them. Nothing changes there and nothing restarts. Values of variables are not
          among it: set them anew before the next deploy.
        </p>
        {found.project && !found.project.known && (
          <Alert color="brass" icon={<Icon name="warning" />}>
            It belonged to the project {found.project.name}, which this controller does not have. Choose one with the same repositories
            {may("projects.create") && (
              <>
                , or <LinkTo href={href("/projects/new")}>create it anew</LinkTo> first
              </>
            )}
            .
          </Alert>
        )}
        {may("projects.view") ? (
          <Select
            label="Project"
            description="Says which code the next deploy builds"
            placeholder={projects.data?.length === 0 ? "There is no project yet" : "Choose"}
            data={projects.data?.map((one) => ({ value: one.id, label: `${one.name} · Odoo ${one.odoo_version}` })) ?? []}
            value={project}
            onChange={setProject}
            error={adopt.error?.field("project_id")}
            data-autofocus={!known || undefined}
          />
        ) : (
          <p>{known ? `It goes into its project, ${found.project!.name}.` : "Somebody who may see the projects has to choose one for it."}</p>
        )}
        {projects.error && !projects.data && <ProblemNote error={projects.error} retry={() => void projects.refetch()} />}
        {otherOdoo && (
          <Alert color="brass" icon={<Icon name="warning" />}>
            It runs Odoo {found.odoo_version}, and the project is of Odoo {chosen.odoo_version}. The next deploy would move it there.
          </Alert>
        )}
        {adopt.error && <ProblemNote error={adopt.error} />}
        <FormEnd act="Adopt" busy={adopt.isPending} disabled={!project} focused={known != null} onCancel={onClose} />
      </Stack>
    </form>
  );
}

function Adopted({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const href = useHref();
  const may = useMay();
  const page = href(`/environments/${environment.id}`);
  const acts = useRef<HTMLDivElement>(null);
  useEffect(() => acts.current?.querySelector("a")?.focus(), []); // the form that had the focus is gone
  return (
    <Stack>
      <Alert color="sea" icon={<Icon name="check" />} role="status">
        {environment.name} is managed from here again.
      </Alert>
      {may("variables.view") && (
        <p className="fl-dim">
          If it had variables, set their values anew under <LinkTo href={`${page}/variables`}>Variables</LinkTo> before the next deploy.
        </p>
      )}
      <div className="fl-form-end" ref={acts}>
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        <LinkButton href={page}>Open {environment.name}</LinkButton>
      </div>
    </Stack>
  );
}
