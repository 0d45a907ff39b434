import { Stack, TextInput } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { api, need } from "../../api/client";
import { useAct } from "../../app/act";
import { CopyButton } from "../../ui/Command";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

const Qr = lazy(() => import("../../ui/Qr"));

export interface TotpKey {
  secret: string;
  otpauth_uri: string;
}

/** The key goes into the app, and a code of the app proves that it is there. */
export function TotpSetUp({ of: { secret, otpauth_uri }, onDone, onCancel }: { of: TotpKey; onDone: (recoveryCodes: string[]) => void; onCancel: () => void }) {
  const [code, setCode] = useState("");
  const confirm = useAct({
    run: () => need(api.POST("/api/v1/account/totp/confirm", { body: { code: code.replaceAll(/\s/g, "") } })),
    done: ({ recovery_codes }) => onDone(recovery_codes),
    quiet: true,
  });
  const refused = confirm.error && (confirm.error.code === "proof_wrong" ? confirm.error.message : confirm.error.field("code"));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate();
      }}
    >
      <Stack>
        <div className="fl-totp">
          <Suspense fallback={<div className="fl-qr" role="status" aria-label="Loading" />}>
            <Qr text={otpauth_uri} label="QR picture of the key; the same key is written beside it" />
          </Suspense>
          <div>
            <p>Scan the picture with your app, or type the key:</p>
            <p className="fl-secret">
              {secret.replace(/(.{4})(?=.)/g, "$1 ")}
            </p>
            <CopyButton value={secret} label="Copy the key" />
            <p className="fl-dim fl-small">Any app for one-time codes will do, such as Aegis, 2FAS, or a password manager.</p>
          </div>
        </div>
        {confirm.error && !refused && <ProblemNote error={confirm.error} />}
        <TextInput
          label="Code that the app shows now"
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={8}
          placeholder="123456"
          className="fl-code"
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          error={refused}
          data-autofocus
        />
        <FormEnd act="Turn it on" busy={confirm.isPending} disabled={!/^\d{3}\s?\d{3}$/.test(code.trim())} onCancel={onCancel} />
      </Stack>
    </form>
  );
}
