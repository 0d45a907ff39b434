import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { ApiError, api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import type { InvitationFacts, Session } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { roleTitle } from "../../lib/roles";
import { LinkButton, LinkTo } from "../../ui/bits";
import { ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Gate } from "./Gate";

const kept = "fairlead-invitation";

/** Out of the address at once, so that no history has it; kept by this tab alone, for the way over the sign-in page and back. */
function takeToken(): string {
  const given = window.location.hash.slice(1);
  if (given) sessionStorage.setItem(kept, given);
  return given || (sessionStorage.getItem(kept) ?? "");
}

export default function Invitation() {
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    document.title = "Invitation · Fairlead";
    const clean = () => window.location.hash && window.history.replaceState(window.history.state, "", "/invitation");
    const another = () => {
      setToken(takeToken()); // another link, pasted over this one
      clean();
    };
    clean();
    window.addEventListener("hashchange", another);
    return () => window.removeEventListener("hashchange", another);
  }, []);
  const facts = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => need(api.POST("/api/v1/invitations/check", { body: { token } })),
    enabled: token !== "",
    retry: false,
    staleTime: Infinity,
  });
  const session = useQuery(sessionQuery);
  const signedOut = session.error instanceof ApiError && session.error.status === 401;

  useEffect(() => {
    if (facts.error instanceof ApiError && facts.error.status === 404) sessionStorage.removeItem(kept);
  }, [facts.error]);

  return (
    <Gate words="Odoo on servers that are yours. Every deploy leads somewhere known.">
      {!token || facts.error ? (
        <Useless error={facts.error} />
      ) : facts.data && (session.data || signedOut) ? (
        <div className="fl-gate-form">
          <div>
            <h1>Join {facts.data.org_name}</h1>
            <p className="fl-dim">
              {facts.data.invited_by} invites you as <strong>{roleTitle({ role: facts.data.role_name, role_name: facts.data.role_name })}</strong>. The invitation ends <When time={facts.data.expires_at} />.
            </p>
          </div>
          {session.data ? <Join facts={facts.data} token={token} session={session.data} /> : facts.data.can_register ? <Register facts={facts.data} token={token} /> : <SignInFirst facts={facts.data} />}
        </div>
      ) : session.error && !signedOut ? (
        <div className="fl-gate-form">
          <ProblemNote error={session.error} retry={() => void session.refetch()} />
        </div>
      ) : (
        <div role="status" aria-label="Loading" />
      )}
    </Gate>
  );
}

function Useless({ error }: { error: unknown }) {
  return (
    <div className="fl-gate-form">
      <h1>This invitation does not work</h1>
      {error ? (
        <ProblemNote error={error} />
      ) : (
        <p className="fl-dim">
          The address has nothing after the <code>#</code>. Copy the whole link from the mail, or ask whoever invited you for it.
        </p>
      )}
      <p className="fl-dim">
        Are you a member already? <LinkTo href="/">Go on to the console</LinkTo>
      </p>
    </div>
  );
}

/** Opens the organization that was joined. */
function useEntered() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return async ({ org_id, org_name }: { org_id: string; org_name: string }) => {
    sessionStorage.removeItem(kept);
    const { orgs } = await client.fetchQuery({ ...sessionQuery, staleTime: 0 });
    tell(`You belong to ${org_name} now.`);
    navigate(`/o/${orgs.find((one) => one.id === org_id)?.slug ?? ""}`, { replace: true });
  };
}

function Join({ facts, token, session }: { facts: InvitationFacts; token: string; session: Session }) {
  const client = useQueryClient();
  const entered = useEntered();
  const join = useAct({
    run: (_: void, key) => need(api.POST("/api/v1/invitations/accept", { params: { header: { "Idempotency-Key": key } }, body: { token } })),
    done: (into) => void entered(into),
    quiet: true,
  });
  const signOut = useAct({
    run: () => need(api.DELETE("/api/v1/session")),
    done: () => void client.resetQueries({ queryKey: sessionQuery.queryKey }),
  });
  const another = facts.email !== null && facts.email.toLowerCase() !== session.user.email.toLowerCase();
  return (
    <>
      {another ? (
        <p>
          The invitation is for <strong>{facts.email}</strong>, and you are signed in as {session.user.email}. Sign out, then go on as {facts.email}.
        </p>
      ) : (
        <p className="fl-dim">You are signed in as {session.user.email}.</p>
      )}
      {join.error && <ProblemNote error={join.error} />}
      {!another && (
        <Button size="md" onClick={() => join.mutate()} loading={join.isPending} autoFocus>
          Join
        </Button>
      )}
      <Button variant={another ? "filled" : "subtle"} size={another ? "md" : "xs"} onClick={() => signOut.mutate()} loading={signOut.isPending}>
        {another ? "Sign out" : "Join as somebody else"}
      </Button>
    </>
  );
}

function SignInFirst({ facts }: { facts: InvitationFacts }) {
  return (
    <>
      <p>
        {facts.email ? (
          <>
            Sign in as <strong>{facts.email}</strong>; then you can join. If you have no account yet, make it by the link in the mail that was sent to this address.
          </>
        ) : (
          "Sign in, or make an account; then you can join."
        )}
      </p>
      <LinkButton href={`/signin?next=${encodeURIComponent("/invitation")}`}>Sign in</LinkButton>
    </>
  );
}

/** By the link that only the mail has: the address is proven by it. */
function Register({ facts, token }: { facts: InvitationFacts; token: string }) {
  const client = useQueryClient();
  const entered = useEntered();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const register = useAct({
    run: async () => {
      const into = await need(api.POST("/api/v1/invitations/register", { body: { token, name: name.trim(), password } }));
      const session = await need(api.POST("/api/v1/session", { body: { email: facts.email!, password } }));
      client.setQueryData(sessionQuery.queryKey, session);
      return into;
    },
    done: (into) => void entered(into),
    quiet: true,
  });
  const { error } = register;
  const tooShort = password.length < 12 ? "At least 12 characters" : undefined;
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!tooShort && name.trim()) register.mutate();
      }}
    >
      {error && !error.field("name") && !error.field("password") && <ProblemNote error={error} />}
      <TextInput label="E-mail" type="email" autoComplete="username" value={facts.email ?? ""} readOnly />
      <TextInput label="Your name" autoComplete="name" maxLength={100} autoFocus value={name} onChange={(event) => setName(event.currentTarget.value)} error={error?.field("name") ?? (tried && !name.trim() ? "Your colleagues see it" : undefined)} />
      <PasswordInput
        label="Password"
        description="At least 12 characters; a few words are easier to remember than a few signs"
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        error={error?.field("password") ?? (tried ? tooShort : undefined)}
        aria-invalid={Boolean(error?.field("password") ?? (tried && tooShort))}
      />
      <Button type="submit" size="md" loading={register.isPending}>
        Make an account and join
      </Button>
    </form>
  );
}
