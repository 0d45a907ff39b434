import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { serversQuery, tokensQuery } from "../../api/servers";
import type { RegistrationToken, Server } from "../../api/types";
import { useAct } from "../../app/act";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { Labels, LinkButton, LinkTo } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

const states = { active: ["good", "Active"], used_up: ["dim", "Used up"], expired: ["dim", "Expired"], revoked: ["dim", "Revoked"] } as const;

export default function RegistrationTokens() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const tokens = useQuery(tokensQuery(org));
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data;
  const [all, setAll] = useState(false);
  const [ending, setEnding] = useState<RegistrationToken | null>(null);
  const create = (
    <May permission="servers.enroll">
      <LinkButton href={href("/servers/enrol")} icon="plus">
        New token
      </LinkButton>
    </May>
  );
  return (
    <Page
      title="Registration tokens"
      lead="What lets a server in: each for this organization alone, for so many servers and so long. Servers that are in already need theirs no more."
      actions={tokens.data?.length ? create : null}
    >
      <Panel flush>
        <Loaded query={tokens}>
          {(list) => {
            const active = list.filter((one) => one.status === "active");
            const shown = all ? list : active;
            const over = list.length - active.length;
            return (
              <>
                {shown.length ? (
                  <Table label="Registration tokens" head={["Token", "Status", "Used", "Enrolled", "Expires", "Made by", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                    {shown.map((one) => (
                      <Token key={one.id} one={one} servers={servers?.filter((server) => server.registration_token_id === one.id)} onRevoke={() => setEnding(one)} />
                    ))}
                  </Table>
                ) : (
                  <Empty icon="key" title={list.length ? "No token is active" : "No registration token yet"} action={create}>
                    Make one when you enrol a server: its command holds it, and it is shown only then.
                  </Empty>
                )}
                {over > 0 && !all && (
                  <div className="fl-more">
                    <Button variant="subtle" size="xs" onClick={() => setAll(true)}>
                      Show {active.length ? `${over} more that are` : count(over, "token that is", "tokens that are")} used up, expired or revoked
                    </Button>
                  </div>
                )}
              </>
            );
          }}
        </Loaded>
      </Panel>
      <Modal opened={ending !== null} onClose={() => setEnding(null)} title={`Revoke ${ending?.name ?? ""}?`}>
        {ending && <Revoke one={ending} onDone={() => setEnding(null)} />}
      </Modal>
    </Page>
  );
}

/** `servers`: those that it let in, as far as they are still there; undefined where the role may not see servers. */
function Token({ one, servers, onRevoke }: { one: RegistrationToken; servers: Server[] | undefined; onRevoke: () => void }) {
  const href = useHref();
  const may = useMay();
  const [tone, word] = states[one.status];
  return (
    <Row>
      <td>
        <strong>{one.name}</strong> <Labels labels={one.labels} />
      </td>
      <td data-name="Status" className="fl-quiet">
        <Lamp tone={tone}>{word}</Lamp>
      </td>
      <td data-name="Used">
        {one.uses} of {one.max_uses}
      </td>
      <td data-name="Enrolled">
        {servers?.length ? servers.map((server) => <div key={server.id}><LinkTo href={href(`/servers/${server.id}`)}>{server.name}</LinkTo></div>) : <span className="fl-dim">–</span>}
      </td>
      <td data-name="Expires">
        <When time={one.expires_at} />
      </td>
      <td data-name="Made by">
        {one.created_by.email}
        <span className="fl-sub">
          <When time={one.created_at} />
        </span>
      </td>
      <td className="fl-acts">
        {one.status === "active" && may("registration_tokens.revoke") && (
          <Button size="compact-xs" variant="default" onClick={onRevoke} aria-label={`Revoke token ${one.name}`}>
            Revoke
          </Button>
        )}
      </td>
    </Row>
  );
}

function Revoke({ one, onDone }: { one: RegistrationToken; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/registration-tokens/{token}", { params: { path: { org, token: one.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.tokens(org) });
      onDone();
    },
    quiet: true,
  });
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        revoke.mutate();
      }}
    >
      <p>No server enrols with it from now on. Those that did stay as they are.</p>
      {revoke.error && <ProblemNote error={revoke.error} />}
      <FormEnd act="Revoke" busy={revoke.isPending} danger focused onCancel={onDone} />
    </form>
  );
}
