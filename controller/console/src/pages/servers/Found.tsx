import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useHref, useMay, useOrg } from "../../app/access";
import { environmentsQuery } from "../../api/environments";
import { foundQuery, serversQuery } from "../../api/servers";
import type { Environment, FoundEnvironment, Server } from "../../api/types";
import { count } from "../../lib/format";
import { LinkTo, Mono } from "../../ui/bits";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { Lamp, TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { Adopt } from "./AdoptDialog";

export const nameOf = (found: FoundEnvironment) => found.name || found.slug;

/** What the server holds and this controller has no record of. Nothing is shown where there is no such thing. */
export function Found({ server }: { server: Server }) {
  const org = useOrg();
  const may = useMay();
  const found = useQuery({ ...foundQuery(org, server.id), enabled: may("environments.view") });
  // Held apart from the list: what is adopted leaves it, and the dialog then says what comes next.
  const [chosen, choose] = useState<FoundEnvironment | null>(null);
  const [opened, setOpened] = useState(false);
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") }).data;
  const known = (one: FoundEnvironment) => environments?.find((environment) => environment.id === one.id);
  // What was just adopted may be known an instant before it is no longer found.
  const list = found.data?.filter((one) => known(one)?.server_id !== server.id) ?? [];
  return (
    <>
      {found.error && !found.data && <ProblemNote error={found.error} retry={() => void found.refetch()} />}
      {list.length > 0 && (
        <Panel title="Environments found on this server" flush>
          <p className="fl-panel-words">
            Fairlead made {list.length === 1 ? "this one, but this controller has no record of it" : "these, but this controller has no record of them"}: it was set
            back to an older copy of its database, or the server belonged to another controller. What runs goes on running, and slugs and ports stay
            taken. Adopt an environment to manage it from here again.
          </p>
          <Table
            label="Environments found on this server"
            head={["Environment", "State", "Project", "Port", { label: "Acts", hidden: true, className: "fl-acts" }]}
          >
            {list.map((one) => (
              <FoundRow
                key={one.id}
                found={one}
                known={known(one)}
                server={server}
                onAdopt={() => {
                  choose(one);
                  setOpened(true);
                }}
              />
            ))}
          </Table>
        </Panel>
      )}
      <Modal opened={opened} onClose={() => setOpened(false)} title={chosen ? `Adopt ${nameOf(chosen)}` : ""}>
        {chosen && <Adopt key={chosen.id} server={server} found={chosen} onClose={() => setOpened(false)} />}
      </Modal>
    </>
  );
}

function FoundRow({ found, known, server, onAdopt }: { found: FoundEnvironment; known?: Environment; server: Server; onAdopt: () => void }) {
  const href = useHref();
  const may = useMay();
  const { project } = found;
  const why = known ? <Known environment={known} /> : whyNot(found, server, may("environments.create"));
  return (
    <Row>
      <td>
        <span className="fl-row">
          <strong>{nameOf(found)}</strong>
          {found.type && <TypeBadge type={found.type} />}
        </span>
        <span className="fl-sub">
          {found.name && <Mono>{found.slug}</Mono>}
          {found.odoo_version && ` · Odoo ${found.odoo_version} · ${count(found.releases, "release")}`}
        </span>
        {why && <span className="fl-sub">{why}</span>}
      </td>
      <td data-name="State" className="fl-quiet">
        <FoundLamp state={found.state} />
      </td>
      <td data-name="Project">
        {project?.known && may("projects.view") ? <LinkTo href={href(`/projects/${project.id}`)}>{project.name}</LinkTo> : (project?.name ?? "–")}
        {project && !project.known && (
          <span className="fl-sub" style={{ whiteSpace: "nowrap" }}>
            not known here
          </span>
        )}
      </td>
      <td data-name="Port">{found.port}</td>
      <td className="fl-acts">
        {!why && (
          <Button size="compact-sm" variant="default" onClick={onAdopt} aria-label={`Adopt ${nameOf(found)}`}>
            Adopt
          </Button>
        )}
      </td>
    </Row>
  );
}

/** A machine that was enrolled anew is another server, which holds what is still listed on the one that it was. */
function Known({ environment }: { environment: Environment }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serversQuery(org)).data?.find((one) => one.id === environment.server_id);
  return (
    <>
      Known here already: <LinkTo href={href(`/environments/${environment.id}`)}>{environment.name}</LinkTo> on {server?.name ?? "another server"}.{" "}
      {server?.status === "revoked"
        ? "Delete that one, which only forgets it because its server is revoked; then this one can be adopted."
        : "If this machine has taken that server's place, revoke that server first."}
    </>
  );
}

/** Why it cannot be adopted, and what to do about it. */
function whyNot(found: FoundEnvironment, server: Server, allowed: boolean): string | null {
  if (server.status === "revoked") return "Cannot be adopted: this server is revoked. Enrol the machine anew, and it is found there.";
  if (!found.adoptable && !found.releases) return "Cannot be adopted: its first deployment never came to its end, so there is nothing to take over. Give a new one another slug.";
  if (!found.adoptable) return "Cannot be adopted: the server does not tell what it was made from. Update the agent there; it is told when the agent connects again.";
  if (!allowed) return "Somebody who may create environments can adopt it.";
  return null;
}

const states = {
  running: ["good", "Running"],
  starting: ["busy", "Starting"],
  stopped: ["idle", "Stopped"],
  failed: ["bad", "Failed"],
} as const;

function FoundLamp({ state }: { state: string }) {
  const [tone, word] = states[state as keyof typeof states] ?? ["warn", state || "Unknown"];
  return <Lamp tone={tone}>{word}</Lamp>;
}
