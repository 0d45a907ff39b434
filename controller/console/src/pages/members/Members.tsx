import { Badge } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { membersQuery } from "../../api/members";
import { projectsQuery } from "../../api/projects";
import { May, useAccess, useHref, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { roleTitle } from "../../lib/roles";
import { LinkButton } from "../../ui/bits";
import { Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { Invitations } from "./Invitations";

export default function Members() {
  const org = useOrg();
  const { session } = useAccess();
  const href = useHref();
  const may = useMay();
  const members = useQuery(membersQuery(org));
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  return (
    <Page
      title="Members"
      lead="Who belongs to the organization, and what they may do in it."
      actions={
        <May permission="invitations.create">
          <LinkButton href={href("/members/invite")} icon="plus">
            Invite
          </LinkButton>
        </May>
      }
    >
      <Panel flush>
        <Loaded query={members}>
          {(list) => (
            <Table label="Members" head={["Person", "Role", "Projects", "Last seen", "Joined"]}>
              {[...list]
                .sort((a, b) => Number(b.owner) - Number(a.owner) || (a.name || a.email).localeCompare(b.name || b.email))
                .map((one) => {
                  const apart = one.granted.length + one.withdrawn.length;
                  return (
                    <Row key={one.id} href={href(`/members/${one.id}`)}>
                      <td>
                        <Link href={href(`/members/${one.id}`)} className="fl-name">
                          {one.name || one.email}
                        </Link>
                        {one.id === session.user.id && <span className="fl-dim"> (you)</span>}
                        {one.name && <span className="fl-sub">{one.email}</span>}
                      </td>
                      <td data-name="Role">
                        {roleTitle(one)}{" "}
                        {one.owner && (
                          <Badge variant="light" color="brass" size="sm" className="fl-type">
                            Owner
                          </Badge>
                        )}
                        {apart > 0 && !one.owner && <span className="fl-sub">{count(apart, "permission")} apart from it</span>}
                      </td>
                      <td data-name="Projects">{one.projects === null || one.owner ? "all" : one.projects.map((id) => projects?.find((p) => p.id === id)?.name ?? id).join(", ") || "none any more"}</td>
                      <td data-name="Last seen">
                        <When time={one.last_seen_at} />
                      </td>
                      <td data-name="Joined">
                        <When time={one.joined_at} />
                      </td>
                    </Row>
                  );
                })}
            </Table>
          )}
        </Loaded>
      </Panel>
      {may("invitations.view") && <Invitations />}
    </Page>
  );
}
