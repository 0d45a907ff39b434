import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ApiError, need } from "../../api/client";
import { addPasskey, passkeysQuery } from "../../api/passkeys";
import type { Passkey } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { device } from "../../lib/device";
import { passkeysWork } from "../../lib/webauthn";
import { Confirm } from "../../ui/Confirm";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { useWaysChanged, Way } from "./way";

type Doing = { what: "add" } | { what: "rename" | "remove"; passkey: Passkey };

export function Passkeys() {
  const passkeys = useQuery(passkeysQuery);
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = () => setDoing(null);
  const add = passkeysWork() ? (
    <Button size="xs" leftSection={<Icon name="plus" size={14} />} onClick={() => setDoing({ what: "add" })}>
      Add a passkey
    </Button>
  ) : (
    <span className="fl-dim fl-small">This browser has no passkeys</span>
  );
  return (
    <Panel title="Passkeys" actions={passkeys.data?.length ? add : null} flush>
      <Loaded query={passkeys} lines={2}>
        {(list) =>
          list.length ? (
            <ul className="fl-plain">
              {list.map((passkey) => (
                <Way
                  key={passkey.id}
                  icon="passkey"
                  title={passkey.name}
                  acts={
                    <>
                      <Button size="xs" variant="default" onClick={() => setDoing({ what: "rename", passkey })} aria-label={`Rename ${passkey.name}`}>
                        Rename
                      </Button>
                      <Button size="xs" variant="default" onClick={() => setDoing({ what: "remove", passkey })} aria-label={`Remove ${passkey.name}`}>
                        Remove
                      </Button>
                    </>
                  }
                >
                  {passkey.last_used_at ? (
                    <>
                      Last used <When time={passkey.last_used_at} />
                    </>
                  ) : (
                    "Never used"
                  )}
                  , added <When time={passkey.created_at} />
                  {passkey.backed_up ? ", kept on several devices" : ""}
                  {passkey.user_verified ? "" : "; after the password only"}
                </Way>
              ))}
            </ul>
          ) : (
            <Empty icon="passkey" title="No passkey yet" action={add}>
              Sign in with your finger, face, PIN or a security key: without a password, and safe from copied sign-in pages.
            </Empty>
          )
        }
      </Loaded>
      <Modal opened={doing?.what === "add"} onClose={close} title="Add a passkey">
        <Add onDone={close} />
      </Modal>
      <Modal opened={doing?.what === "rename"} onClose={close} title="Rename the passkey">
        {doing?.what === "rename" && <Rename passkey={doing.passkey} onDone={close} />}
      </Modal>
      <Remove passkey={doing?.what === "remove" ? doing.passkey : null} onDone={close} />
    </Panel>
  );
}

function Add({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState(() => device(navigator.userAgent));
  const changed = useWaysChanged();
  const add = useAct({
    run: () => addPasskey(name.trim()),
    done: () => {
      changed();
      tell(`Next time you can sign in with “${name.trim()}”.`, "The passkey is added");
      onDone();
    },
    quiet: true,
  });
  return (
    <NameForm
      name={name}
      onName={setName}
      note="So that you know it again: the device or the key that it is on"
      act="Go on"
      busy={add.isPending}
      error={add.error}
      onSave={() => add.mutate()}
      onCancel={onDone}
    />
  );
}

function Rename({ passkey, onDone }: { passkey: Passkey; onDone: () => void }) {
  const [name, setName] = useState(passkey.name);
  const changed = useWaysChanged();
  const save = useAct({
    run: () => need(api.PATCH("/api/v1/account/passkeys/{passkey}", { params: { path: { passkey: passkey.id } }, body: { name: name.trim() } })),
    done: () => {
      changed();
      onDone();
    },
    quiet: true,
  });
  return <NameForm name={name} onName={setName} act="Save" busy={save.isPending} error={save.error} onSave={() => save.mutate()} onCancel={onDone} />;
}

function NameForm(props: {
  name: string;
  onName: (name: string) => void;
  note?: string;
  act: string;
  busy: boolean;
  error: ApiError | null;
  onSave: () => void;
  onCancel: () => void;
}) {
  const refused = props.error?.field("name");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        props.onSave();
      }}
    >
      <Stack>
        {props.error && !refused && <ProblemNote error={props.error} />}
        <TextInput label="Name" description={props.note} maxLength={60} value={props.name} onChange={(e) => props.onName(e.currentTarget.value)} error={refused} data-autofocus />
        <FormEnd act={props.act} busy={props.busy} disabled={!props.name.trim()} onCancel={props.onCancel} />
      </Stack>
    </form>
  );
}

/** Going back to the password alone has to be meant: for the last second factor the name is typed. */
function Remove({ passkey, onDone }: { passkey: Passkey | null; onDone: () => void }) {
  const changed = useWaysChanged();
  const remove = useAct({
    run: ({ id, name, last_second_factor }: Passkey) =>
      need(
        api.DELETE("/api/v1/account/passkeys/{passkey}", {
          params: { path: { passkey: id }, header: last_second_factor ? { "X-Confirm": confirmHeader(name) } : {} },
        }),
      ),
    done: () => {
      changed();
      onDone();
    },
    quiet: true,
  });
  const close = () => {
    remove.reset();
    onDone();
  };
  const common = { onClose: close, title: "Remove the passkey", act: "Remove", onConfirm: () => passkey && remove.mutate(passkey), busy: remove.isPending, error: remove.error };
  const last = passkey?.last_second_factor ?? false;
  return (
    <>
      <Confirm {...common} opened={passkey !== null && !last}>
        <p>
          “{passkey?.name}” does not sign you in any more. Delete it on the device too: the browser goes on offering it otherwise.
        </p>
      </Confirm>
      <ConfirmName {...common} opened={last} name={passkey?.name ?? ""}>
        <p>It is your last second factor: from then on the password alone signs in, and the recovery codes are void.</p>
      </ConfirmName>
    </>
  );
}
