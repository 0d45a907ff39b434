import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { useAct } from "../../app/act";
import { api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import { LinkTo } from "../../ui/bits";
import { ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Gate } from "./Gate";

/** The one-time link of `init` leads here. The token is after the #, so that it reaches no server log. */
export default function SetUp() {
  const [token] = useState(() => window.location.hash.slice(1));
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [tried, setTried] = useState(false);

  useEffect(() => {
    document.title = "Set up · Fairlead";
    if (token) window.history.replaceState(window.history.state, "", "/setup");
  }, [token]);

  const link = useQuery({
    queryKey: ["setup", token],
    queryFn: () => need(api.POST("/api/v1/setup/check", { body: { token } })),
    enabled: token !== "",
    retry: false,
    staleTime: Infinity,
  });

  const finish = useAct({
    run: () => need(api.POST("/api/v1/setup", { body: { token, password, ...(name.trim() ? { name: name.trim() } : {}) } })),
    done: (session) => {
      client.clear();
      client.setQueryData(sessionQuery.queryKey, session);
      navigate("/", { replace: true });
    },
    quiet: true,
  });

  const tooShort = password.length < 12 ? "At least 12 characters" : undefined;
  const differs = again !== password ? "Not the same as above" : undefined;
  const refused = finish.error?.field("password");

  return (
    <Gate words="Set up this controller: choose the administrator's password, then enrol the first server.">
      {!token || link.error ? (
        <div className="fl-gate-form">
          <h1>This link does not work</h1>
          {link.error ? (
            <ProblemNote error={link.error} />
          ) : (
            <p className="fl-dim">
              The address has no token after the <code>#</code>. Copy the whole link that <code>fairlead-controller init</code> printed.
            </p>
          )}
          <p className="fl-dim">
            Already set up? <LinkTo href="/signin">Sign in</LinkTo>
          </p>
        </div>
      ) : (
        <form
          className="fl-gate-form"
          onSubmit={(event) => {
            event.preventDefault();
            setTried(true);
            if (!tooShort && !differs) finish.mutate();
          }}
        >
          <div>
            <h1>Welcome aboard</h1>
            {link.data && (
              <p className="fl-dim">
                You are setting up <strong>{link.data.email}</strong>. The link ends <When time={link.data.expires_at} />.
              </p>
            )}
          </div>
          {finish.error && !refused && <ProblemNote error={finish.error} />}
          <input type="hidden" name="username" autoComplete="username" value={link.data?.email ?? ""} readOnly />
          <TextInput
            label="Your name"
            autoComplete="name"
            maxLength={100}
            autoFocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={finish.error?.field("name")}
          />
          <PasswordInput
            label="Password"
            description="At least 12 characters; a few words are easier to remember than a few signs"
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={refused ?? (tried ? tooShort : undefined)}
            aria-invalid={Boolean(refused ?? (tried && tooShort))}
          />
          <PasswordInput
            label="Password again"
            autoComplete="new-password"
            value={again}
            onChange={(event) => setAgain(event.currentTarget.value)}
            error={tried ? differs : undefined}
            aria-invalid={Boolean(tried && differs)}
          />
          <Button type="submit" size="md" loading={finish.isPending} disabled={!link.data}>
            Set password and sign in
          </Button>
        </form>
      )}
    </Gate>
  );
}
