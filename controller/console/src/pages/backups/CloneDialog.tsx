import { Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import type { Environment, Operation, OrgAccess } from "../../api/types";
import { useAct } from "../../app/act";
import { useAccess, useGo, useOrg } from "../../app/access";
import { confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { useTaken } from "../environments/taken";
import { needsName, Neutralise, Safety, TypedName, WhatHappens } from "./copying";

function targetsOf(source: Environment, environments: readonly Environment[], { permissions }: Pick<OrgAccess, "permissions">): Environment[] {
  return environments.filter(
    (one) => one.id !== source.id && one.server_id === source.server_id && one.current_release && one.status !== "deleting" && (one.type !== "production" || permissions.includes("restores.production")),
  );
}

/** Puts a copy of an environment's data in place of another one's. Nowhere to be seen where the organization has switched cloning off. */
export default function Clone({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const org = useOrg();
  const access = useAccess();
  const environments = useQuery(environmentsQuery(org));
  return (
    <Loaded query={environments}>
      {(list) => {
        const targets = targetsOf(environment, list, access.org);
        return targets.length ? (
          <Form source={environment} targets={targets} onClose={onClose} />
        ) : (
          <Stack>
            <p>There is no other deployed environment on the same server that you may replace. Create one there and deploy it first; then its data can be replaced by a copy of {environment.name}.</p>
            <FormEnd act="All right" busy={false} onCancel={onClose} disabled />
          </Stack>
        );
      }}
    </Loaded>
  );
}

function Form({ source, targets, onClose }: { source: Environment; targets: Environment[]; onClose: () => void }) {
  const org = useOrg();
  const go = useGo();
  const taken = useTaken();
  const [to, setTo] = useState<string | null>(targets.length === 1 ? targets[0]!.id : null);
  const [neutral, setNeutral] = useState(true);
  const [safety, setSafety] = useState(true);
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const target = targets.find((one) => one.id === to);
  const safe = safety && target?.backup.enabled === true;
  const clone = useAct<void, Operation>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/clone", {
          params: { path: { org, environment: source.id }, header: { "Idempotency-Key": key, ...(named ? { "X-Confirm": confirmHeader(typed) } : {}) } },
          body: { target_environment_id: target!.id, neutralise: neutral, safety_backup: safe, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
      go(`/environments/${operation.target.id}`);
    },
    quiet: true,
  });
  const { error } = clone;
  const named = needsName(target, true, source.type === "production", neutral, error);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        clone.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">A copy of {source.name}'s database and filestore, made on its server; nothing leaves it.</p>
        <Select label="In place of the data of" placeholder="Choose an environment" data={targets.map(({ id, name, type }) => ({ value: id, label: `${name} (${type})` }))} value={to} onChange={setTo} allowDeselect={false} error={error?.field("target_environment_id")} />
        {target && (
          <>
            <Safety on={safety} onChange={setSafety} target={target.name} possible={target.backup.enabled} />
            <Neutralise on={neutral} onChange={setNeutral} copy />
            <WhatHappens
              steps={[
                safe && `${target.name} is backed up as it is now.`,
                `${source.name} is copied. Its Odoo may be away for a moment while the database is.`,
                `${target.name} is stopped, and its data are replaced by the copy${neutral ? ", which is neutralised" : ""}. What was entered there is gone.`,
                `${target.name} starts again, with its own code, and has to answer. If anything fails, what was there before is put back.`,
              ]}
              away={`${target.name} is away while its data are replaced. People sign in to it as they do to ${source.name}: names and passwords are part of the copy.`}
            />
            {named && <TypedName name={target.name} typed={typed} onType={setTyped} error={error?.code === "confirmation_mismatch" ? error.problem.detail : undefined} />}
          </>
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && error.code !== "confirmation_mismatch" && error.code !== "confirmation_required" && <ProblemNote error={error} />}
        <FormEnd act={target ? `Clone into ${target.name}` : "Clone"} busy={clone.isPending} disabled={!target || (named && typed !== target.name)} danger onCancel={onClose} />
      </Stack>
    </form>
  );
}
