import { Alert, Button, Menu, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { tell, useAct } from "../../app/act";
import { May, useGo, useHref, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { environmentsQuery, keys, operationsQuery, serverQuery } from "../../api/queries";
import type { Server } from "../../api/types";
import { bytes, day, duration, percent } from "../../lib/format";
import { useGone } from "../../live/gone";
import { Empty, Facts, Gone, Labels, LinkTo, Loaded, Meter, Mono, Page, Panel, ProblemNote, When } from "../../ui/basics";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Icon } from "../../ui/Icon";
import { LabelsInput, parseLabels, writeLabels } from "../../ui/LabelsInput";
import { EnvironmentLamp, ServerLamp, TypeBadge } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { OperationRows } from "../operations/Operations";
import { Charts } from "./Charts";

export default function ServerPage({ id }: { id: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page
          title={one.name}
          back={{ href: href("/servers"), label: "Servers" }}
          lead={
            <>
              <ServerLamp status={one.status} />
              <span>
                seen <When time={one.last_seen_at} />
              </span>
              <Labels labels={one.labels} />
            </>
          }
          actions={<Acts server={one} />}
        >
          <Notes server={one} />
          <div className="fl-two">
            <div className="fl-stack">
              <ServerEnvironments server={one} />
              <Charts server={one} />
              <ServerOperations server={one} />
            </div>
            <div className="fl-stack">
              <Now server={one} />
              <About server={one} />
            </div>
          </div>
        </Page>
      )}
    </Loaded>
  );
}

function Notes({ server }: { server: Server }) {
  if (server.status === "offline") {
    return (
      <Alert color="brass" icon={<Icon name="warning" />} title="The agent is not connected">
        What runs on the server keeps running; its state cannot be known from here until the agent is back. On the server,{" "}
        <code>systemctl status fairlead-agent</code> and <code>journalctl -u fairlead-agent</code> say why.
      </Alert>
    );
  }
  if (server.status === "revoked") {
    return (
      <Alert color="gray" icon={<Icon name="ban" />} title="This server is revoked">
        Its key is refused for ever. To use the machine again, run <code>fairlead-agent uninstall</code> on it and enrol it anew.
      </Alert>
    );
  }
  return null;
}

function Now({ server: { facts } }: { server: Server }) {
  const used = facts.disk?.total_bytes != null && facts.disk.free_bytes != null ? facts.disk.total_bytes - facts.disk.free_bytes : undefined;
  return (
    <Panel title="Now">
      <div className="fl-stack">
        <Meter
          label="CPU"
          value={facts.cpu?.cores ? (facts.cpu.used_percent ?? null) : null}
          text={facts.cpu?.used_percent != null && facts.cpu.cores ? `${Math.round(facts.cpu.used_percent)} % of ${facts.cpu.cores ?? "?"} cores` : "–"}
        />
        <Meter
          label="Memory"
          value={percent(facts.memory?.used_bytes, facts.memory?.total_bytes)}
          text={facts.memory?.total_bytes ? `${bytes(facts.memory.used_bytes)} of ${bytes(facts.memory.total_bytes)}` : "–"}
        />
        <Meter label="Disk" value={percent(used, facts.disk?.total_bytes)} text={facts.disk?.total_bytes ? `${bytes(facts.disk.free_bytes)} free of ${bytes(facts.disk.total_bytes)}` : "–"} />
        <Facts
          items={[
            ["Load", facts.load ? facts.load.map((l) => l.toFixed(2)).join("  ") : null],
            ["Up for", facts.uptime_s ? duration(facts.uptime_s * 1000) : null],
            ["PostgreSQL", postgresql(facts.postgresql)],
          ]}
        />
      </div>
    </Panel>
  );
}

function postgresql(pg: Server["facts"]["postgresql"]): string | null {
  if (!pg) return null;
  if (!pg.installed) return "not installed; the first deploy sets it up";
  return `${pg.version ?? ""}${pg.running === false ? ", stopped" : ""}`.trim();
}

function About({ server }: { server: Server }) {
  const { facts, certificate, agent } = server;
  return (
    <Panel title="About">
      <Facts
        items={[
          ["System", facts.os?.pretty],
          ["Kernel", facts.kernel && <Mono>{facts.kernel}</Mono>],
          ["Processor", facts.cpu?.model ? `${facts.cpu.model} (${facts.arch ?? ""})` : facts.arch],
          ["Addresses", facts.addresses?.length ? <Mono>{facts.addresses.join("\n")}</Mono> : null],
          ["Agent", agent.version],
          ["Policy", facts.policy?.sha256 && <Mono title={facts.policy.rules?.join("\n")}>{facts.policy.sha256.slice(0, 12)}</Mono>],
          ["Certificate until", day(certificate.not_after)],
          ["Recoveries left", String(certificate.recoveries_left)],
          ["Enrolled", <When key="e" time={server.enrolled_at} />],
          ["Id", <Mono key="i">{server.id}</Mono>],
        ]}
      />
      {facts.policy?.rules && facts.policy.rules.length > 0 && (
        <details className="fl-small" style={{ marginTop: 12 }}>
          <summary className="fl-dim">What its own policy allows</summary>
          <ul className="fl-problem-fields">
            {facts.policy.rules.map((rule) => (
              <li key={rule}>
                <Mono>{rule}</Mono>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

function ServerEnvironments({ server }: { server: Server }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") });
  if (!may("environments.view")) return null;
  return (
    <Panel title="Environments" flush>
      <Loaded query={environments} lines={2}>
        {(all) => {
          const mine = all.filter((environment) => environment.server_id === server.id);
          if (!mine.length) {
            return (
              <Empty icon="environment" title="Nothing runs here yet">
                {server.status === "revoked" ? "The server is revoked." : <LinkTo href={href(`/environments/new?server=${server.id}`)}>Create an environment</LinkTo>}
              </Empty>
            );
          }
          return (
            <Table label="Environments on this server" head={["Environment", "Type", "Status", "Port"]}>
              {mine.map((environment) => (
                <Row key={environment.id} href={href(`/environments/${environment.id}`)}>
                  <td>
                    <Link href={href(`/environments/${environment.id}`)} className="fl-name">
                      {environment.name}
                    </Link>
                  </td>
                  <td data-name="Type">
                    <TypeBadge type={environment.type} />
                  </td>
                  <td data-name="Status">
                    <EnvironmentLamp status={environment.status} />
                  </td>
                  <td data-name="Port">{environment.port}</td>
                </Row>
              ))}
            </Table>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function ServerOperations({ server }: { server: Server }) {
  const org = useOrg();
  const may = useMay();
  const operations = useInfiniteQuery({ ...operationsQuery(org, { server: server.id }, 8), enabled: may("operations.view") });
  const list = operations.data?.pages[0]?.data;
  if (!list?.length) return null;
  return (
    <Panel title="Latest operations" flush>
      <OperationRows operations={list} />
    </Panel>
  );
}

function Acts({ server }: { server: Server }) {
  const org = useOrg();
  const go = useGo();
  const may = useMay();
  const client = useQueryClient();
  const [editing, edit] = useDisclosure(false);
  const [revoking, revoke] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const path = { org, server: server.id };

  const ping = useAct({
    run: (_: void, key) =>
      need(api.POST("/api/v1/orgs/{org}/servers/{server}/ping", { params: { path, header: { "Idempotency-Key": key } } })),
    done: (operation) => go(`/operations/${operation.id}`),
  });
  const doRevoke = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/servers/{server}/revoke", {
          params: { path, header: { "Idempotency-Key": key, "X-Confirm": confirmHeader(server.name) } },
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.server(org, server.id), now);
      revoke.close();
      tell(`${server.name} is revoked.`);
    },
    quiet: true,
  });
  const doDelete = useAct({
    run: () =>
      need(
        api.DELETE("/api/v1/orgs/{org}/servers/{server}", {
          params: { path, header: { "X-Confirm": confirmHeader(server.name) } },
        }),
      ),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.servers(org) });
      go("/servers");
    },
    quiet: true,
  });

  const revoked = server.status === "revoked";
  const anything = may("servers.edit") || (!revoked && may("servers.revoke")) || (revoked && may("servers.delete"));
  return (
    <>
      {!revoked && (
        <May permission="servers.ping">
          <Button variant="default" leftSection={<Icon name="bolt" size={16} />} onClick={() => ping.mutate()} loading={ping.isPending}>
            Ping
          </Button>
        </May>
      )}
      {anything && (
        <Menu>
          <Menu.Target>
            <Button variant="default" rightSection={<Icon name="chevronDown" size={15} />}>
              More
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {may("servers.edit") && (
              <Menu.Item leftSection={<Icon name="pencil" size={16} />} onClick={edit.open}>
                Rename or label
              </Menu.Item>
            )}
            {!revoked && may("servers.revoke") && (
              <Menu.Item color="signal" leftSection={<Icon name="ban" size={16} />} onClick={revoke.open}>
                Revoke…
              </Menu.Item>
            )}
            {revoked && may("servers.delete") && (
              <Menu.Item color="signal" leftSection={<Icon name="trash" size={16} />} onClick={remove.open}>
                Take off the list…
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      <Modal opened={editing} onClose={edit.close} title={`Edit ${server.name}`}>
        <Edit server={server} onDone={edit.close} />
      </Modal>
      <ConfirmName
        opened={revoking}
        onClose={revoke.close}
        title={`Revoke ${server.name}`}
        name={server.name}
        act="Revoke"
        onConfirm={() => doRevoke.mutate()}
        busy={doRevoke.isPending}
        error={doRevoke.error}
      >
        The link is cut at once and this server's key is refused for ever. What runs on it keeps running, but can no longer be
        deployed to, stopped or watched from here.
      </ConfirmName>
      <ConfirmName
        opened={deleting}
        onClose={remove.close}
        title={`Take ${server.name} off the list`}
        name={server.name}
        act="Take off the list"
        onConfirm={() => doDelete.mutate()}
        busy={doDelete.isPending}
        error={doDelete.error}
      >
        The audit log keeps what was done. Nothing on the machine itself changes.
      </ConfirmName>
    </>
  );
}

function Edit({ server, onDone }: { server: Server; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState(server.name);
  const [labels, setLabels] = useState(writeLabels(server.labels));
  const save = useAct({
    run: () =>
      need(
        api.PATCH("/api/v1/orgs/{org}/servers/{server}", {
          params: { path: { org, server: server.id } },
          body: { name: name.trim(), labels: parseLabels(labels) ?? {} },
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.server(org, server.id), now);
      void client.invalidateQueries({ queryKey: keys.servers(org) });
      onDone();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (parseLabels(labels)) save.mutate();
      }}
    >
      <Stack>
        <TextInput label="Name" value={name} maxLength={64} onChange={(e) => setName(e.currentTarget.value)} error={save.error?.field("name")} data-autofocus />
        <LabelsInput value={labels} onChange={setLabels} error={save.error?.field("labels")} />
        {save.error && <ProblemNote error={save.error} />}
        <div className="fl-form-end">
          <Button variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!name.trim()}>
            Save
          </Button>
        </div>
      </Stack>
    </form>
  );
}
