import { Button, Menu, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { lazy, Suspense } from "react";
import { useAct } from "../../app/act";
import { May, useAccess, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import type { Environment } from "../../api/types";
import { Icon } from "../../ui/Icon";
import { Waiting } from "../../ui/Problem";
import { Delete } from "./DeleteDialog";
import { Deploy } from "./DeployDialog";
import { isBusy, useTaken } from "./taken";

const LogIn = lazy(() => import("./LogInDialog"));
const Clone = lazy(() => import("../backups/CloneDialog"));

export function Acts({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const taken = useTaken();
  const [deploying, deploy] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const [cloning, clone] = useDisclosure(false);
  const [loggingIn, logIn] = useDisclosure(false);
  const clonable = useAccess().org.clone_enabled && may("environments.clone");
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
      {deployed && (
        <May permission="odoo.login">
          <Button variant="default" leftSection={<Icon name="account" size={16} />} disabled={environment.status !== "running"} onClick={logIn.open}>
            Log in to Odoo
          </Button>
        </May>
      )}
      <May permission="deployments.create">
        <Button leftSection={<Icon name="deploy" size={16} />} disabled={busy} onClick={deploy.open}>
          Deploy
        </Button>
      </May>
      {((deployed && (may("environments.stop") || clonable)) || may("environments.delete")) && (
        <Menu>
          <Menu.Target>
            <Button variant="default" px="xs" aria-label="More acts" disabled={busy}>
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
            {deployed && clonable && (
              <Menu.Item leftSection={<Icon name="copy" size={16} />} disabled={busy} onClick={clone.open}>
                Clone…
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
      <Modal opened={cloning} onClose={clone.close} size="lg" title={`Clone ${environment.name}`}>
        <Suspense fallback={<Waiting />}>
          <Clone environment={environment} onClose={clone.close} />
        </Suspense>
      </Modal>
      <Modal opened={loggingIn} onClose={logIn.close} title={`Log in to ${environment.name}`}>
        <Suspense fallback={<Waiting />}>
          <LogIn environment={environment} onClose={logIn.close} />
        </Suspense>
      </Modal>
      <Delete environment={environment} opened={deleting} onClose={remove.close} />
    </>
  );
}
