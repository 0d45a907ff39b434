import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { registrationQuery } from "../../api/account";
import { api, need } from "../../api/client";
import { useAct } from "../../app/act";
import { LinkTo } from "../../ui/bits";
import { ProblemNote } from "../../ui/Problem";
import { Done } from "./Done";
import { Gate } from "./Gate";

export default function Forgot() {
  const [email, setEmail] = useState(() => (window.history.state as { email?: string } | null)?.email ?? "");
  const mail = useQuery(registrationQuery).data?.mail ?? true;
  useEffect(() => {
    document.title = "Forgotten password · Fairlead";
  }, []);
  const ask = useAct({
    run: () => need(api.POST("/api/v1/password/forgot", { body: { email: email.trim() } })),
    quiet: true,
  });
  return (
    <Gate words="A forgotten password is replaced, never told: nobody here knows it either.">
      {ask.isSuccess ? (
        <Done icon="mail" title={mail ? "Look into your mail" : "Ask your administrator"}>
          <p>
            {mail ? (
              <>
                If there is an account with <strong>{email.trim()}</strong>, a link to choose a new password is on its way. It is good for an hour.
              </>
            ) : (
              <>
                This controller sends no mail. If there is an account with <strong>{email.trim()}</strong>, its administrator finds the link in the
                console, for an hour: ask them for it.
              </>
            )}
          </p>
          <p className="fl-dim">
            Nothing came? Look among the unwanted mail, and whether the address is the one of your account.
          </p>
          <LinkTo href="/signin">Back to signing in</LinkTo>
        </Done>
      ) : (
        <form
          className="fl-gate-form"
          onSubmit={(event) => {
            event.preventDefault();
            ask.mutate();
          }}
        >
          <div>
            <h1>Forgotten password</h1>
            <p className="fl-dim">You get a link to choose a new one. All your sessions end when you do.</p>
          </div>
          {ask.error && !ask.error.field("email") && <ProblemNote error={ask.error} />}
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            withAsterisk={false}
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            error={ask.error?.field("email")}
          />
          <Button type="submit" size="md" loading={ask.isPending}>
            Send the link
          </Button>
          <LinkTo href="/signin">Back to signing in</LinkTo>
        </form>
      )}
    </Gate>
  );
}
