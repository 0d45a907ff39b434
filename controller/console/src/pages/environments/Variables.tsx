import { ActionIcon, Button, Checkbox, Menu, Modal, Stack, TextInput, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { May, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { variablesQuery } from "../../api/environments";
import { keys } from "../../api/keys";
import type { Environment, Variable } from "../../api/types";
import { Mono } from "../../ui/bits";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { Row, Table } from "../../ui/Table";
import { FormEnd } from "../../ui/FormEnd";

export default function Variables({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const variables = useQuery(variablesQuery(org, environment.id));
  const [editing, setEditing] = useState<Variable | "new" | null>(null);
  const changed = () => {
    void client.invalidateQueries({ queryKey: keys.variables(org, environment.id) });
    void client.invalidateQueries({ queryKey: keys.environment(org, environment.id), exact: true });
  };
  const remove = useAct({
    run: (name: string) =>
      need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/variables/{name}", { params: { path: { org, environment: environment.id, name } } })),
    done: changed,
  });
  const add = (
    <May permission="variables.edit">
      <Button size="xs" variant="default" leftSection={<Icon name="plus" size={15} />} onClick={() => setEditing("new")}>
        Add a variable
      </Button>
    </May>
  );
  return (
    <Panel title="Variables of Odoo's process" actions={variables.data?.length ? add : null} flush>
      <Loaded query={variables}>
        {(list) =>
          !list.length ? (
            <Empty icon="lock" title="No variable" action={add}>
              Settings that the code reads from its environment. Secret ones are stored sealed and can be replaced, never read again.
            </Empty>
          ) : (
            <Table label="Variables" head={["Name", "Value", "Changed", { label: "Acts", hidden: true, className: "fl-acts" }]}>
              {list.map((one) => (
                <Row key={one.name}>
                  <td>
                    <Mono>{one.name}</Mono>
                  </td>
                  <td data-name="Value">
                    {one.secret ? (
                      <span className="fl-dim fl-row">
                        <Icon name="lock" size={14} /> secret
                      </span>
                    ) : (
                      <span className="fl-mono fl-clip" style={{ display: "inline-block", verticalAlign: "bottom" }} title={one.value ?? ""}>
                        {one.value}
                      </span>
                    )}
                  </td>
                  <td data-name="Changed">
                    <When time={one.updated_at} />
                    <span className="fl-sub">{one.updated_by?.email}</span>
                  </td>
                  <td className="fl-acts">
                    {may("variables.edit") && (
                      <Menu>
                        <Menu.Target>
                          <ActionIcon variant="subtle" color="gray" aria-label={`Change ${one.name}`}>
                            <Icon name="dots" />
                          </ActionIcon>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item onClick={() => setEditing(one)}>{one.secret ? "Replace" : "Edit"}</Menu.Item>
                          <Menu.Item color="signal" onClick={() => remove.mutate(one.name)}>
                            Remove
                          </Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    )}
                  </td>
                </Row>
              ))}
            </Table>
          )
        }
      </Loaded>
      <Modal opened={editing != null} onClose={() => setEditing(null)} title={editing === "new" ? "Add a variable" : editing ? `Change ${editing.name}` : ""}>
        {editing && (
          <Edit
            environment={environment}
            variable={editing === "new" ? null : editing}
            onCancel={() => setEditing(null)}
            onDone={() => {
              setEditing(null);
              changed();
            }}
          />
        )}
      </Modal>
    </Panel>
  );
}

function Edit({ environment, variable, onDone, onCancel }: { environment: Environment; variable: Variable | null; onDone: () => void; onCancel: () => void }) {
  const org = useOrg();
  const [name, setName] = useState(variable?.name ?? "");
  const [value, setValue] = useState(variable?.value ?? "");
  const [secret, setSecret] = useState(variable?.secret ?? false);
  const save = useAct({
    run: () =>
      need(
        api.PUT("/api/v1/orgs/{org}/environments/{environment}/variables/{name}", {
          params: { path: { org, environment: environment.id, name: name.trim() } },
          body: { value, secret },
        }),
      ),
    done: onDone,
    quiet: true,
  });
  const badName = name && !/^[A-Z_][A-Z0-9_]*$/.test(name.trim()) ? "Capital letters, digits and _ only" : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!badName && name.trim()) save.mutate();
      }}
    >
      <Stack>
        <TextInput
          label="Name"
          placeholder="SMTP_HOST"
          value={name}
          disabled={variable != null}
          maxLength={100}
          onChange={(e) => setName(e.currentTarget.value.toUpperCase())}
          error={badName ?? save.error?.field("name")}
          autoComplete="off"
          spellCheck={false}
          data-autofocus={variable == null || undefined}
        />
        {secret ? (
          <TextInput
            label="Value"
            type="password"
            value={value}
            maxLength={8192}
            onChange={(e) => setValue(e.currentTarget.value)}
            error={save.error?.field("value")}
            autoComplete="new-password"
            data-autofocus={variable != null || undefined}
          />
        ) : (
          <Textarea
            label="Value"
            autosize
            minRows={1}
            maxRows={6}
            value={value}
            maxLength={8192}
            onChange={(e) => setValue(e.currentTarget.value.replace(/[\r\n]/g, ""))}
            error={save.error?.field("value")}
            spellCheck={false}
            data-autofocus={variable != null || undefined}
          />
        )}
        <Checkbox
          label="Secret"
          description="Stored sealed; shown to nobody, kept out of logs"
          checked={secret}
          onChange={(e) => setSecret(e.currentTarget.checked)}
          disabled={variable?.secret}
        />
        {save.error && <ProblemNote error={save.error} />}
        <p className="fl-dim fl-small">Takes effect with the next deploy.</p>
        <FormEnd act="Save" busy={save.isPending} disabled={!name.trim() || Boolean(badName)} onCancel={onCancel} />
      </Stack>
    </form>
  );
}
