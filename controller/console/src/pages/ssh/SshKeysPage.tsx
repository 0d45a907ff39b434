import { Alert, Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { keys } from "../../api/keys";
import { serverQuery } from "../../api/servers";
import { finishSshKey, retrySshKeys, sshKeysQuery } from "../../api/sshKeys";
import type { Server, SshKey, SshServer } from "../../api/types";
import { fetchScript, finishes, kindOf, nextOf, policyFor, sshConfig, stateWords } from "../../lib/sshKeys";
import { useGone } from "../../live/gone";
import { Mono } from "../../ui/bits";
import { Command, CopyButton, Secret } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Empty, Gone, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp, ServerLamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { KeyForm } from "./KeyForm";
import { RevokeKey } from "./RevokeKey";

export default function SshKeysPage({ server: id }: { server: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const list = useQuery(sshKeysQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page title={`SSH keys of ${one.name}`} back={{ href: href(`/servers/${one.id}`), label: one.name }} lead={<ServerLamp status={one.status} />}>
          <Loaded query={list}>{({ data, server: said }) => <Keys server={one} all={data} said={said} />}</Loaded>
        </Page>
      )}
    </Loaded>
  );
}

function Keys({ server, all, said }: { server: Server; all: SshKey[]; said: SshServer }) {
  const [adding, setAdding] = useState(false);
  const [replacing, setReplacing] = useState<SshKey | null>(null);
  const [ending, setEnding] = useState<SshKey | null>(null);
  const usable = said.users.length > 0 && server.status !== "revoked";
  const add = usable && (
    <May permission="ssh_keys.add">
      <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setAdding(true)}>
        Add key…
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Public keys that let people in to {server.name} by SSH, beside what its owner has in each user's own <Mono>authorized_keys</Mono>, which is neither shown nor touched. Private halves stay with whoever made them.
      </p>
      <Notes server={server} all={all} said={said} />
      {!all.length && !usable ? (
        <None server={server} said={said} />
      ) : (
        <Panel title="Keys" actions={add} flush>
          {!all.length ? (
            <Empty icon="key" title="No SSH key yet">
              Make a pair on your own machine with <Mono>ssh-keygen -t ed25519</Mono>, and add the line of the file that ends in .pub.
            </Empty>
          ) : (
            <Table label="SSH keys" head={["Key", "Unix user", "State", "Added", { label: "Acts", hidden: true, className: "fl-acts" }]}>
              {all.map((one) => (
                <KeyRow key={one.id} server={server} one={one} all={all} onReplace={() => setReplacing(one)} onRevoke={() => setEnding(one)} />
              ))}
            </Table>
          )}
        </Panel>
      )}
      {usable && said.reachable && (
        <May permission="ssh.connect">
          <Native server={server} user={all.find((one) => one.state === "active")?.user ?? said.users[0]!} />
        </May>
      )}
      <KeyForm server={server} users={said.users} opened={adding} onClose={() => setAdding(false)} />
      <KeyForm key={replacing?.id} server={server} users={said.users} old={replacing} opened={replacing !== null} onClose={() => setReplacing(null)} />
      <RevokeKey server={server} one={ending} onClose={() => setEnding(null)} />
    </div>
  );
}

function KeyRow({ server, one, all, onReplace, onRevoke }: { server: Server; one: SshKey; all: SshKey[]; onReplace: () => void; onRevoke: () => void }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const [tone, word] = stateWords[one.state];
  const old = finishes(one, all);
  const next = nextOf(one, all);
  const finish = useAct({
    run: (_: void, key) => finishSshKey(org, server.id, one.id, key),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.sshKeys(org, server.id) });
      tell("The server is asked whether the new key has been used; then the old one goes.");
    },
  });
  const usable = server.status !== "revoked";
  return (
    <Row>
      <td>
        {one.label}
        <span className="fl-sub fl-recipient">
          <Mono title={`${kindOf(one)}, ${one.fingerprint}`}>{one.fingerprint}</Mono>
          <CopyButton value={one.public_key} label={`Copy the public key ${one.label}`} />
        </span>
      </td>
      <td data-name="Unix user">
        {one.user}
        <span className="fl-sub">{kindOf(one)}</span>
      </td>
      <td data-name="State" className="fl-quiet">
        <Lamp tone={tone}>{word}</Lamp>
        {one.problem && !one.replaces && <span className="fl-sub">{one.problem}</span>}
        {next && <span className="fl-sub">“{next.label}” takes its place</span>}
      </td>
      <td data-name="Added">
        <When time={one.created_at} />
        <span className="fl-sub">{one.created_by?.email ?? "found on the server"}</span>
      </td>
      <td className="fl-acts">
        {usable && old && may("ssh_keys.rotate") && (
          <Button size="compact-xs" onClick={() => finish.mutate()} loading={finish.isPending} aria-label={`Finish: remove ${old.label}, which ${one.label} replaces`}>
            Finish
          </Button>
        )}
        {usable && one.state === "active" && !next && !old && may("ssh_keys.rotate") && (
          <Button size="compact-xs" variant="default" onClick={onReplace} aria-label={`Replace the key ${one.label}`}>
            Replace
          </Button>
        )}
        {usable && may("ssh_keys.revoke") && (
          <Button size="compact-xs" variant="default" onClick={onRevoke} aria-label={`Revoke the key ${one.label}`}>
            Revoke
          </Button>
        )}
      </td>
    </Row>
  );
}

/** What stands in the way, and what is to be done next. */
function Notes({ server, all, said }: { server: Server; all: SshKey[]; said: SshServer }) {
  const org = useOrg();
  const client = useQueryClient();
  const retry = useAct({
    run: (_: void, key) => retrySshKeys(org, server.id, key),
    done: () => void client.invalidateQueries({ queryKey: keys.sshKeys(org, server.id) }),
  });
  const failed = all.find((one) => one.problem && !one.replaces);
  const fresh = all.find((one) => finishes(one, all));
  return (
    <>
      {said.problem && (
        <Alert color="signal" icon={<Icon name="warning" />} title="These keys let nobody in at the moment">
          {said.problem}
        </Alert>
      )}
      {failed && (
        <Alert color="brass" icon={<Icon name="warning" />} title="The server has not done what was asked last">
          <p>{failed.problem}</p>
          <May permission="ssh_keys.add">
            <Button size="xs" variant="default" onClick={() => retry.mutate()} loading={retry.isPending}>
              Try again
            </Button>
          </May>
        </Alert>
      )}
      {fresh && (
        <Alert color="petrol" icon={<Icon name="key" />} title="A key waits for its first use">
          “{fresh.label}” is in place, and the key that it replaces still lets in too. Log in as {fresh.user} with the new one once, and then finish: the server looks whether it was used before the old one goes.
          {fresh.problem && <p>{fresh.problem}</p>}
        </Alert>
      )}
    </>
  );
}

/** How ssh, scp and rsync get there where the server lets nothing in. */
function Native({ server, user }: { server: Server; user: string }) {
  const org = useOrg();
  const origin = window.location.origin;
  return (
    <Panel title="ssh, scp and rsync from your own machine">
      <div className="fl-stack">
        <p className="fl-dim fl-words">
          They reach {server.name} through this controller, which passes bytes on and holds no key: who gets in, the server's sshd decides. Fetch the ProxyCommand once, put an API key of read and write with the permission{" "}
          <Mono>ssh.connect</Mono> into <Mono>~/.config/fairlead/key</Mono> (mode 0600), and add the entry to <Mono>~/.ssh/config</Mono>.
        </p>
        <Command label="Fetch the ProxyCommand" prompt="$" value={fetchScript(origin)} />
        <Secret label="Entry for ~/.ssh/config" value={sshConfig(origin, org, server, user)} />
      </div>
    </Panel>
  );
}

/** Says what root on the server has to write. */
function None({ server, said }: { server: Server; said: SshServer }) {
  if (server.status === "revoked") {
    return (
      <Panel>
        <Empty icon="ban" title="This server is revoked">
          Its agent takes the keys that it kept away as soon as it hears of that.
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel>
      <Empty icon="key" title={said.told_at ? "This server keeps no SSH keys" : "Its agent has not said whether it keeps SSH keys"}>
        For which users keys may be kept is decided on the server: by default for nobody. Its root writes these lines into <Mono>/etc/fairlead/policy.yaml</Mono>, with the users that it is to be. Where <Mono>ssh_keys.set</Mono> is not
        among the operations there, it has to be added too. An agent from before there were SSH keys has to be updated first.
      </Empty>
      <div className="fl-terminal-cure">
        <Command label="Lines for /etc/fairlead/policy.yaml" prompt="$" value={policyFor("deploy")} />
        <Command label="Command that makes the agent tell it" value="systemctl restart fairlead-link" />
      </div>
    </Panel>
  );
}
