import { Button, Modal, Stack, Textarea, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { May, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { credentialsQuery } from "../../api/projects";
import { Choice } from "../../ui/Choice";
import { Mono } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { Row, Table } from "../../ui/Table";
import { FormEnd } from "../../ui/FormEnd";

export default function GitCredentials() {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const credentials = useQuery(credentialsQuery(org));
  const [adding, add] = useDisclosure(false);
  const remove = useAct({
    run: (id: string) => need(api.DELETE("/api/v1/orgs/{org}/git-credentials/{credential}", { params: { path: { org, credential: id } } })),
    done: () => void client.invalidateQueries({ queryKey: keys.credentials(org) }),
  });
  const button = (
    <May permission="git_credentials.create">
      <Button leftSection={<Icon name="plus" size={16} />} onClick={add.open}>
        Add a credential
      </Button>
    </May>
  );
  return (
    <Page title="Git credentials" lead="For private repositories. Stored sealed, handed to a server for the one fetch, never shown again." actions={credentials.data?.length ? button : null}>
      <Panel flush>
        <Loaded query={credentials}>
          {(list) =>
            !list.length ? (
              <Empty icon="key" title="No credential yet" action={button}>
                Public repositories need none. For a private one, make a read-only deploy token or deploy key at your git host and add it here.
              </Empty>
            ) : (
              <Table label="Git credentials" head={["Name", "Host", "Kind", "Added", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {list.map((one) => (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.name}</strong>
                    </td>
                    <td data-name="Host">
                      <Mono>{one.host}</Mono>
                    </td>
                    <td data-name="Kind">
                      {one.kind === "token" ? `Token of ${one.username ?? "oauth2"}` : "Deploy key"}
                      {one.fingerprint && (
                        <span className="fl-sub">
                          <Mono>{one.fingerprint}</Mono>
                        </span>
                      )}
                    </td>
                    <td data-name="Added">
                      <When time={one.created_at} />
                      <span className="fl-sub">{one.created_by.email}</span>
                    </td>
                    <td className="fl-acts">
                      {may("git_credentials.delete") && (
                        <Button size="compact-xs" variant="default" onClick={() => remove.mutate(one.id)} aria-label={`Delete credential ${one.name}`}>
                          Delete
                        </Button>
                      )}
                    </td>
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <Modal opened={adding} onClose={add.close} title="Add a git credential">
        <Add onDone={add.close} />
      </Modal>
    </Page>
  );
}

function Add({ onDone }: { onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [host, setHost] = useState("github.com");
  const [kind, setKind] = useState<"token" | "ssh_key">("token");
  const [username, setUsername] = useState("");
  const [secret, setSecret] = useState("");
  const save = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/git-credentials", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: { name: name.trim(), host: host.trim(), kind, secret, ...(kind === "token" && username.trim() ? { username: username.trim() } : {}) },
        }),
      ),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.credentials(org) });
      onDone();
    },
    quiet: true,
  });
  const { error } = save;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack>
        <TextInput label="Name" placeholder="Acme deploy token" maxLength={80} value={name} onChange={(e) => setName(e.currentTarget.value)} error={error?.field("name")} data-autofocus />
        <TextInput label="Host" value={host} onChange={(e) => setHost(e.currentTarget.value)} error={error?.field("host")} spellCheck={false} />
        <Choice
          label="Kind"
          value={kind}
          onChange={setKind}
          options={[
            ["token", "Token", "For https addresses"],
            ["ssh_key", "Deploy key", "For ssh addresses"],
          ]}
        />
        {kind === "token" ? (
          <>
            <TextInput label="User name" description="Where the host wants one" placeholder="oauth2" value={username} onChange={(e) => setUsername(e.currentTarget.value)} error={error?.field("username")} autoComplete="off" />
            <TextInput label="Token" type="password" value={secret} onChange={(e) => setSecret(e.currentTarget.value)} error={error?.field("secret")} autoComplete="new-password" />
          </>
        ) : (
          <Textarea
            label="Private key"
            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
            autosize
            minRows={4}
            maxRows={10}
            value={secret}
            onChange={(e) => setSecret(e.currentTarget.value)}
            error={error?.field("secret")}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        {error && <ProblemNote error={error} />}
        <FormEnd act="Store it" busy={save.isPending} disabled={!name.trim() || !host.trim() || !secret} onCancel={onDone} />
      </Stack>
    </form>
  );
}
