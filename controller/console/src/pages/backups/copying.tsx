// What restoring and cloning have in common: data that replace those of an environment.
import { Alert, Checkbox, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import type { ApiError } from "../../api/client";
import type { Environment } from "../../api/types";
import { Icon } from "../../ui/Icon";

/** Whether the target's name has to be typed: where production is replaced, or a copy of production is to be live. */
export function needsName(target: Environment | undefined, copy: boolean, fromProduction: boolean, neutralise: boolean, error: ApiError | null): boolean {
  if (!target) return false;
  if (error?.code === "confirmation_required") return true;
  return target.type === "production" || (copy && fromProduction && !neutralise);
}

export function Neutralise({ on, onChange, copy }: { on: boolean; onChange: (on: boolean) => void; copy: boolean }) {
  return (
    <div>
      <Checkbox checked={on} onChange={(event) => onChange(event.currentTarget.checked)} label="Neutralise" description="No mail leaves it, no scheduled action runs, no payment provider is live." />
      {copy && !on && (
        <Alert color="signal" icon={<Icon name="warning" />} mt="xs">
          The copy will act on the real world: it can send mail to customers, fetch mail, run scheduled actions and take payments, beside the original.
        </Alert>
      )}
    </div>
  );
}

/** `possible`: a storage is there for it. */
export function Safety({ on, onChange, target, possible }: { on: boolean; onChange: (on: boolean) => void; target: string; possible: boolean }) {
  return (
    <div>
      <Checkbox
        checked={on && possible}
        disabled={!possible}
        onChange={(event) => onChange(event.currentTarget.checked)}
        label={`Back up ${target} first`}
        description={possible ? "Before its data are replaced; nothing is replaced unless that backup succeeds." : "Not possible: its backup policy names no storage."}
      />
      {!(on && possible) && (
        <Alert color="brass" icon={<Icon name="warning" />} mt="xs">
          What is in {target} now will be lost, and nobody can bring it back.
        </Alert>
      )}
    </div>
  );
}

/** The steps in the words of somebody who has to answer for them. */
export function WhatHappens({ steps, away }: { steps: ReactNode[]; away: ReactNode }) {
  return (
    <section className="fl-happens" aria-label="What will happen">
      <h3>What will happen</h3>
      <ol>
        {steps.filter(Boolean).map((step, i) => (
          <li key={i}>{step}</li>
        ))}
      </ol>
      <p className="fl-dim">{away}</p>
    </section>
  );
}

export function TypedName({ name, typed, onType, error }: { name: string; typed: string; onType: (text: string) => void; error: string | undefined }) {
  return (
    <TextInput
      label={
        <>
          Type <strong className="fl-mono">{name}</strong> to confirm
        </>
      }
      value={typed}
      onChange={(event) => onType(event.currentTarget.value)}
      error={error}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
