import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { registrationQuery } from "../../api/account";
import { api, need } from "../../api/client";
import { tell, useAct } from "../../app/act";
import { LinkTo } from "../../ui/bits";
import { ProblemNote } from "../../ui/Problem";
import { Done } from "./Done";

/** An account that waits until its address is confirmed. */
export default function Resend({ email }: { email: string }) {
  const mail = useQuery(registrationQuery).data?.mail ?? true;
  const resend = useAct({
    run: () => need(api.POST("/api/v1/email/resend", { body: { email } })),
    done: () => tell("Another link is on its way. The one before does not work any more."),
    quiet: true,
  });
  return (
    <Done icon="mail" title={mail ? "Look into your mail" : "Ask your administrator"}>
      <p>
        {mail ? "A link that confirms the address is on its way to " : "This controller sends no mail. Its administrator finds in the console the link that confirms "}
        <strong>{email}</strong>. {mail ? "Open it, then sign in. It is good for 24 hours." : "Ask them for it; it is good for 24 hours."}
      </p>
      {resend.error && <ProblemNote error={resend.error} />}
      <div className="fl-row">
        <Button variant="default" loading={resend.isPending} onClick={() => resend.mutate()}>
          Make another link
        </Button>
        <LinkTo href="/signin">Back to signing in</LinkTo>
      </div>
    </Done>
  );
}
