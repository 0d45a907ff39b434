import { Alert, Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { pushDeployQuery } from "../../api/pushes";
import type { Environment, PushDeploy, PushDeploySecret } from "../../api/types";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { SwitchRow } from "../../ui/SwitchRow";
import { Enter } from "./Enter";
import { PushActs } from "./PushActs";
import { Receipts } from "./Receipts";
import { Settings } from "./Settings";
import { Sources } from "./Sources";

/** Deploying by a push to a repository: what counts, what to enter there, and what came of each push. */
export default function PushTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const may = useMay();
  const query = useQuery(pushDeployQuery(org, environment.id));
  const [secret, setSecret] = useState<string | null>(null);
  const edit = may("deployments.push") && may("deployments.create");
  return (
    <Loaded query={query}>
      {(now) =>
        !now.set_up ? (
          <SetUp environment={environment} now={now} edit={edit} onSecret={setSecret} />
        ) : (
          <div className="fl-stack">
            {secret ? <Enter now={now} secret={secret} onDone={() => setSecret(null)} /> : <Settings environment={environment} now={now} edit={edit} actions={<PushActs environment={environment} now={now} edit={edit} onSecret={setSecret} />} />}
            <Receipts environment={environment} now={now} />
          </div>
        )
      }
    </Loaded>
  );
}

function SetUp({ environment, now, edit, onSecret }: { environment: Environment; now: PushDeploy; edit: boolean; onSecret: (secret: string) => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [repositories, setRepositories] = useState<string[] | null>(null);
  const [backupFirst, setBackupFirst] = useState(environment.backup.enabled && environment.type === "production");
  const create = useAct<void, PushDeploySecret>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/push-deploy", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: { repositories, backup_first: backupFirst },
        }),
      ),
    done: ({ push_deploy, secret }) => {
      client.setQueryData(keys.pushDeploy(org, environment.id), push_deploy);
      onSecret(secret);
    },
    quiet: true,
  });
  if (!edit) {
    return (
      <Panel>
        <Empty icon="branch" title="Pushes do not deploy it">
          Whoever may set up push deploys and deploy {environment.name} can let a push to its repositories deploy it.
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel title="Let a push deploy it">
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <p className="fl-dim">
          Your git provider tells Fairlead of each push; one to a branch that {environment.name} is made of deploys it, as if somebody had pressed <b>Deploy</b>. While it is busy the newest push waits, and only that one.
        </p>
        {environment.type === "production" && (
          <Alert color="brass" icon={<Icon name="warning" />}>
            This is production: whoever may push to these branches may then deploy it. Protect them at the provider.
          </Alert>
        )}
        <Sources sources={now.sources} value={repositories} onChange={setRepositories} />
        <SwitchRow title="Back up first" on={backupFirst} onChange={setBackupFirst} disabled={!environment.backup.enabled}>
          {environment.backup.enabled ? "Before each of these deployments a backup is made; where that fails nothing is deployed." : "It has no backup policy yet, so there is no place for a backup to go to."}
        </SwitchRow>
        {create.error && <ProblemNote error={create.error} />}
        <div className="fl-row">
          <Button type="submit" loading={create.isPending}>
            Make the address and the secret
          </Button>
          <span className="fl-dim fl-small">Next you enter both at the provider.</span>
        </div>
      </form>
    </Panel>
  );
}
