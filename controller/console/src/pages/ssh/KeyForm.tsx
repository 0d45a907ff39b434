import { Modal, Select, Stack, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { keys } from "../../api/keys";
import { addSshKey, rotateSshKey } from "../../api/sshKeys";
import type { Server, SshKey } from "../../api/types";
import { hasPrivateKey, readKey, wrongKey, type ReadKey } from "../../lib/sshKeys";
import { Mono } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

/** A new key, for one of `users` or in the place of `old`. */
export function KeyForm(props: { server: Server; users: string[]; old?: SshKey | null; opened: boolean; onClose: () => void }) {
  const { old } = props;
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={old ? `A new key in the place of “${old.label}”` : "Add an SSH key"} size="lg">
      <Form {...props} onDone={props.onClose} />
    </Modal>
  );
}

function Form({ server, users, old, onDone }: { server: Server; users: string[]; old?: SshKey | null; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [user, setUser] = useState<string | null>(old?.user ?? (users.length === 1 ? users[0]! : null));
  const [label, setLabel] = useState("");
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [read, setRead] = useState<ReadKey>();
  useEffect(() => {
    let current = true;
    void readKey(text).then((key) => current && setRead(key));
    return () => {
      current = false;
    };
  }, [text]);

  // A private key stays in nobody's page, and is sent nowhere.
  const take = (value: string) => {
    setWrong(wrongKey(value));
    setText(hasPrivateKey(value) ? "" : value);
  };
  const send = useAct({
    run: (_: void, key) => {
      const body = { label: label.trim() || read?.comment || old?.label || "", public_key: text.trim() };
      return old ? rotateSshKey(org, server.id, old.id, body, key) : addSshKey(org, server.id, { user: user!, ...body }, key);
    },
    done: () => {
      void client.invalidateQueries({ queryKey: keys.sshKeys(org, server.id) });
      tell(server.status === "online" ? "The server is asked to put the key in place." : "The key is put in place when the server is back.");
      onDone();
    },
    quiet: true,
  });
  const named = label.trim() || read?.comment || old?.label;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (user && read && named) send.mutate();
      }}
    >
      <Stack>
        {!old && <Select label="Unix user" description="Those that the server's own policy allows" data={users} value={user} onChange={setUser} allowDeselect={false} error={send.error?.field("user")} />}
        <Textarea
          label="Public key"
          description="The one line of the file that ends in .pub. The private half stays on your machine."
          placeholder="ssh-ed25519 AAAA… name"
          value={text}
          onChange={(event) => take(event.currentTarget.value)}
          error={wrong ?? send.error?.field("public_key")}
          autosize
          minRows={3}
          maxRows={8}
          spellCheck={false}
          autoComplete="off"
          data-autofocus
        />
        <div aria-live="polite">
          {read && (
            <>
              <span className="fl-dim fl-small">Fingerprint, as </span>
              <Mono>ssh-keygen -lf FILE.pub</Mono>
              <span className="fl-dim fl-small"> shows it:</span>
              <br />
              <Mono>{read.fingerprint}</Mono>
            </>
          )}
        </div>
        <TextInput label="Label" description="Whose it is, and where" placeholder={read?.comment || old?.label || "Ada, laptop"} value={label} maxLength={100} onChange={(event) => setLabel(event.currentTarget.value)} error={send.error?.field("label")} />
        {old && <p className="fl-dim fl-small">Both keys let in at first. Log in with the new one once; then “Finish” takes the old one away.</p>}
        {send.error && <ProblemNote error={send.error} />}
        <FormEnd act={old ? "Add the new key" : "Add key"} busy={send.isPending} disabled={!user || !read || !named} onCancel={onDone} />
      </Stack>
    </form>
  );
}
