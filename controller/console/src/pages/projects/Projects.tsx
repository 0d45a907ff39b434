import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { useHref, useMay, useOrg } from "../../app/access";
import { projectsQuery } from "../../api/projects";
import { count } from "../../lib/format";
import { LinkButton, Mono } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Row, Table } from "../../ui/Table";

export default function Projects() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const projects = useQuery(projectsQuery(org));
  const create = may("projects.create") && (
    <LinkButton href={href("/projects/new")} icon="plus">
      New project
    </LinkButton>
  );
  return (
    <Page title="Projects" lead="An Odoo version and the addon repositories that go with it." actions={projects.data?.length ? create : null}>
      <Panel flush>
        <Loaded query={projects}>
          {(list) =>
            !list.length ? (
              <Empty icon="project" title="No project yet" action={create}>
                A project says where Odoo and your addons come from. Its environments are built from it.
              </Empty>
            ) : (
              <Table label="Projects" head={["Project", "Odoo", "Source", "Addons", "Environments", "Created"]}>
                {[...list]
                  .sort((a, b) => a.name.localeCompare(b.name))
                  .map((project) => {
                    const { development, staging, production } = project.environments;
                    return (
                      <Row key={project.id} href={href(`/projects/${project.id}`)}>
                        <td>
                          <Link href={href(`/projects/${project.id}`)} className="fl-name">
                            {project.name}
                          </Link>
                        </td>
                        <td data-name="Odoo">{project.odoo_version}</td>
                        <td data-name="Source">
                          <Mono>{project.odoo_source.branch}</Mono>
                        </td>
                        <td data-name="Addons">{count(project.addons.length, "repository", "repositories")}</td>
                        <td data-name="Environments">{development + staging + production}</td>
                        <td data-name="Created">
                          <When time={project.created_at} />
                        </td>
                      </Row>
                    );
                  })}
              </Table>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
