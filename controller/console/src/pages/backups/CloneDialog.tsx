import { Select, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { environmentsQuery } from "../../api/environments";
import type { Environment, Mask, Operation, OrgAccess } from "../../api/types";
import { useAct } from "../../app/act";
import { useAccess, useGo, useOrg } from "../../app/access";
import { exact } from "../../lib/format";
import { confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { useTaken } from "../environments/taken";
import { Choice } from "../../ui/Choice";
import { MaskData, masked, mayMake, needsName, Neutralise, NewTargetFields, Safety, TypedName, useNewTarget, useTargetLabel, WhatHappens } from "./copying";

function targetsOf(source: Environment, environments: readonly Environment[], { permissions }: Pick<OrgAccess, "permissions">): Environment[] {
  return environments.filter(
    (one) => one.id !== source.id && one.current_release && one.status !== "deleting" && (one.type !== "production" || permissions.includes("restores.production")),
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
        return targets.length || mayMake(access.org) ? (
          <Form source={environment} targets={targets} onClose={onClose} />
        ) : (
          <Stack>
            <p>There is no other deployed environment that you may replace. Create one and deploy it first; then its data can be replaced by a copy of {environment.name}.</p>
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
  const { org: access } = useAccess();
  const label = useTargetLabel(targets);
  const makes = mayMake(access);
  const wanted = useNewTarget(source.server_id, access.permissions.includes("restores.production"));
  const [where, setWhere] = useState<"other" | "new">(targets.length ? "other" : "new");
  const [backup, setBackup] = useState<"fresh" | "newest">("fresh");
  const [to, setTo] = useState<string | null>(targets.length === 1 ? targets[0]!.id : null);
  const [neutral, setNeutral] = useState(true);
  const [mask, setMask] = useState<Mask>([]);
  const [safety, setSafety] = useState(true);
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const fresh = where === "new";
  const there = targets.find((one) => one.id === to);
  const target = fresh ? wanted.target : there;
  const away = target != null && target.server_id !== source.server_id;
  // Between servers the copy goes by a bucket, which takes the safety backup too.
  const possible = away || there?.backup.enabled === true;
  const safe = !fresh && safety && possible;
  const clone = useAct<void, Operation>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/clone", {
          params: { path: { org, environment: source.id }, header: { "Idempotency-Key": key, ...(named ? { "X-Confirm": confirmHeader(typed) } : {}) } },
          body: {
            ...(fresh ? { new_environment: { name: target!.name, server_id: target!.server_id, type: target!.type } } : { target_environment_id: there!.id }),
            ...(away ? { backup } : {}),
            neutralise: neutral,
            mask,
            safety_backup: safe,
            ...(note.trim() ? { note: note.trim() } : {}),
          },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
      // Of several operations, the first one's page shows what follows.
      go(fresh || away ? `/operations/${operation.id}` : `/environments/${operation.target.id}`);
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
        <p className="fl-dim">
          A copy of {source.name}'s database and filestore{away ? ", by a backup in its bucket that the target's server is granted" : ", made on its server; nothing leaves it"}.
        </p>
        {targets.length > 0 && makes && (
          <Choice
            label="Into which environment?"
            value={where}
            onChange={setWhere}
            options={[
              ["other", "One that is there", "In place of its data"],
              ["new", "A new one", "It is made and deployed first"],
            ]}
          />
        )}
        {fresh ? (
          <NewTargetFields wanted={wanted} source={source.name} error={error} />
        ) : (
          <Select label="In place of the data of" placeholder="Choose an environment" data={targets.map((one) => ({ value: one.id, label: label(one) }))} value={to} onChange={setTo} allowDeselect={false} error={error?.field("target_environment_id")} />
        )}
        {away && (
          <Choice
            label="By which backup?"
            value={backup}
            onChange={setBackup}
            options={[
              ["fresh", "One that is made now", "The data as they are now"],
              ["newest", "The newest good one", source.backup.last_backup_at ? `Of ${exact(source.backup.last_backup_at)}` : "There is none yet", !source.backup.last_backup_at],
            ]}
          />
        )}
        {target && (
          <>
            {!fresh && <Safety on={safety} onChange={setSafety} target={target.name} possible={possible} />}
            <Neutralise on={neutral} onChange={setNeutral} copy />
            <MaskData mask={mask} onChange={setMask} />
            <WhatHappens
              steps={[
                away && backup === "fresh" && `${source.name} is backed up into its bucket; its Odoo runs on.`,
                fresh && `${target.name} is made as ${source.name} is, without its domains and secret variables, and deployed.`,
                away && `The server of ${source.name} grants this one backup to the target's server; neither its key nor the data pass Fairlead.`,
                safe && `${target.name} is backed up as it is now.`,
                !away && `${source.name} is copied. Its Odoo may be away for a moment while the database is.`,
                masked(mask),
                fresh ? `The copy becomes the data of ${target.name}${neutral ? ", and is neutralised" : ""}.` : `${target.name} is stopped, and its data are replaced by the copy${neutral ? ", which is neutralised" : ""}. What was entered there is gone.`,
                fresh ? "Odoo starts and has to answer. If anything fails, the environment stays and says what to do." : `${target.name} starts again, with its own code, and has to answer. If anything fails, what was there before is put back.`,
              ]}
              away={`${fresh ? "" : `${target.name} is away while its data are replaced. `}People sign in to it as they do to ${source.name}: names and passwords are part of the copy.`}
            />
            {named && <TypedName name={target.name} typed={typed} onType={setTyped} error={error?.code === "confirmation_mismatch" ? error.problem.detail : undefined} />}
          </>
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && error.code !== "confirmation_mismatch" && error.code !== "confirmation_required" && <ProblemNote error={error} />}
        <FormEnd act={target ? `Clone into ${target.name}` : "Clone"} busy={clone.isPending} disabled={!target || (named && typed !== target.name)} danger={!fresh} onCancel={onClose} />
      </Stack>
    </form>
  );
}
