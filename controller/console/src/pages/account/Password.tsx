import { Button, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { sessionsQuery } from "../../api/session";
import type { Account } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { NewPasswordFields, useNewPassword } from "../../ui/NewPassword";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";

export function Password({ account }: { account: Account }) {
  return (
    <Panel title="Password" hint="Changing it ends all your other sessions.">
      {account.has_password ? <Change email={account.email} /> : <None email={account.email} />}
    </Panel>
  );
}

function Change({ email }: { email: string }) {
  const client = useQueryClient();
  const [current, setCurrent] = useState("");
  const fresh = useNewPassword();
  const change = useAct({
    run: (_: void, key) => need(api.POST("/api/v1/password", { params: { header: { "Idempotency-Key": key } }, body: { current, new: fresh.value } })),
    done: () => {
      setCurrent("");
      fresh.clear();
      tell("Your password is changed. All other sessions of yours have ended.");
      void client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
    quiet: true,
  });
  const { error } = change;
  const named = error?.field("current") || error?.field("new");
  return (
    <form
      className="fl-form fl-narrow"
      onSubmit={(event) => {
        event.preventDefault();
        if (fresh.check() && current) change.mutate();
      }}
    >
      <input type="hidden" autoComplete="username" value={email} readOnly />
      <PasswordInput label="Present password" autoComplete="current-password" value={current} onChange={(e) => setCurrent(e.currentTarget.value)} error={error?.field("current")} aria-invalid={Boolean(error?.field("current"))} />
      <NewPasswordFields of={fresh} label="New password" refused={error?.field("new")} />
      {error && !named && <ProblemNote error={error} />}
      <div className="fl-row">
        <Button type="submit" loading={change.isPending} disabled={!current || !fresh.value}>
          Change password
        </Button>
      </div>
    </form>
  );
}

function None({ email }: { email: string }) {
  const ask = useAct({
    run: () => need(api.POST("/api/v1/password/forgot", { body: { email } })),
    done: () => tell("A link to choose a password is on its way. Choosing it ends your sessions."),
  });
  return (
    <div className="fl-stack">
      <p className="fl-dim">Your account has no password: you come in another way. You can have one, by a link that goes to {email}.</p>
      <div>
        <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate()}>
          Send the link
        </Button>
      </div>
    </div>
  );
}
