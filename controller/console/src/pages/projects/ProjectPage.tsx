import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useAct } from "../../app/act";
import { May, useGo, useHref, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import { keys } from "../../api/keys";
import { projectQuery } from "../../api/projects";
import { useGone } from "../../live/gone";
import { Facts, LinkButton, Mono } from "../../ui/bits";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Row, Table } from "../../ui/Table";
import { EnvironmentRows } from "../environments/Environments";

export default function ProjectPage({ project: id }: { project: string }) {
  const org = useOrg();
  const href = useHref();
  const go = useGo();
  const may = useMay();
  const client = useQueryClient();
  const project = useQuery(projectQuery(org, id));
  const gone = useGone(id);
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") });
  const [deleting, remove] = useDisclosure(false);
  const mine = environments.data?.filter((e) => e.project_id === id) ?? [];
  const doDelete = useAct({
    run: (name: string) =>
      need(api.DELETE("/api/v1/orgs/{org}/projects/{project}", { params: { path: { org, project: id }, header: { "X-Confirm": confirmHeader(name) } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.projects(org) });
      go("/projects");
    },
    quiet: true,
  });

  if (gone) return <Gone name={project.data?.name ?? "It"} href={href("/projects")} all="All projects" />;
  return (
    <Loaded query={project}>
      {(one) => (
        <Page
          title={one.name}
          back={{ href: href("/projects"), label: "Projects" }}
          lead={`Odoo ${one.odoo_version}`}
          actions={
            <>
              {!mine.length && environments.data && (
                <May permission="projects.delete">
                  <Button variant="default" onClick={remove.open}>
                    Delete…
                  </Button>
                </May>
              )}
              <May permission="projects.edit">
                <LinkButton href={href(`/projects/${id}/edit`)} variant="default" icon="pencil">
                  Edit
                </LinkButton>
              </May>
              <May permission="environments.create">
                <LinkButton href={href(`/environments/new?project=${id}`)} icon="plus">
                  New environment
                </LinkButton>
              </May>
            </>
          }
        >
          <div className="fl-two">
            <div className="fl-stack">
              {may("environments.view") && (
                <Panel title="Environments" flush>
                  <Loaded query={environments} lines={2}>
                    {() =>
                      mine.length ? (
                        <EnvironmentRows environments={mine} hideProject />
                      ) : (
                        <Empty icon="environment" title="No environment yet">
                          Create one to run this project on a server.
                        </Empty>
                      )
                    }
                  </Loaded>
                </Panel>
              )}
              <Panel title="Addon repositories, in order" flush>
                {one.addons.length ? (
                  <Table label="Addon repositories" head={["Name", "Repository", "Branch"]}>
                    {one.addons.map((addon) => (
                      <Row key={addon.name}>
                        <td>
                          <strong>{addon.name}</strong>
                        </td>
                        <td data-name="Repository">
                          <Mono>{addon.url}</Mono>
                        </td>
                        <td data-name="Branch">
                          <Mono>{addon.branch}</Mono>
                          {Object.entries(addon.branch_by_type ?? {}).map(([type, branch]) => (
                            <span key={type} className="fl-sub">
                              {type}: <Mono>{branch}</Mono>
                            </span>
                          ))}
                        </td>
                      </Row>
                    ))}
                  </Table>
                ) : (
                  <Empty icon="branch" title="Odoo alone">
                    No addon repository: environments of this project run Odoo as it comes.
                  </Empty>
                )}
              </Panel>
            </div>
            <Panel title="About">
              <Facts
                items={[
                  ["Odoo", one.odoo_version],
                  ["Source", <Mono key="u">{one.odoo_source.url}</Mono>],
                  ["Branch", <Mono key="b">{one.odoo_source.branch}</Mono>],
                  ["Created", <When key="c" time={one.created_at} />],
                  ["Id", <Mono key="i">{one.id}</Mono>],
                ]}
              />
            </Panel>
          </div>
          <ConfirmName
            opened={deleting}
            onClose={remove.close}
            title={`Delete ${one.name}`}
            name={one.name}
            act="Delete"
            onConfirm={() => doDelete.mutate(one.name)}
            busy={doDelete.isPending}
            error={doDelete.error}
          >
            The project goes from the list. Your repositories are not touched.
          </ConfirmName>
        </Page>
      )}
    </Loaded>
  );
}
