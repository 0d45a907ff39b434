import { Button, Modal, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { accountQuery } from "../api/account";
import { api, need } from "../api/client";
import { elevateByPasskey } from "../api/passkeys";
import { sessionQuery } from "../api/session";
import { FactorForm, type Answer, type Way } from "../ui/FactorForm";
import { Loaded } from "../ui/Problem";
import { useAct } from "./act";

/** Asks for a second factor, or for the password where the account has none. */
export default function StepUpDialog({ onEnd }: { onEnd: (proven: boolean) => void }) {
  const account = useQuery(accountQuery);
  const cancel = (
    <Button variant="default" onClick={() => onEnd(false)}>
      Cancel
    </Button>
  );
  return (
    <Modal opened onClose={() => onEnd(false)} closeOnEscape={false} title="Prove that it is you" zIndex={300} size={420}>
      <Stack>
        <p className="fl-dim">What you asked for could do harm in other hands. The proof counts for 15 minutes.</p>
        <Loaded query={account} lines={2}>
          {({ second_factors, has_password, email }) => {
            const ways: Way[] = second_factors.length ? second_factors : has_password ? ["password"] : [];
            return ways.length ? <Proof ways={ways} email={email} beside={cancel} onProven={() => onEnd(true)} /> : <SignInAgain>{cancel}</SignInAgain>;
          }}
        </Loaded>
      </Stack>
    </Modal>
  );
}

function Proof(props: { ways: Way[]; email: string; beside: React.ReactNode; onProven: () => void }) {
  const client = useQueryClient();
  const prove = useAct({
    run: ({ way, text }: Answer) => (way === "passkey" ? elevateByPasskey() : need(api.POST("/api/v1/session/elevate", { body: bodyOf(way, text) }))),
    done: (session) => {
      client.setQueryData(sessionQuery.queryKey, session);
      props.onProven();
    },
    quiet: true,
  });
  return <FactorForm ways={props.ways} email={props.email} act="Confirm" busy={prove.isPending} error={prove.error} onAnswer={prove.mutate} beside={props.beside} />;
}

function bodyOf(way: Exclude<Way, "passkey">, text: string) {
  if (way === "totp") return { code: text };
  return way === "password" ? { password: text } : { recovery_code: text };
}

/** Whoever comes by single sign-on alone has nothing to prove it with but another sign-in. */
function SignInAgain({ children }: { children: React.ReactNode }) {
  const here = window.location.pathname + window.location.search;
  return (
    <>
      <p>
        Your account has neither a password nor a second factor. Sign out and in again, which counts as a proof; or add a passkey within 15
        minutes after signing in, and use that from then on.
      </p>
      <div className="fl-form-end">
        {children}
        <Button
          onClick={async () => {
            await need(api.DELETE("/api/v1/session")).catch(() => {}); // whatever happened, the next page tells
            window.location.assign(`/signin?next=${encodeURIComponent(here)}`);
          }}
        >
          Sign in again
        </Button>
      </div>
    </>
  );
}
