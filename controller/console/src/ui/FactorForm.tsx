import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { ApiError } from "../api/client";
import { passkeysWork } from "../lib/webauthn";
import { Icon, type IconName } from "./Icon";
import { ProblemNote } from "./Problem";

export type Way = "passkey" | "totp" | "recovery_code" | "password";

/** How somebody proves who they are; a passkey's proof is the browser's affair. */
export interface Answer {
  way: Way;
  text: string;
}

interface Field {
  label: string;
  note?: string;
  other: string;
  icon: IconName;
}

const fields: Record<Way, Field> = {
  passkey: { label: "Passkey", other: "Use a passkey", icon: "passkey" },
  totp: { label: "Code from your authenticator app", other: "Use a code from the app", icon: "phone" },
  recovery_code: { label: "Recovery code", note: "One of the ten that you kept; each works once", other: "Use a recovery code", icon: "key" },
  password: { label: "Password", other: "Use the password", icon: "lock" },
};

/** Refusals of what was typed, and of nothing else: they stand beside the field. */
const wrong = ["second_factor_wrong", "proof_wrong"];

/** Asks for one proof, the easiest first, and offers the others that the account has. */
export function FactorForm(props: {
  ways: Way[];
  act: string;
  busy: boolean;
  error: ApiError | null;
  onAnswer: (answer: Answer) => void;
  /** Of the account, so that the browser fills in the right password. */
  email?: string;
  /** Buttons beside the one that goes on. */
  beside?: ReactNode;
}) {
  const ways = props.ways.filter((way) => way !== "passkey" || passkeysWork());
  const order: Way[] = ["passkey", "totp", "password", "recovery_code"];
  const [chosen, setChosen] = useState<Way | undefined>(() => order.find((way) => ways.includes(way)));
  const [text, setText] = useState("");
  const way = chosen && ways.includes(chosen) ? chosen : ways[0];
  if (!way) return null;
  const { label, note } = fields[way];
  const refused = props.error && (wrong.includes(props.error.code) ? props.error.message : props.error.field(way === "totp" ? "code" : way));
  const common = {
    label,
    description: note,
    value: text,
    onChange: (event: { currentTarget: { value: string } }) => setText(event.currentTarget.value),
    error: refused,
    "aria-invalid": Boolean(refused), // Mantine's field of a password says nothing by itself
    required: true,
    withAsterisk: false,
    autoFocus: true,
    "data-autofocus": true,
  };
  return (
    <form
      key={way} // another field: what was typed for the one is not for the other
      className="fl-factor"
      onSubmit={(event) => {
        event.preventDefault();
        if (way === "passkey" || text.trim()) props.onAnswer({ way, text: way === "password" ? text : text.trim() });
      }}
    >
      {props.error && !refused && <ProblemNote error={props.error} />}
      {way === "totp" && <TextInput {...common} inputMode="numeric" autoComplete="one-time-code" maxLength={8} placeholder="123456" className="fl-code" />}
      {way === "recovery_code" && <TextInput {...common} autoComplete="off" spellCheck={false} autoCapitalize="none" maxLength={40} className="fl-code" />}
      {way === "password" && (
        <>
          <input type="hidden" name="username" autoComplete="username" value={props.email ?? ""} readOnly />
          <PasswordInput {...common} autoComplete="current-password" />
        </>
      )}
      {way === "passkey" && <p className="fl-dim">The browser asks for the passkey: your finger, face, PIN, or a security key.</p>}
      <div className="fl-form-end">
        {props.beside}
        <Button type="submit" loading={props.busy} data-autofocus={way === "passkey" || undefined} leftSection={way === "passkey" && <Icon name="passkey" />}>
          {way === "passkey" ? fields.passkey.other : props.act}
        </Button>
      </div>
      {ways.length > 1 && (
        <div className="fl-factor-others">
          {ways
            .filter((other) => other !== way)
            .map((other) => (
              <Button
                key={other}
                variant="subtle"
                size="xs"
                leftSection={<Icon name={fields[other].icon} size={15} />}
                onClick={() => {
                  setText("");
                  setChosen(other);
                }}
              >
                {fields[other].other}
              </Button>
            ))}
        </div>
      )}
    </form>
  );
}
