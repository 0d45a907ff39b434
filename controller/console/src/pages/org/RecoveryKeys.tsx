import { Alert, Button, Textarea, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { recoveryQuery } from "../../api/backups";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { BackupSettings } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { holdsSecretKey, recipientIn, recipientProblem } from "../../lib/age";
import { Mono } from "../../ui/bits";
import { Command, CopyButton } from "../../ui/Command";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";

const most = 5;
type Recipients = BackupSettings["recovery_recipients"];

export default function RecoveryKeys() {
  const org = useOrg();
  const edit = useMay()("backup_settings.edit");
  const settings = useQuery(recoveryQuery(org));
  return (
    <Loaded query={settings}>
      {({ recovery_recipients: held }) => (
        <div className="fl-stack">
          {!held.length && (
            <Alert color="brass" icon={<Icon name="warning" />} title="There is no recovery key">
              Each environment's backups can be opened by the key on its own server alone. Lose that server, and its backups are lost with it.{" "}
              {edit ? "Add a recovery key before you rely on them." : "Ask an admin of this organization to add one."}
            </Alert>
          )}
          <Panel title="Recovery keys" hint="Who can open backups beside the servers that made them.">
            <div className="fl-form">
              <p>
                Backups are encrypted on the server with <b>age</b>. A recovery key is a pair that you make yourself and keep away from your servers. Fairlead is given its public half, the
                recipient, and encrypts each new backup to it too. The secret half opens those backups anywhere, with Debian's own age and without Fairlead. It never leaves your hands.
              </p>
              {held.length > 0 && <List held={held} edit={edit} />}
            </div>
          </Panel>
          {edit && held.length < most && <Add held={held} />}
        </div>
      )}
    </Loaded>
  );
}

/** The API takes all recipients at once. */
function useSave(said: string, done: () => void) {
  const org = useOrg();
  const client = useQueryClient();
  return useAct({
    run: (recovery_recipients: Recipients) => need(api.PUT("/api/v1/orgs/{org}/backup-settings", { params: { path: { org } }, body: { recovery_recipients } })),
    done: (saved) => {
      client.setQueryData(keys.recovery(org), saved);
      tell(said);
      done();
    },
    quiet: true,
  });
}

function List({ held, edit }: { held: Recipients; edit: boolean }) {
  const [leaving, setLeaving] = useState<Recipients[number] | null>(null);
  const save = useSave("The recovery key is removed.", () => setLeaving(null));
  return (
    <>
      <div className="fl-panel fl-panel-flush">
        <Table label="Recovery keys" head={["Name", "Recipient", ...(edit ? [{ label: "Acts", hidden: true, className: "fl-acts" }] : [])]}>
          {held.map((one) => (
            <Row key={one.recipient}>
              <td>
                <strong>{one.name}</strong>
              </td>
              <td data-name="Recipient" className="fl-quiet">
                <span className="fl-recipient">
                  <Mono title={one.recipient}>
                    {one.recipient.slice(0, 14)}…{one.recipient.slice(-6)}
                  </Mono>
                  <CopyButton value={one.recipient} label={`Copy the recipient ${one.name}`} />
                </span>
              </td>
              {edit && (
                <td className="fl-acts">
                  <Button size="compact-xs" variant="default" onClick={() => setLeaving(one)} aria-label={`Remove the recovery key ${one.name}`}>
                    Remove
                  </Button>
                </td>
              )}
            </Row>
          ))}
        </Table>
      </div>
      <Confirm
        opened={leaving != null}
        onClose={() => setLeaving(null)}
        title={`Remove ${leaving?.name ?? ""}?`}
        act="Remove"
        onConfirm={() => save.mutate(held.filter((one) => one.recipient !== leaving?.recipient))}
        busy={save.isPending}
        error={save.error}
      >
        <p>Backups from now on are not encrypted to it any more. Those that there are stay as they are, and it still opens them.</p>
        {held.length === 1 && <p>It is the last one: after it only the servers' own keys open new backups.</p>}
      </Confirm>
    </>
  );
}

const secretRefused = "That is the secret half of a key. It was taken out of this form and sent nowhere. Keep it to yourself, and paste the line that begins with age1.";

function Add({ held }: { held: Recipients }) {
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [refused, setRefused] = useState(false);
  const save = useSave("The recovery key is added. New backups are encrypted to it too.", () => {
    setName("");
    setText("");
  });
  const recipient = recipientIn(text) || text.trim();
  const wrong = refused
    ? secretRefused
    : text.trim()
      ? held.some((one) => one.recipient === recipient)
        ? "This recipient is in the list already."
        : recipientProblem(recipient)
      : undefined;
  /** A secret key does not even stay in the page. */
  const take = (typed: string) => {
    const secret = holdsSecretKey(typed);
    setRefused(secret);
    return secret ? "" : typed;
  };
  return (
    <Panel title="Add a recovery key" hint="Two commands on a computer that you trust, and that is none of the servers.">
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong && name.trim() && recipient) save.mutate([...held, { name: name.trim(), recipient }]);
        }}
      >
        <ol className="fl-numbered">
          <li>
            Make the pair. The program age is in Debian and Ubuntu (<Mono>apt install age</Mono>), Homebrew and most others.
            <Command prompt="$" value="age-keygen -o fairlead-recovery.txt" label="Command that makes the key" />
          </li>
          <li>
            Put the file where you keep what must not be lost, in a safe or a password manager, twice. Nobody can make it again.
          </li>
          <li>
            Print its public half, and paste the line here.
            <Command prompt="$" value="age-keygen -y fairlead-recovery.txt" label="Command that prints the recipient" />
          </li>
        </ol>
        <TextInput label="Name" description="Where it is kept, so that it is found years later" placeholder="Safe in the office" maxLength={80} value={name} onChange={(e) => setName(take(e.currentTarget.value))} error={save.error?.field("recovery_recipients")} />
        <Textarea
          label="Recipient"
          placeholder="age1…"
          autosize
          minRows={1}
          maxRows={3}
          value={text}
          onChange={(event) => setText(take(event.currentTarget.value))}
          error={wrong}
          autoComplete="off"
          spellCheck={false}
          classNames={{ input: "fl-mono" }}
        />
        {save.error && !save.error.field("recovery_recipients") && <ProblemNote error={save.error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={Boolean(wrong) || !name.trim() || !text.trim()}>
            Add it
          </Button>
        </div>
      </form>
    </Panel>
  );
}
