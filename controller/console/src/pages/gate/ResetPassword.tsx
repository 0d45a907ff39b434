import { Button } from "@mantine/core";
import { api, need } from "../../api/client";
import { useAct } from "../../app/act";
import { LinkButton, LinkTo } from "../../ui/bits";
import { NewPasswordFields, useNewPassword } from "../../ui/NewPassword";
import { ProblemNote } from "../../ui/Problem";
import { Done } from "./Done";
import { Gate } from "./Gate";
import { useLinkToken } from "./token";

/** The link of a forgotten password leads here. */
export default function ResetPassword() {
  const token = useLinkToken("New password");
  const password = useNewPassword();
  const reset = useAct({
    run: () => need(api.POST("/api/v1/password/reset", { body: { token, password: password.value } })),
    quiet: true,
  });
  const refused = reset.error?.field("password");
  const dead = reset.error?.code === "link_invalid";
  return (
    <Gate words="Choose a password that you use nowhere else.">
      {reset.isSuccess ? (
        <Done icon="check" title="Your password is changed">
          <p>All your sessions have ended. Sign in with the new password.</p>
          <div>
            <LinkButton href="/signin">Sign in</LinkButton>
          </div>
        </Done>
      ) : !token || dead ? (
        <div className="fl-gate-form">
          <h1>This link does not work</h1>
          {dead ? <ProblemNote error={reset.error} /> : <p className="fl-dim">The address has no token after the #. Copy the whole link from the mail.</p>}
          <LinkTo href="/forgot">Ask for another link</LinkTo>
        </div>
      ) : (
        <form
          className="fl-gate-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (password.check()) reset.mutate();
          }}
        >
          <h1>Choose a new password</h1>
          {reset.error && !refused && <ProblemNote error={reset.error} />}
          <NewPasswordFields of={password} label="New password" refused={refused} />
          <Button type="submit" size="md" loading={reset.isPending}>
            Set the password
          </Button>
        </form>
      )}
    </Gate>
  );
}
