import { Alert, Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { accountQuery, registrationQuery } from "../../api/account";
import { api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import type { Account } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";

export default function Profile() {
  const account = useQuery(accountQuery);
  return (
    <Loaded query={account}>
      {(one) => (
        <>
          <Name account={one} />
          <Email account={one} />
          <Leave account={one} />
        </>
      )}
    </Loaded>
  );
}

function Name({ account }: { account: Account }) {
  const client = useQueryClient();
  const [name, setName] = useState(account.name);
  const save = useAct({
    run: () => need(api.PATCH("/api/v1/account", { body: { name: name.trim() } })),
    done: (fresh) => {
      client.setQueryData(accountQuery.queryKey, fresh);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      tell("Your name is changed.");
    },
    quiet: true,
  });
  return (
    <Panel title="Name" hint="As others see it in members' lists.">
      <form
        className="fl-form fl-narrow"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {save.error && !save.error.field("name") && <ProblemNote error={save.error} />}
        <TextInput label="Your name" autoComplete="name" maxLength={100} value={name} onChange={(e) => setName(e.currentTarget.value)} error={save.error?.field("name")} />
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={!name.trim() || name.trim() === account.name}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function Email({ account }: { account: Account }) {
  const [email, setEmail] = useState("");
  const mail = useQuery(registrationQuery).data?.mail ?? true;
  const change = useAct({
    run: (_: void, key) => need(api.POST("/api/v1/account/email", { params: { header: { "Idempotency-Key": key } }, body: { email: email.trim() } })),
    quiet: true,
  });
  return (
    <Panel title="E-mail" hint="You sign in with it, and links go to it.">
      <form
        className="fl-form fl-narrow"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <p>
          <strong>{account.email}</strong>
        </p>
        {change.isSuccess && (
          <Alert color="petrol" icon={<Icon name="mail" />} role="status" title={mail ? "Look into your mail" : "Ask your administrator"}>
            {mail
              ? "A link is on its way to the new address. Open it within 24 hours; until then this one stays."
              : "This controller sends no mail. Its administrator finds the link that confirms the new address in the console, for 24 hours; until it is opened this one stays."}
          </Alert>
        )}
        {change.error && !change.error.field("email") && <ProblemNote error={change.error} />}
        <TextInput label="New e-mail" type="email" autoComplete="email" value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={change.error?.field("email")} />
        <div className="fl-row">
          <Button type="submit" loading={change.isPending} disabled={!email.trim()}>
            Change e-mail
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function Leave({ account }: { account: Account }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [asked, { open, close }] = useDisclosure(false);
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/account", { params: { header: { "X-Confirm": confirmHeader(account.email) } } })),
    done: () => {
      navigate("/signin", { replace: true });
      client.clear();
      tell("Your account is deleted.");
    },
    quiet: true,
  });
  return (
    <Panel title="Delete account" hint="For good. Organizations stay.">
      <div className="fl-stack">
        <p className="fl-dim">
          Your sessions end, and you leave every organization. What you did stays in their audit logs. Where you are the only owner, make
          somebody else an owner first, or delete the organization.
        </p>
        <div>
          <Button
            color="signal"
            variant="light"
            onClick={() => {
              remove.reset();
              open();
            }}
          >
            Delete account…
          </Button>
        </div>
      </div>
      <ConfirmName opened={asked} onClose={close} title="Delete your account" name={account.email} act="Delete for good" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
        <p>This cannot be undone. You leave every organization, and nobody can sign in as you any more.</p>
      </ConfirmName>
    </Panel>
  );
}
