import { Button, Modal } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Environment, PushDeploy } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { Facts, Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { SwitchRow } from "../../ui/SwitchRow";
import { When } from "../../ui/time";
import { Instructions } from "./Enter";
import { Sources } from "./Sources";

type Change = { enabled?: boolean; repositories?: string[] | null; backup_first?: boolean };

export function Settings({ environment, now, edit, actions }: { environment: Environment; now: PushDeploy; edit: boolean; actions: ReactNode }) {
  const org = useOrg();
  const client = useQueryClient();
  const [showing, setShowing] = useState(false);
  const save = useAct({
    run: (body: Change) => need(api.PATCH("/api/v1/orgs/{org}/environments/{environment}/push-deploy", { params: { path: { org, environment: environment.id } }, body })),
    done: (saved) => client.setQueryData(keys.pushDeploy(org, environment.id), saved),
    quiet: true,
  });
  const off = !edit || save.isPending;
  return (
    <Panel
      title={
        <span className="fl-row">
          Push deploys
          <Lamp tone={now.enabled ? "good" : "idle"}>{now.enabled ? "On" : "Off"}</Lamp>
        </span>
      }
      actions={actions}
    >
      <div className="fl-halves">
        <div className="fl-form">
          <SwitchRow title="A push deploys it" on={now.enabled} onChange={(enabled) => save.mutate({ enabled })} disabled={off}>
            Off: pushes are listed below and deploy nothing. Address and secret stay.
          </SwitchRow>
          <SwitchRow title="Back up first" on={now.backup_first} onChange={(backup_first) => save.mutate({ backup_first })} disabled={off || (!environment.backup.enabled && !now.backup_first)}>
            {environment.backup.enabled ? "Before each of these deployments a backup is made; where that fails nothing is deployed." : "It has no backup policy, so there is no place for a backup to go to."}
          </SwitchRow>
          <Sources sources={now.sources} value={now.repositories} onChange={(repositories) => save.mutate({ repositories })} disabled={off} />
          {save.error && <ProblemNote error={save.error} />}
        </div>
        <div className="fl-stack">
          <Facts
            items={[
              ["Address", <span key="u" className="fl-row fl-webhook-id"><Mono>{now.url}</Mono><CopyButton value={now.url ?? ""} label="Copy the address" /></span>],
              ["Secret", <span key="s">made <When time={now.secret_made_at} /></span>],
              ...(now.old_secret_until ? [["The one before", <span key="o">ends <When time={now.old_secret_until} /></span>] as [string, ReactNode]] : []),
              ["Set up by", now.created_by?.email],
            ]}
          />
          {edit && (
            <div>
              <Button size="xs" variant="default" onClick={() => setShowing(true)}>
                What to enter at the provider
              </Button>
            </div>
          )}
        </div>
      </div>
      <Modal opened={showing} onClose={() => setShowing(false)} size="lg" title="What to enter at the provider">
        <div className="fl-stack">
          <Instructions now={now} secret={null} />
        </div>
      </Modal>
    </Panel>
  );
}
