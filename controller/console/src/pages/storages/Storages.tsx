import { ActionIcon, Button, Menu, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { storagesQuery } from "../../api/backups";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { serversQuery } from "../../api/servers";
import type { Storage } from "../../api/types";
import { useAct } from "../../app/act";
import { May, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { presets } from "../../lib/storages";
import { Mono } from "../../ui/bits";
import { CheckList } from "../../ui/Checks";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { StorageLamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { StorageForm } from "./StorageForm";
import { StorageTest } from "./StorageTest";

type Open = { what: "new" } | { what: "edit" | "test" | "report" | "delete"; storage: string };

export default function Storages() {
  const org = useOrg();
  const may = useMay();
  const storages = useQuery(storagesQuery(org));
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data;
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const about = open && open.what !== "new" ? storages.data?.find((one) => one.id === open.storage) : undefined;
  const acts = may("storages.edit") || may("storages.test") || may("storages.delete");
  const add = (
    <May permission="storages.create">
      <Button size="xs" variant={storages.data?.length ? "default" : "filled"} leftSection={<Icon name="plus" size={15} />} onClick={() => setOpen({ what: "new" })}>
        Add a storage
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Buckets of your own that backups go to, straight from your servers and encrypted there: nothing of them passes through this controller. A storage is set up once and
        used by as many environments as you like.
      </p>
      <Panel title="Storages" actions={storages.data?.length ? add : null} flush>
        <Loaded query={storages}>
          {(list) =>
            !list.length ? (
              <Empty icon="database" title="No storage yet" action={add}>
                {may("storages.create")
                  ? "Make a bucket at any provider with an S3 API and a key that may use it, and add both here. After that, choose it in an environment's backup policy."
                  : "Without a storage nothing is backed up. Ask an admin of this organization to add one."}
              </Empty>
            ) : (
              <Table label="Storages" head={["Name", "State", "Bucket", { label: "Used by", className: "fl-gives" }, ...(acts ? [{ label: "Acts", hidden: true, className: "fl-acts" }] : [])]}>
                {list.map((one) => (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.name}</strong>
                      <span className="fl-sub">{presets[one.provider].title}</span>
                    </td>
                    <td data-name="State" className="fl-quiet">
                      <StorageLamp state={one.state} />
                      <span className="fl-sub">{one.tested_at && <Tested storage={one} server={servers?.find((s) => s.id === one.tested_on)?.name} />}</span>
                    </td>
                    <td data-name="Bucket">
                      <Mono>{one.prefix ? `${one.bucket}/${one.prefix}` : one.bucket}</Mono>
                      <span className="fl-sub">{one.endpoint.replace(/^https:\/\//, "")}</span>
                    </td>
                    <td data-name="Used by" className="fl-gives">
                      {one.environments ? count(one.environments, "environment") : "none"}
                      <span className="fl-sub">{count(one.backups, "backup")}</span>
                    </td>
                    {acts && (
                      <td className="fl-acts">
                        <Acts storage={one} onOpen={(what) => setOpen({ what, storage: one.id })} />
                      </td>
                    )}
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <Modal opened={open?.what === "new" || (open?.what === "edit" && about != null)} onClose={close} size="lg" title={about ? `Change ${about.name}` : "Add a storage"}>
        <StorageForm
          storage={about ?? null}
          onCancel={close}
          onDone={(saved, tested) => setOpen(tested ? { what: "test", storage: saved.id } : null)}
        />
      </Modal>
      <Modal opened={open?.what === "test" && about != null} onClose={close} size="lg" title={about && `Test ${about.name}`}>
        {about && <StorageTest storage={about} onClose={close} />}
      </Modal>
      <Modal opened={open?.what === "report" && about != null} onClose={close} size="lg" title={about && `Last test of ${about.name}`}>
        {about && (
          <>
            <p className="fl-dim fl-above">
              It was <Tested storage={about} server={servers?.find((s) => s.id === about.tested_on)?.name} />.
            </p>
            <div className="fl-panel">
              <CheckList checks={about.checks} />
            </div>
          </>
        )}
      </Modal>
      {about && <Delete storage={about} opened={open?.what === "delete"} onClose={close} />}
    </div>
  );
}

function Tested({ storage, server }: { storage: Storage; server?: string }) {
  return (
    <>
      tested <When time={storage.tested_at} />
      {server && ` from ${server}`}
    </>
  );
}

function Acts({ storage, onOpen }: { storage: Storage; onOpen: (what: "edit" | "test" | "report" | "delete") => void }) {
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Acts on ${storage.name}`}>
          <Icon name="dots" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <May permission="storages.test">
          <Menu.Item onClick={() => onOpen("test")}>Test…</Menu.Item>
        </May>
        {storage.checks.length > 0 && <Menu.Item onClick={() => onOpen("report")}>What the last test found</Menu.Item>}
        <May permission="storages.edit">
          <Menu.Item onClick={() => onOpen("edit")}>Change…</Menu.Item>
        </May>
        <May permission="storages.delete">
          <Menu.Item color="signal" onClick={() => onOpen("delete")}>
            Remove…
          </Menu.Item>
        </May>
      </Menu.Dropdown>
    </Menu>
  );
}

function Delete({ storage, opened, onClose }: { storage: Storage; opened: boolean; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/storages/{storage}", { params: { path: { org, storage: storage.id }, header: { "X-Confirm": confirmHeader(storage.name) } } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.storages(org) });
      void client.invalidateQueries({ queryKey: keys.backups(org) });
      onClose();
    },
    quiet: true,
  });
  return (
    <ConfirmName opened={opened} onClose={onClose} title={`Remove ${storage.name}`} name={storage.name} act="Remove" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
      <p>
        Fairlead forgets its keys{storage.backups > 0 && ` and the ${count(storage.backups, "backup")} listed in it`}. The bucket stays as it is: nothing in it is deleted.
      </p>
      {storage.environments > 0 && (
        <p>
          {count(storage.environments, "environment")} {storage.environments === 1 ? "is" : "are"} backed up to it. Choose another storage in {storage.environments === 1 ? "its" : "their"} backup
          {storage.environments === 1 ? " policy" : " policies"} first.
        </p>
      )}
    </ConfirmName>
  );
}
