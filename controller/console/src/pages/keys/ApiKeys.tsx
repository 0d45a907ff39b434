import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { apiKeysQuery } from "../../api/apiKeys";
import { keys } from "../../api/keys";
import { projectsQuery } from "../../api/projects";
import type { ApiKey } from "../../api/types";
import { useAct } from "../../app/act";
import { May, useHref, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { LinkButton, Mono } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

const states = { active: ["good", "Active"], expired: ["dim", "Expired"], maker_left: ["warn", "Its maker left"] } as const;

export default function ApiKeys() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const list = useQuery(apiKeysQuery(org));
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;
  const [ending, setEnding] = useState<ApiKey | null>(null);
  const create = (
    <May permission="api_keys.create">
      <LinkButton href={href("/api-keys/new")} icon="plus">
        New API key
      </LinkButton>
    </May>
  );
  return (
    <Page title="API keys" lead="For programs that work in this organization. A key may never do more than its maker, and stops when they leave." actions={list.data?.length ? create : null}>
      <Panel flush>
        <Loaded query={list}>
          {(all) =>
            !all.length ? (
              <Empty icon="key" title="No API key yet" action={create}>
                Make one for your CI, a script or another program. Give each program its own, so that one can be revoked without the others.
              </Empty>
            ) : (
              <Table label="API keys" head={["Key", "State", "Last used", "May", "Ends", "Made by", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {all.map((one) => {
                  const [tone, word] = states[one.status];
                  return (
                    <Row key={one.id}>
                      <td>
                        <strong>{one.name}</strong>
                        <span className="fl-sub">
                          <Mono>{one.hint}…</Mono>
                        </span>
                      </td>
                      <td data-name="State" className="fl-quiet">
                        <Lamp tone={tone}>{word}</Lamp>
                      </td>
                      <td data-name="Last used">{one.last_used_at ? <When time={one.last_used_at} /> : <span className="fl-dim">never</span>}</td>
                      <td data-name="May">
                        <Reach of={one} projects={projects} />
                      </td>
                      <td data-name="Ends">{one.expires_at ? <When time={one.expires_at} /> : <span className="fl-dim">never</span>}</td>
                      <td data-name="Made by">
                        {one.created_by.email}
                        <span className="fl-sub">
                          <When time={one.created_at} />
                        </span>
                      </td>
                      <td className="fl-acts">
                        {may("api_keys.revoke") && (
                          <Button size="compact-xs" variant="default" onClick={() => setEnding(one)} aria-label={`Revoke key ${one.name}`}>
                            Revoke
                          </Button>
                        )}
                      </td>
                    </Row>
                  );
                })}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <Modal opened={ending !== null} onClose={() => setEnding(null)} title={`Revoke ${ending?.name ?? ""}?`}>
        {ending && <Revoke one={ending} onDone={() => setEnding(null)} />}
      </Modal>
    </Page>
  );
}

function Reach({ of: { kind, permissions, projects: ids, addresses }, projects }: { of: ApiKey; projects: { id: string; name: string }[] | undefined }) {
  const named = ids?.map((id) => projects?.find((one) => one.id === id)?.name ?? id);
  return (
    <>
      <span title={permissions.join("\n")}>
        {kind === "read_only" ? "read" : "read and write"}, {count(permissions.length, "permission")}
      </span>
      {named && <span className="fl-sub">in {named.join(", ") || "no project any more"}</span>}
      {addresses.length > 0 && <span className="fl-sub">from {addresses.join(", ")}</span>}
    </>
  );
}

function Revoke({ one, onDone }: { one: ApiKey; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const revoke = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/api-keys/{key}", { params: { path: { org, key: one.id } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.apiKeys(org) });
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
      <p>
        Whatever uses <Mono>{one.hint}…</Mono> is refused from now on. This cannot be taken back; make a new key to let it in again.
      </p>
      {revoke.error && <ProblemNote error={revoke.error} />}
      <FormEnd act="Revoke" busy={revoke.isPending} danger focused onCancel={onDone} />
    </form>
  );
}
