import { Button, Modal, Switch } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { alertRulesQuery } from "../../api/alerts";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import { keys } from "../../api/keys";
import { projectsQuery } from "../../api/projects";
import { serversQuery } from "../../api/servers";
import type { AlertRule } from "../../api/types";
import { useAct } from "../../app/act";
import { May, useMay, useOrg } from "../../app/access";
import { kinds, limitWords, mailWords } from "../../lib/alerts";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Table } from "../../ui/Table";
import { RuleForm } from "./RuleForm";

type Open = { edit: AlertRule | null } | { remove: AlertRule };

export function Rules() {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const rules = useQuery(alertRulesQuery(org));
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const fresh = () => void client.invalidateQueries({ queryKey: keys.allAlerts(org) });
  const recommended = useAct<void>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/alert-rules/recommended", { params: { path: { org }, header: { "Idempotency-Key": key } } })),
    done: fresh,
  });
  const add = (
    <May permission="alerts.edit">
      <Button size="xs" variant="default" leftSection={<Icon name="plus" size={15} />} onClick={() => setOpen({ edit: null })}>
        Add a rule
      </Button>
    </May>
  );
  const addRecommended = (
    <May permission="alerts.edit">
      <Button size="xs" leftSection={<Icon name="check" size={15} />} loading={recommended.isPending} onClick={() => recommended.mutate()}>
        Add the recommended rules
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <Panel title="Rules" actions={rules.data?.length ? add : null} flush>
        <Loaded query={rules}>
          {(list) =>
            !list.length ? (
              <Empty icon="bell" title="Nobody is told of anything yet" action={may("alerts.edit") && <div className="fl-row">{addRecommended}{add}</div>}>
                {may("alerts.edit")
                  ? "The recommended rules tell the owners by mail when a server is offline, its disk, memory or processors run short, an environment is down, a backup is too old, or a certificate is near its end."
                  : "Ask an admin of this organization to add rules."}
              </Empty>
            ) : (
              <Table label="Rules" head={["Rule", "Told when", "About", "Mail to", { label: "On", hidden: false }, ...(may("alerts.edit") ? [{ label: "Acts", hidden: true }] : [])]}>
                {list.map((rule) => (
                  <Rule key={rule.id} rule={rule} onEdit={() => setOpen({ edit: rule })} onRemove={() => setOpen({ remove: rule })} onChanged={fresh} />
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <p className="fl-dim fl-words">
        Programs are told too: choose the events <code>alert.fired</code> and <code>alert.cleared</code> of a webhook, under Settings.
      </p>
      <Modal opened={open !== null && "edit" in open} onClose={close} size="lg" title={open && "edit" in open && open.edit ? `Change ${open.edit.name}` : "Add a rule"}>
        {open && "edit" in open && (
          <RuleForm
            rule={open.edit}
            onCancel={close}
            onDone={() => {
              fresh();
              close();
            }}
          />
        )}
      </Modal>
      {open && "remove" in open && (
        <Remove
          rule={open.remove}
          onClose={close}
          onDone={() => {
            fresh();
            close();
          }}
        />
      )}
    </div>
  );
}

/** What it is about, by its name where it can be seen. */
function useTarget(id: string | null): string {
  const org = useOrg();
  const may = useMay();
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") && (id?.startsWith("srv_") ?? false) }).data;
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") && (id?.startsWith("env_") ?? false) }).data;
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") && (id?.startsWith("prj_") ?? false) }).data;
  if (!id) return "all";
  const found = [...(servers ?? []), ...(environments ?? []), ...(projects ?? [])].find((one) => one.id === id);
  return found?.name ?? id;
}

function Rule({ rule, onEdit, onRemove, onChanged }: { rule: AlertRule; onEdit: () => void; onRemove: () => void; onChanged: () => void }) {
  const org = useOrg();
  const may = useMay();
  const target = useTarget(rule.target_id);
  const turn = useAct<boolean>({
    run: (enabled) => need(api.PATCH("/api/v1/orgs/{org}/alert-rules/{alert_rule}", { params: { path: { org, alert_rule: rule.id } }, body: { enabled } })),
    done: onChanged,
  });
  return (
    <tr>
      <td>
        <span className="fl-name">{rule.name}</span>
        {rule.name !== kinds[rule.kind].label && <span className="fl-sub">{kinds[rule.kind].label}</span>}
      </td>
      <td data-name="Told when">{limitWords(rule)}</td>
      <td data-name="About">{target}</td>
      <td data-name="Mail to">{mailWords(rule)}</td>
      <td data-name="On">
        <Switch size="xs" checked={turn.isPending ? turn.variables : rule.enabled} disabled={!may("alerts.edit")} onChange={(event) => turn.mutate(event.currentTarget.checked)} aria-label={`${rule.name} is on`} />
      </td>
      {may("alerts.edit") && (
        <td className="fl-acts">
          <Button size="compact-xs" variant="subtle" onClick={onEdit} aria-label={`Change ${rule.name}`}>
            Change
          </Button>
          <Button size="compact-xs" variant="subtle" color="signal" onClick={onRemove} aria-label={`Remove ${rule.name}`}>
            Remove
          </Button>
        </td>
      )}
    </tr>
  );
}

function Remove({ rule, onClose, onDone }: { rule: AlertRule; onClose: () => void; onDone: () => void }) {
  const org = useOrg();
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/alert-rules/{alert_rule}", { params: { path: { org, alert_rule: rule.id } } })),
    done: onDone,
    quiet: true,
  });
  return (
    <Confirm opened onClose={onClose} title={`Remove ${rule.name}?`} act="Remove" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
      Its alerts end, and nobody is told of that. To have it quiet for a while, turn it off instead.
    </Confirm>
  );
}
