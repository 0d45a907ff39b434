import { PasswordInput } from "@mantine/core";
import { useState } from "react";

export interface NewPassword {
  value: string;
  again: string;
  set: (change: { value?: string; again?: string }) => void;
  /** Shows what is missing, and tells whether nothing is. */
  check: () => boolean;
  clear: () => void;
  tried: boolean;
}

export function useNewPassword(): NewPassword {
  const [both, setBoth] = useState({ value: "", again: "" });
  const [tried, setTried] = useState(false);
  return {
    ...both,
    tried,
    set: (change) => setBoth((before) => ({ ...before, ...change })),
    clear: () => {
      setBoth({ value: "", again: "" });
      setTried(false);
    },
    check: () => {
      setTried(true);
      return both.value.length >= 12 && both.again === both.value;
    },
  };
}

/** A password chosen anew, typed twice. */
export function NewPasswordFields({ of: { value, again, set, tried }, label, refused }: { of: NewPassword; label: string; refused?: string }) {
  const wrong = refused ?? (tried && value.length < 12 ? "At least 12 characters" : undefined);
  const differs = tried && again !== value ? "Not the same as above" : undefined;
  return (
    <>
      <PasswordInput
        label={label}
        description="At least 12 characters; a few words are easier to remember than a few signs"
        autoComplete="new-password"
        value={value}
        onChange={(event) => set({ value: event.currentTarget.value })}
        error={wrong}
        aria-invalid={Boolean(wrong)}
      />
      <PasswordInput
        label={`${label} again`}
        autoComplete="new-password"
        value={again}
        onChange={(event) => set({ again: event.currentTarget.value })}
        error={differs}
        aria-invalid={Boolean(differs)}
      />
    </>
  );
}
