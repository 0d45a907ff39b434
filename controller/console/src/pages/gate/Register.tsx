import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { registrationQuery } from "../../api/account";
import { useAct } from "../../app/act";
import { api, need } from "../../api/client";
import { LinkTo } from "../../ui/bits";
import { NewPasswordFields, useNewPassword } from "../../ui/NewPassword";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Gate } from "./Gate";
import Resend from "./Resend";

export default function Register() {
  const registration = useQuery(registrationQuery);
  useEffect(() => {
    document.title = "Create an account · Fairlead";
  }, []);
  return (
    <Gate words="An account of your own, with an organization to begin with.">
      <Loaded query={registration}>{({ registration: open }) => (open === "open" ? <Form /> : <Closed invitation={open === "invitation"} />)}</Loaded>
    </Gate>
  );
}

function Closed({ invitation }: { invitation: boolean }) {
  return (
    <div className="fl-gate-form">
      <h1>Accounts are not open to everybody here</h1>
      <p className="fl-dim">
        {invitation
          ? "Whoever was invited to an organization makes an account with the link of the invitation. Ask one of its owners for one."
          : "This controller takes no new accounts. Ask whoever runs it."}
      </p>
      <LinkTo href="/signin">Back to signing in</LinkTo>
    </div>
  );
}

function Form() {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const password = useNewPassword();
  const enter = useAct({
    run: () => need(api.POST("/api/v1/register", { body: { email: email.trim(), name: name.trim(), password: password.value } })),
    quiet: true,
  });
  if (enter.isSuccess) return <Resend email={email.trim()} />;
  const { error } = enter;
  const named = error?.field("name") || error?.field("email") || error?.field("password");
  return (
    <form
      className="fl-gate-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (password.check()) enter.mutate();
      }}
    >
      <h1>Create an account</h1>
      {error && !named && <ProblemNote error={error} />}
      <TextInput label="Your name" autoComplete="name" required withAsterisk={false} maxLength={100} autoFocus value={name} onChange={(e) => setName(e.currentTarget.value)} error={error?.field("name")} />
      <TextInput label="E-mail" type="email" autoComplete="username" required withAsterisk={false} value={email} onChange={(e) => setEmail(e.currentTarget.value)} error={error?.field("email")} />
      <NewPasswordFields of={password} label="Password" refused={error?.field("password")} />
      <Button type="submit" size="md" loading={enter.isPending}>
        Create the account
      </Button>
      <LinkTo href="/signin">I have an account</LinkTo>
    </form>
  );
}
