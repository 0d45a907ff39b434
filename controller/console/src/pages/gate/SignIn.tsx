import { Alert, Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { signInOptionsQuery } from "../../api/account";
import { api, ApiError, need } from "../../api/client";
import { signInByPasskey } from "../../api/passkeys";
import { sessionQuery } from "../../api/session";
import type { Session } from "../../api/types";
import { useAct } from "../../app/act";
import { expectInside } from "../../app/ahead";
import { problemCode, safeNext } from "../../lib/next";
import { providerIcon, ssoStart } from "../../lib/providers";
import { waitingInHash, waitingOf, type Waiting } from "../../lib/secondFactor";
import { conditionalWorks, passkeysWork } from "../../lib/webauthn";
import { LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { ProblemNote } from "../../ui/Problem";
import { Gate } from "./Gate";

// For some, and after the first page.
const Resend = lazy(() => import("./Resend"));
const SecondFactor = lazy(() => import("./SecondFactor"));

export default function SignIn() {
  const [, navigate] = useLocation();
  const search = useSearch();
  const client = useQueryClient();
  const [waiting, setWaiting] = useState<Waiting | null>(() => waitingInHash(window.location.hash));

  useEffect(() => {
    document.title = "Sign in · Fairlead";
    if (window.location.hash) window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  }, []);

  const enter = (session: Session) => {
    client.setQueryData(sessionQuery.queryKey, session);
    navigate(safeNext(search), { replace: true });
  };

  return (
    <Gate words="Odoo on servers that are yours. Every deploy leads somewhere known.">
      {waiting ? (
        <Suspense fallback={<div role="status" aria-label="Loading" />}>
          <SecondFactor waiting={waiting} onDone={enter} onBack={() => setWaiting(null)} />
        </Suspense>
      ) : (
        <First onDone={enter} onWaiting={setWaiting} />
      )}
    </Gate>
  );
}

function First({ onDone, onWaiting }: { onDone: (session: Session) => void; onWaiting: (waiting: Waiting) => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const search = useSearch();
  const problem = problemCode(search);
  const options = useQuery(signInOptionsQuery(problem)).data;
  const ended = Boolean((window.history.state as { ended?: boolean } | null)?.ended);

  const signIn = useAct({
    run: async () => {
      try {
        return await need(api.POST("/api/v1/session", { body: { email: email.trim(), password } }));
      } catch (error) {
        const waiting = error instanceof ApiError && waitingOf(error.problem);
        if (!waiting) throw error;
        return waiting;
      }
    },
    done: (answer) => ("challenge" in answer ? onWaiting(answer) : onDone(answer)),
    quiet: true,
  });
  const byPasskey = useAct({ run: () => signInByPasskey(), done: onDone, quiet: true });
  const passkeys = passkeysWork() && options?.passkeys === true;
  useQuietPasskey(onDone, passkeys && !byPasskey.isPending);

  if (signIn.error?.code === "email_unverified") {
    return (
      <Suspense fallback={<div role="status" aria-label="Loading" />}>
        <Resend email={email.trim()} />
      </Suspense>
    );
  }
  const error = signIn.error ?? byPasskey.error;
  return (
    <div className="fl-gate-form">
      <form
        className="fl-gate-form"
        onSubmit={(event) => {
          event.preventDefault();
          expectInside(); // loads while the password is looked at
          byPasskey.reset();
          signIn.mutate();
        }}
      >
        <h1>Sign in</h1>
        {ended && !error && <Alert color="brass">Your session ended. Sign in to go on where you were.</Alert>}
        {error && <ProblemNote error={error} />}
        {options?.problem && !error && (
          <Alert color="brass" icon={<Icon name="warning" />} title="Not signed in" role="alert">
            {options.problem.message}
          </Alert>
        )}
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="username webauthn"
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
        <div className="fl-gate-links">
          <LinkTo href="/forgot">Forgotten password?</LinkTo>
          {options?.registration === "open" && <LinkTo href="/register">Create an account</LinkTo>}
        </div>
      </form>
      {options && (passkeys || options.providers.length > 0) && (
        <>
          <div className="fl-or">or</div>
          <div className="fl-gate-ways">
            {passkeys && (
              <Button
                variant="default"
                size="md"
                leftSection={<Icon name="passkey" />}
                loading={byPasskey.isPending}
                onClick={() => {
                  expectInside();
                  signIn.reset();
                  byPasskey.mutate();
                }}
              >
                Sign in with a passkey
              </Button>
            )}
            {options.providers.map((provider) => (
              <Button
                key={provider.slug}
                component="a"
                href={ssoStart(provider.slug, safeNext(search))}
                variant="default"
                size="md"
                leftSection={<Icon name={providerIcon(provider.kind)} />}
              >
                Sign in with {provider.name}
              </Button>
            ))}
          </div>
        </>
      )}
    </div>
  );
}

/** Where the browser can, passkeys stand among what it offers for the e-mail field. Nobody has asked, so nothing that fails is told. */
function useQuietPasskey(onDone: (session: Session) => void, wanted: boolean) {
  const done = useRef(onDone);
  done.current = onDone;
  useEffect(() => {
    if (!wanted) return;
    const end = new AbortController();
    const ask = async () => {
      if (!(await conditionalWorks()) || end.signal.aborted) return;
      const session = await signInByPasskey(end.signal).catch(() => null); // turned away, replaced, or refused: the form is there
      if (session && !end.signal.aborted) done.current(session);
    };
    void ask();
    const renew = setInterval(() => void ask(), 4 * 60_000); // a challenge is good for five minutes
    return () => {
      end.abort();
      clearInterval(renew);
    };
  }, [wanted]);
}
