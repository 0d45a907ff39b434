import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { useAct } from "../../app/act";
import { api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import { safeNext } from "../../lib/next";
import { ProblemNote } from "../../ui/Problem";
import { Gate } from "./Gate";
import { expectInside } from "../../app/App";

export default function SignIn() {
  const [, navigate] = useLocation();
  const search = useSearch();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const ended = Boolean((window.history.state as { ended?: boolean } | null)?.ended);

  useEffect(() => {
    document.title = "Sign in · Fairlead";
  }, []);

  const signIn = useAct({
    run: () => need(api.POST("/api/v1/session", { body: { email: email.trim(), password } })),
    done: (session) => {
      client.setQueryData(sessionQuery.queryKey, session);
      navigate(safeNext(search), { replace: true });
    },
    quiet: true,
  });

  return (
    <Gate words="Odoo on servers that are yours. Every deploy leads somewhere known.">
      <form
        className="fl-gate-form"
        onSubmit={(event) => {
          event.preventDefault();
          expectInside(); // loads while the password is looked at
          signIn.mutate();
        }}
      >
        <h1>Sign in</h1>
        {ended && !signIn.error && <Alert color="brass">Your session ended. Sign in to go on where you were.</Alert>}
        {signIn.error && <ProblemNote error={signIn.error} />}
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="username"
          required
          withAsterisk={false}
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" size="md" loading={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </Gate>
  );
}
