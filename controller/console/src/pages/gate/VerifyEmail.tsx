import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { accountQuery } from "../../api/account";
import { api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import { useAct } from "../../app/act";
import { LinkButton, LinkTo } from "../../ui/bits";
import { ProblemNote } from "../../ui/Problem";
import { Done } from "./Done";
import { Gate } from "./Gate";
import { useLinkToken } from "./token";

/** The mailed link that proves an address leads here: of a new account, or a new address of an old one. */
export default function VerifyEmail() {
  const token = useLinkToken("Confirm your e-mail address");
  const client = useQueryClient();
  const verify = useAct({
    run: () => need(api.POST("/api/v1/email/verify", { body: { token } })),
    done: () => {
      void client.invalidateQueries({ queryKey: accountQuery.queryKey });
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    quiet: true,
  });
  const done = verify.data;
  const dead = verify.error?.code === "link_invalid";
  return (
    <Gate words="One click shows that the address is yours.">
      {done ? (
        <Done icon="check" title={done.changed ? "Your address is changed" : "Your address is confirmed"}>
          <p>
            {done.changed ? "You sign in with " : "You can sign in now with "}
            <strong>{done.email}</strong>
            {done.changed ? " from now on." : "."}
          </p>
          <div>
            <LinkButton href="/">{done.changed ? "Go on" : "Sign in"}</LinkButton>
          </div>
        </Done>
      ) : !token ? (
        <div className="fl-gate-form">
          <h1>This link does not work</h1>
          <p className="fl-dim">The address has no token after the #. Copy the whole link from the mail.</p>
          <LinkTo href="/signin">Back to signing in</LinkTo>
        </div>
      ) : (
        <div className="fl-gate-form">
          <h1>{dead ? "This link does not work" : "Confirm your e-mail address"}</h1>
          {verify.error && <ProblemNote error={verify.error} />}
          {dead ? (
            <p className="fl-dim">
              Confirmed already? <LinkTo href="/signin">Sign in</LinkTo>. Otherwise sign in all the same: you are offered another link.
            </p>
          ) : (
            <>
              {!verify.error && <p className="fl-dim">Somebody, probably you, gave this address to the controller.</p>}
              <Button size="md" loading={verify.isPending} onClick={() => verify.mutate()} autoFocus>
                It is mine
              </Button>
            </>
          )}
        </div>
      )}
    </Gate>
  );
}
