// What restoring and cloning have in common: data that replace those of an environment.
import { Alert, Checkbox, Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { ApiError } from "../../api/client";
import { serversQuery } from "../../api/servers";
import type { Environment, EnvironmentType, Mask, OrgAccess } from "../../api/types";
import { useOrg } from "../../app/access";
import { bytes } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { Icon } from "../../ui/Icon";

/** What a dialog must know of where the data go; a new environment has no id yet. */
export interface Target {
  id: string | null;
  name: string;
  type: EnvironmentType;
  server_id: string;
}

/** Whether an environment may be made for the data, and deployed. */
export function mayMake({ permissions, clone_enabled }: Pick<OrgAccess, "permissions" | "clone_enabled">): boolean {
  return clone_enabled && permissions.includes("environments.create") && permissions.includes("deployments.create");
}

/** An environment that is to be made: what is asked, and what is still missing (then `target` is undefined). */
export function useNewTarget(server: string | null, mayProduce: boolean) {
  const [name, setName] = useState("");
  const [type, setType] = useState<EnvironmentType>("staging");
  const [on, setOn] = useState(server);
  const target: Target | undefined = name.trim() && on ? { id: null, name: name.trim(), type, server_id: on } : undefined;
  return { name, setName, type, setType, on, setOn, target, mayProduce };
}

export function NewTargetFields({ wanted, source, error }: { wanted: ReturnType<typeof useNewTarget>; source: string; error: ApiError | null }) {
  const servers = (useQuery(serversQuery(useOrg())).data ?? []).filter((one) => one.status !== "revoked");
  return (
    <>
      <div className="fl-form-row">
        <TextInput label="Name of the new environment" placeholder={`${source} copy`} maxLength={80} value={wanted.name} onChange={(e) => wanted.setName(e.currentTarget.value)} error={error?.field("new_environment.name")} />
        <Select
          label="Server"
          placeholder="Choose one"
          data={servers.map((one) => ({ value: one.id, label: `${one.name}${one.status === "online" ? "" : ` (${one.status})`} · ${bytes(one.facts.disk?.free_bytes)} free` }))}
          value={wanted.on}
          onChange={wanted.setOn}
          allowDeselect={false}
          error={error?.field("new_environment.server_id")}
        />
      </div>
      <Choice
        label="Type"
        value={wanted.type}
        onChange={wanted.setType}
        options={[
          ["development", "Development", "To try things out"],
          ["staging", "Staging", "To test what goes live next"],
          ["production", "Production", wanted.mayProduce ? "What people work with" : "You may not replace the data of production", !wanted.mayProduce],
        ]}
      />
    </>
  );
}

/** "Shop (staging, on fra-2)": the server only where there is more than one. */
export function useTargetLabel(targets: readonly Environment[]) {
  const servers = useQuery(serversQuery(useOrg())).data ?? [];
  const several = new Set(targets.map((one) => one.server_id)).size > 1;
  return (one: Environment) => `${one.name} (${one.type}${several ? `, on ${servers.find((each) => each.id === one.server_id)?.name ?? "another server"}` : ""})`;
}

/** Whether the target's name has to be typed: where production is replaced, or a copy of production is to be live. */
export function needsName(target: Pick<Target, "type"> | undefined, copy: boolean, fromProduction: boolean, neutralise: boolean, error: ApiError | null): boolean {
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

const masks: [Mask[number], string, string][] = [
  ["contacts", "People and companies", "Names, addresses, numbers, pictures, and what is private of employees. Your own company and its users stay; customers cannot log in."],
  ["messages", "Messages and mails", "What was written in them and in notes, with what was attached."],
  ["documents", "Documents", "Files attached to records: invoices, contracts, scans."],
];

/** Personal data that the copy is without. */
export function MaskData({ mask, onChange }: { mask: Mask; onChange: (mask: Mask) => void }) {
  return (
    <Checkbox.Group label="Mask personal data" description="Whoever works with the copy does not see them. It cannot be undone in it." value={mask} onChange={(chosen) => onChange(masks.map(([kind]) => kind).filter((kind) => chosen.includes(kind)))}>
      <Stack gap="xs" mt="xs">
        {masks.map(([kind, label, description]) => (
          <Checkbox key={kind} value={kind} label={label} description={description} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

/** "Names … are masked": a step of what will happen. */
export function masked(mask: Mask): string | false {
  return mask.length > 0 && `Masked in the copy, before anybody can see it: ${masks.filter(([kind]) => mask.includes(kind)).map(([, label]) => label.toLowerCase()).join(", ")}.`;
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
