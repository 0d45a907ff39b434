import { Alert, Autocomplete, Button, Select, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { controllerNow, type ApiError } from "../../api/client";
import { askForLink, askForUsers, type OdooLink, type OdooUsers } from "../../api/odoo";
import { operationQuery } from "../../api/operations";
import type { Environment, Operation } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { isLoopback } from "../../lib/loopback";
import { applyOperation } from "../../live/apply";
import { Command, CopyButton } from "../../ui/Command";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { ProblemNote, Waiting } from "../../ui/Problem";
import { useNow } from "../../ui/time";

/** A link that signs in to an environment's Odoo once. Users and link are read in this page alone. */
export default function LogIn({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const org = useOrg();
  const users = useQuery({
    queryKey: ["odoo users", org, environment.id],
    queryFn: ({ signal }) => askForUsers(org, environment.id, signal),
    retry: false,
    gcTime: 0, // names of people stay in this dialog
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  if (users.error) {
    return (
      <Stack>
        <Refused error={users.error as ApiError} retry={() => void users.refetch()} />
        <div className="fl-form-end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </div>
      </Stack>
    );
  }
  if (!users.data) return <Waiting lines={3} />;
  if (!users.data.users.length && !users.data.more)
    return <p>Its server allows to log in as none of the internal users that this Odoo has.</p>;
  return <Form environment={environment} known={users.data} onClose={onClose} />;
}

function Form({ environment, known, onClose }: { environment: Environment; known: OdooUsers; onClose: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [user, setUser] = useState(known.users.find((one) => one.login === "admin")?.login ?? known.users[0]?.login ?? "");
  const [reason, setReason] = useState("");
  const [made, setMade] = useState<{ link: OdooLink; user: string; operation: Operation; here: number } | null>(null);
  const { mutate, error, isPending } = useAct({
    run: () => askForLink(org, environment.id, { user, reason: reason.trim() }),
    done: ({ operation, told }) => {
      applyOperation(client, org, operation);
      // The server's clock may differ from this one: what is known is how long it lasts.
      setMade({ link: told, user, operation, here: controllerNow() });
    },
    quiet: true,
  });
  if (made) return <Link {...made} onAgain={() => setMade(null)} onClose={onClose} />;
  const options = known.users.map(({ login, name }) => ({ value: login, label: name && name !== login ? `${name} (${login})` : login }));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (user && reason.trim()) mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          Makes a link that signs in to this Odoo once, within a minute. No password is used or changed. What you do there is done in that user's name; who asked,
          and why, is in the audit log here and in the logs of the server and of its Odoo.
        </p>
        {known.more ? (
          <Autocomplete label="Log in as" description="There are more users than are listed: type any login" data={known.users.map((one) => one.login)} value={user} onChange={setUser} maxLength={200} limit={50} error={error?.field("user")} />
        ) : (
          <Select label="Log in as" data={options} value={user} onChange={(value) => setUser(value ?? "")} searchable={options.length > 8} allowDeselect={false} error={error?.field("user")} />
        )}
        <TextInput label="Reason" description="Needed; others read it in the audit log" required maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} error={error?.field("reason")} autoComplete="off" data-autofocus />
        {error && <Refused error={error} />}
        <FormEnd act="Make the link" busy={isPending} disabled={!user || !reason.trim()} onCancel={onClose} />
      </Stack>
    </form>
  );
}

const lasts = 60_000;

function Link({ link, user, operation, here, onAgain, onClose }: { link: OdooLink; user: string; operation: Operation; here: number; onAgain: () => void; onClose: () => void }) {
  const org = useOrg();
  const [opened, setOpened] = useState(false);
  const used = useQuery(operationQuery(org, operation.id)).data?.outcome?.startsWith("the link was used") ?? false;
  const now = useNow(!used);
  const left = Math.ceil((here + lasts - now) / 1000);
  const port = isLoopback(new URL(link.url).hostname) ? new URL(link.url).port : "";
  const over = used || left <= 0;
  return (
    <Stack>
      {used ? (
        <Alert color="sea" icon={<Icon name="check" />} role="status">
          The link was used: somebody is signed in as {user}.
        </Alert>
      ) : left <= 0 ? (
        <Alert color="brass" icon={<Icon name="clock" />} role="status">
          The minute is over. {opened ? "If Odoo did not open in time, make another link." : "Make another link."}
        </Alert>
      ) : (
        <>
          {port && (
            <>
              <p>This Odoo answers on its server alone. Lead its port to your computer first, then open the link; there is a minute for both.</p>
              <Command value={`ssh -N -L ${port}:127.0.0.1:${port} root@SERVER`} label="Command to forward the port" prompt="$" />
            </>
          )}
          <div className="fl-row">
            <Button component="a" href={link.url} target="_blank" rel="noreferrer noopener" leftSection={<Icon name="external" size={16} />} onClick={() => setOpened(true)} data-autofocus>
              Open Odoo as {user}
            </Button>
            <CopyButton value={link.url} label="Copy the link, to open it in another window" />
          </div>
          <p className="fl-dim fl-small">
            Works once, for {left} more {left === 1 ? "second" : "seconds"}. It takes the place of whom this browser is signed in to that Odoo as; a private window keeps both.
          </p>
        </>
      )}
      <div className="fl-form-end">
        {over && (
          <Button variant="default" onClick={onAgain}>
            Make another
          </Button>
        )}
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </div>
    </Stack>
  );
}

/** A policy's refusal has lines to write into a file. */
function Refused({ error, retry }: { error: ApiError; retry?: () => void }) {
  if (error.code !== "policy_refused") return <ProblemNote error={error} retry={retry} />;
  return (
    <Alert color="signal" variant="light" icon={<Icon name="warning" />} title={error.problem.title} role="alert">
      <div style={{ whiteSpace: "pre-wrap" }}>{error.problem.detail}</div>
    </Alert>
  );
}
