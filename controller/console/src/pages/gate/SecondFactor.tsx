import { Button } from "@mantine/core";
import { api, need } from "../../api/client";
import { secondByPasskey } from "../../api/passkeys";
import type { Session } from "../../api/types";
import { useAct } from "../../app/act";
import type { Waiting } from "../../lib/secondFactor";
import { FactorForm, type Answer } from "../../ui/FactorForm";
import { ProblemNote } from "../../ui/Problem";

/** The second half of signing in. */
export default function SecondFactor({ waiting, onDone, onBack }: { waiting: Waiting; onDone: (session: Session) => void; onBack: () => void }) {
  const { challenge, methods } = waiting;
  const finish = useAct({
    run: ({ way, text }: Answer) =>
      way === "passkey"
        ? secondByPasskey(challenge)
        : need(api.POST("/api/v1/session/second-factor", { body: { challenge, ...(way === "totp" ? { code: text } : { recovery_code: text }) } })),
    done: onDone,
    quiet: true,
  });
  const back = (
    <Button variant="default" onClick={onBack}>
      Back
    </Button>
  );
  const over = finish.error?.code === "challenge_invalid";
  return (
    <div className="fl-gate-form">
      <div>
        <h1>One more step</h1>
        <p className="fl-dim">Your account asks for a second factor.</p>
      </div>
      {over ? (
        <>
          <ProblemNote error={finish.error} />
          <div>{back}</div>
        </>
      ) : (
        <FactorForm ways={methods} act="Sign in" busy={finish.isPending} error={finish.error} onAnswer={finish.mutate} beside={back} />
      )}
    </div>
  );
}
