import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useHref, useOrg } from "../../app/access";
import { ApiError } from "../../api/client";
import { recordingsQuery } from "../../api/recordings";
import { serverQuery } from "../../api/servers";
import type { Recording, Server } from "../../api/types";
import { bytes, duration } from "../../lib/format";
import { replaysFor } from "../../lib/terminals";
import { useGone } from "../../live/gone";
import { LinkTo } from "../../ui/bits";
import { Command } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote, Waiting } from "../../ui/Problem";
import { ServerLamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** What terminals of a server left there. */
export default function Recordings({ server: id }: { server: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page title={`Recordings of ${one.name}`} back={{ href: href(`/servers/${one.id}`), label: one.name }} lead={<ServerLamp status={one.status} />}>
          <List server={one} />
        </Page>
      )}
    </Loaded>
  );
}

function List({ server }: { server: Server }) {
  const org = useOrg();
  const { data, error, refetch, isFetching } = useQuery(recordingsQuery(org, server.id));
  if (!data && error) return error instanceof ApiError && error.code === "policy_refused" ? <None error={error} /> : <ProblemNote error={error} retry={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Panel
      title="Recordings"
      flush
      actions={
        <Button size="compact-sm" variant="default" leftSection={<Icon name="restart" size={14} />} onClick={() => void refetch()} loading={isFetching}>
          Look again
        </Button>
      }
    >
      {error && <ProblemNote error={error} />}
      {data.length ? <Rows server={server} recordings={data} /> : <Empty icon="terminal" title="Nothing is recorded">Open a terminal with "Keep a recording on the server". Recordings stay on the server for 30 days, 1 GiB at the most.</Empty>}
    </Panel>
  );
}

function Rows({ server, recordings }: { server: Server; recordings: Recording[] }) {
  const href = useHref();
  return (
    <Table label="Recordings" head={["Began", "Unix user", "Length", "Size"]}>
      {recordings.map((one) => {
        const to = href(`/servers/${server.id}/recordings/${one.id}`);
        return (
          <Row key={one.id} href={to}>
            <td>
              <LinkTo href={to}>
                <When time={new Date(one.began_ms).toISOString()} />
              </LinkTo>
            </td>
            <td data-name="Unix user">{one.user}</td>
            <td data-name="Length">{duration(one.wrote_ms - one.began_ms)}</td>
            <td data-name="Size">{bytes(one.bytes)}</td>
          </Row>
        );
      })}
    </Table>
  );
}

/** Says what root on the server has to write. */
function None({ error }: { error: ApiError }) {
  return (
    <Panel>
      <Empty icon="terminal" title="This server shows no recordings">
        {`Of whose terminals recordings are shown is decided on the server: by default of nobody's. ${error.problem.detail} Its root writes these lines, with the users that it is to be:`}
      </Empty>
      <div className="fl-terminal-cure">
        <Command label="Lines for /etc/fairlead/policy.yaml" prompt="$" value={replaysFor("deploy")} />
      </div>
    </Panel>
  );
}
