import { Alert, Button, Checkbox, Group, Select, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { May, useHref, useOrg } from "../../app/access";
import { useAct } from "../../app/act";
import { serverQuery } from "../../api/servers";
import { askForTerminal } from "../../api/terminals";
import type { Server } from "../../api/types";
import { policyFor, wordsOfEnd, type End } from "../../lib/terminals";
import { useGone } from "../../live/gone";
import { LinkButton } from "../../ui/bits";
import { Command } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { ServerLamp } from "../../ui/status";

const Screen = lazy(() => import("./Screen"));

export default function TerminalPage({ server: id }: { server: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page
          title={`Terminal of ${one.name}`}
          back={{ href: href(`/servers/${one.id}`), label: one.name }}
          lead={<ServerLamp status={one.status} />}
          actions={
            <May permission="recordings.view">
              <LinkButton href={href(`/servers/${one.id}/recordings`)} variant="default" icon="play">
                Recordings
              </LinkButton>
            </May>
          }
        >
          <Terminal server={one} />
        </Page>
      )}
    </Loaded>
  );
}

interface Shown {
  id: string;
  ticket: string;
  user: string;
}

function Terminal({ server }: { server: Server }) {
  const org = useOrg();
  const users = server.terminal_users;
  const [user, setUser] = useState<string | null>(users.length === 1 ? users[0]! : null);
  const [record, setRecord] = useState(false);
  const [shown, show] = useState<Shown | null>(null);
  const [end, setEnd] = useState<End | null>(null);
  const open = useAct({
    run: (as: string, key) => askForTerminal(org, server.id, as, { columns: 80, rows: 24 }, record, key),
    done: ({ terminal, ticket }) => {
      setEnd(null);
      show({ id: terminal.id, ticket, user: terminal.user });
    },
    quiet: true,
  });

  if (shown) {
    return (
      <Suspense fallback={null}>
        {server.status !== "online" && !end && (
          <Alert color="brass" icon={<Icon name="warning" />} title="The server is not connected at the moment">
            The terminal waits for it for a minute and then goes on where it was.
          </Alert>
        )}
        <Screen key={shown.id} id={shown.id} ticket={shown.ticket} label={`Terminal of ${server.name} as ${shown.user}`} user={shown.user} onEnd={setEnd} />
        {end && (
          <div className="fl-terminal-end" role="status">
            <span>
              <b>{wordsOfEnd(end)}</b> {end.message}
            </span>
            <Group gap="xs">
              <Button size="xs" onClick={() => open.mutate(shown.user)} loading={open.isPending}>
                Open again
              </Button>
              <Button size="xs" variant="default" onClick={() => show(null)}>
                Choose another user
              </Button>
            </Group>
          </div>
        )}
        {open.error && <ProblemNote error={open.error} />}
      </Suspense>
    );
  }
  if (!users.length) return <None server={server} />;
  return (
    <Panel title="Open a terminal">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (user) open.mutate(user);
        }}
      >
        <Stack maw={420}>
          <Select label="Unix user" description="Those that the server's own policy allows" data={users} value={user} onChange={setUser} allowDeselect={false} error={open.error?.field("user")} />
          <Checkbox
            label="Keep a recording on the server"
            description="Of what the terminal shows, for 30 days. The server's policy may have every terminal recorded; its first line says so."
            checked={record}
            onChange={(event) => setRecord(event.currentTarget.checked)}
          />
          {open.error && <ProblemNote error={open.error} />}
          <Group>
            <Button type="submit" leftSection={<Icon name="terminal" size={16} />} disabled={!user || server.status !== "online"} loading={open.isPending}>
              Open terminal
            </Button>
          </Group>
          {server.status !== "online" && <span className="fl-dim fl-small">The server has to be connected.</span>}
          <span className="fl-dim fl-small">Opening and end are in the audit log. What is typed and shown passes through the controller and is not kept there.</span>
        </Stack>
      </form>
    </Panel>
  );
}

/** Says what root on the server has to write. */
function None({ server }: { server: Server }) {
  return (
    <Panel>
      <Empty icon="terminal" title="This server allows no terminals">
        {server.status === "online"
          ? "As whom terminals may be opened is decided on the server: by default as nobody. Its root writes these lines into /etc/fairlead/policy.yaml, with the users that it is to be:"
          : "As whom terminals may be opened is told by its agent when it connects. Its root allows it with these lines in /etc/fairlead/policy.yaml:"}
      </Empty>
      <div className="fl-terminal-cure">
        <Command label="Lines for /etc/fairlead/policy.yaml" prompt="$" value={policyFor("deploy")} />
        <Command label="Command that makes the agent tell it" value="systemctl restart fairlead-link" />
      </div>
    </Panel>
  );
}
