import { Alert, Button, Checkbox, Menu, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { May, useGo, useMay, useOrg } from "../../app/access";
import { ApiError, api, need } from "../../api/client";
import { keys } from "../../api/queries";
import type { Environment, Operation, Release } from "../../api/types";
import { words } from "../../lib/format";
import { applyOperation } from "../../live/apply";
import { isFinal } from "../../live/reduce";
import { ProblemNote } from "../../ui/basics";
import { Choice } from "../../ui/Choice";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Icon } from "../../ui/Icon";

/** Shows a new operation at once, before its first event. */
export function useTaken() {
  const org = useOrg();
  const client = useQueryClient();
  return (operation: Operation) => {
    applyOperation(client, org, operation);
    if (operation.target.type === "environment") {
      const { id, kind, state, created_at, finished_at } = operation;
      client.setQueryData<Environment>(
        keys.environment(org, operation.target.id),
        (held) => held && { ...held, last_operation: { id, kind, state, created_at, finished_at } },
      );
    }
  };
}

export function isBusy(environment: Environment): boolean {
  const last = environment.last_operation;
  return last != null && !isFinal(last.state) && last.kind !== "environment.preflight";
}

export function Acts({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const taken = useTaken();
  const [deploying, deploy] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const path = { org, environment: environment.id };
  const busy = isBusy(environment);
  const deployed = environment.current_release != null;

  const simple = (act: "start" | "stop" | "restart" | "preflight", key: string) => {
    const init = { params: { path, header: { "Idempotency-Key": key } } };
    switch (act) {
      case "start":
        return need(api.POST("/api/v1/orgs/{org}/environments/{environment}/start", init));
      case "stop":
        return need(api.POST("/api/v1/orgs/{org}/environments/{environment}/stop", init));
      case "restart":
        return need(api.POST("/api/v1/orgs/{org}/environments/{environment}/restart", init));
      case "preflight":
        return need(api.POST("/api/v1/orgs/{org}/environments/{environment}/preflight", init));
    }
  };
  const run = useAct({ run: simple, done: taken });
  const running = (act: string) => run.isPending && run.variables === act;

  return (
    <>
      <May permission="deployments.preflight">
        <Button variant="default" leftSection={<Icon name="shield" size={16} />} disabled={busy} loading={running("preflight")} onClick={() => run.mutate("preflight")}>
          Pre-flight
        </Button>
      </May>
      {deployed && environment.status === "stopped" ? (
        <May permission="environments.start">
          <Button variant="default" leftSection={<Icon name="play" size={16} />} disabled={busy} loading={running("start")} onClick={() => run.mutate("start")}>
            Start
          </Button>
        </May>
      ) : (
        deployed && (
          <May permission="environments.restart">
            <Button variant="default" leftSection={<Icon name="restart" size={16} />} disabled={busy} loading={running("restart")} onClick={() => run.mutate("restart")}>
              Restart
            </Button>
          </May>
        )
      )}
      <May permission="deployments.create">
        <Button leftSection={<Icon name="deploy" size={16} />} disabled={busy} onClick={deploy.open}>
          Deploy
        </Button>
      </May>
      {((deployed && may("environments.stop")) || may("environments.delete")) && (
        <Menu>
          <Menu.Target>
            <Button variant="default" px="xs" aria-label="More acts">
              <Icon name="dots" />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {deployed && environment.status === "stopped" && may("environments.restart") && (
              <Menu.Item leftSection={<Icon name="restart" size={16} />} disabled={busy} onClick={() => run.mutate("restart")}>
                Restart
              </Menu.Item>
            )}
            {deployed && environment.status !== "stopped" && may("environments.stop") && (
              <Menu.Item leftSection={<Icon name="stop" size={16} />} disabled={busy} onClick={() => run.mutate("stop")}>
                Stop
              </Menu.Item>
            )}
            {may("environments.delete") && (
              <Menu.Item color="signal" leftSection={<Icon name="trash" size={16} />} disabled={busy} onClick={remove.open}>
                Delete…
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
      <Modal opened={deploying} onClose={deploy.close} title={`Deploy ${environment.name}`}>
        <Deploy environment={environment} onClose={deploy.close} />
      </Modal>
      <Delete environment={environment} opened={deleting} onClose={remove.close} />
    </>
  );
}

function Deploy({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const org = useOrg();
  const taken = useTaken();
  const first = environment.current_release == null;
  const [update, setUpdate] = useState<"auto" | "none" | "all" | "named">("auto");
  const [modules, setModules] = useState("");
  const [note, setNote] = useState("");
  const deploy = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/deploy", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: { update: update === "named" ? words(modules) : update, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        deploy.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          {first
            ? `Builds the first release from the project's branches, creates the database and installs ${environment.modules.join(", ") || "nothing"}.`
            : "Builds a release from the branches as they are now and brings it live. If anything fails, the release before it returns: code, configuration, database and filestore as one."}
        </p>
        {!first && (
          <Choice
            label="Update modules in the database"
            value={update}
            onChange={setUpdate}
            options={[
              ["auto", "What changed", "Those whose content differs"],
              ["none", "None", "Code alone"],
              ["all", "All", "Takes longest"],
              ["named", "By name", "Those that you list"],
            ]}
          />
        )}
        {update === "named" && !first && (
          <TextInput
            label="Modules"
            placeholder="sale, stock"
            value={modules}
            onChange={(e) => setModules(e.currentTarget.value)}
            error={deploy.error?.field("update")}
            autoComplete="off"
          />
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={deploy.error?.field("note")} />
        {deploy.error && <ProblemNote error={deploy.error} />}
        <div className="fl-form-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={deploy.isPending} disabled={update === "named" && !words(modules).length} data-autofocus>
            Deploy
          </Button>
        </div>
      </Stack>
    </form>
  );
}

function Delete({ environment, opened, onClose }: { environment: Environment; opened: boolean; onClose: () => void }) {
  const org = useOrg();
  const go = useGo();
  const client = useQueryClient();
  const taken = useTaken();
  const [drop, setDrop] = useState(false);
  const remove = useAct({
    run: () =>
      need(
        api.DELETE("/api/v1/orgs/{org}/environments/{environment}", {
          params: {
            path: { org, environment: environment.id },
            query: { drop_data: drop },
            header: { "X-Confirm": confirmHeader(environment.name) },
          },
        }),
      ),
    done: (operation) => {
      onClose();
      if (operation) return taken(operation);
      void client.invalidateQueries({ queryKey: keys.environments(org) });
      go("/environments");
    },
    quiet: true,
  });
  return (
    <ConfirmName
      opened={opened}
      onClose={onClose}
      title={`Delete ${environment.name}`}
      name={environment.name}
      act={drop ? "Delete with all data" : "Delete"}
      onConfirm={() => remove.mutate()}
      busy={remove.isPending}
      error={remove.error}
    >
      <Stack gap="sm">
        <p>Odoo is stopped and the environment's releases, unit and user are taken off the server.</p>
        <Checkbox
          checked={drop}
          onChange={(e) => setDrop(e.currentTarget.checked)}
          label="Also drop the database and the filestore"
          description="Cannot be undone. Without this they stay on the server."
        />
        {drop && environment.type === "production" && (
          <Alert color="signal" icon={<Icon name="warning" />}>
            This is a production environment.
          </Alert>
        )}
      </Stack>
    </ConfirmName>
  );
}

export function RollBack({ environment, release, onClose }: { environment: Environment; release: Release; onClose: () => void }) {
  const org = useOrg();
  const taken = useTaken();
  const [database, setDatabase] = useState<"keep" | "snapshot" | null>(null);
  const [note, setNote] = useState("");
  const back = useAct<void, Operation>({
    run: (_, key) => {
      if (!database) return Promise.reject(new ApiError({ type: "about:blank", title: "Choose", status: 400, detail: "Say what becomes of the database.", code: "validation_failed", request_id: "" }));
      return need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/rollback", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: { release_id: release.id, database, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      );
    },
    done: (operation) => {
      taken(operation);
      onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        back.mutate();
      }}
    >
      <Stack>
        <Choice
          label="What becomes of the database?"
          value={database}
          onChange={setDatabase}
          options={[
            ["keep", "Keep it as it is", "Code alone goes back. Right when the newer release changed no data structures."],
            [
              "snapshot",
              "Put it back as well",
              release.has_database_snapshot
                ? "Database and filestore as they were when this release was last live. What was entered since is lost."
                : "Not possible: no snapshot of that moment was kept.",
              !release.has_database_snapshot,
            ],
          ]}
        />
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} />
        {back.error && <ProblemNote error={back.error} />}
        <div className="fl-form-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={back.isPending} disabled={!database} color={database === "snapshot" ? "signal" : undefined}>
            Roll back to #{release.number}
          </Button>
        </div>
      </Stack>
    </form>
  );
}
