import { Modal, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, need } from "../../api/client";
import type { Backup, Environment, Mask, Operation, OrgAccess } from "../../api/types";
import { useAct } from "../../app/act";
import { useAccess, useGo, useOrg } from "../../app/access";
import { bytes, duration, exact } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { useTaken } from "../environments/taken";
import { MaskData, masked, mayMake, needsName, Neutralise, NewTargetFields, Safety, type Target, TypedName, useNewTarget, useTargetLabel, WhatHappens } from "./copying";

type Parts = "both" | "database" | "filestore";
type Where = "own" | "other" | "new";

/**
 * Where a backup can be restored to: its own environment, and others, on its server or another. Into another one it is a copy, which the
 * organization can switch off and which needs to be allowed as such.
 */
export function targetsOf(backup: Backup, environments: readonly Environment[], { permissions, clone_enabled }: Pick<OrgAccess, "permissions" | "clone_enabled">): Environment[] {
  return environments.filter((one) => {
    if (!one.current_release || one.status === "deleting") return false;
    if (one.type === "production" && !permissions.includes("restores.production")) return false;
    return one.id === backup.environment.id || clone_enabled;
  });
}

interface Props {
  backup: Backup;
  targets: Environment[];
  onClose: () => void;
}

export function RestoreDialog({ opened, ...props }: Props & { opened: boolean }) {
  return (
    <Modal opened={opened} onClose={props.onClose} size="lg" title="Restore this backup">
      <Restore {...props} />
    </Modal>
  );
}

function Restore({ backup, targets, onClose }: Props) {
  const org = useOrg();
  const go = useGo();
  const taken = useTaken();
  const { permissions, clone_enabled } = useAccess().org;
  const label = useTargetLabel(targets);
  const own = targets.find((one) => one.id === backup.environment.id);
  const others = targets.filter((one) => one !== own);
  const makes = mayMake({ permissions, clone_enabled });
  const wanted = useNewTarget(backup.server_id, permissions.includes("restores.production"));
  const [where, setWhere] = useState<Where>(own ? "own" : others.length ? "other" : "new");
  const [other, setOther] = useState<string | null>(others.length === 1 ? others[0]!.id : null);
  const [chosen, setParts] = useState<Parts>("both");
  const [neutralise, setNeutralise] = useState<boolean | null>(null);
  const [mask, setMask] = useState<Mask>([]);
  const [safety, setSafety] = useState(true);
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const fresh = where === "new";
  const parts = fresh ? "both" : chosen;
  const target: Target | undefined = fresh ? wanted.target : where === "other" ? others.find((one) => one.id === other) : own;
  const copy = target != null && target !== own;
  const away = target != null && target.server_id !== backup.server_id;
  // Of files alone there is nothing to neutralise.
  const neutral = parts !== "filestore" && (neutralise ?? copy);
  const masks = copy && parts !== "filestore" ? mask : [];
  const restore = useAct<void, Operation>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/backups/{backup}/restore", {
          params: { path: { org, backup: backup.id }, header: { "Idempotency-Key": key, ...(named ? { "X-Confirm": confirmHeader(typed) } : {}) } },
          body: {
            ...(target!.id ? { environment_id: target!.id } : { new_environment: { name: target!.name, server_id: target!.server_id, type: target!.type } }),
            parts,
            neutralise: neutral,
            mask: masks,
            safety_backup: safety && !fresh,
            ...(note.trim() ? { note: note.trim() } : {}),
          },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
      // Of several operations, the first one's page shows what follows.
      go(fresh || away ? `/operations/${operation.id}` : `/environments/${operation.target.id}/backups`);
    },
    quiet: true,
  });
  const { error } = restore;
  // What a deleted environment was is not known here: the controller asks for the name where it is needed.
  const named = needsName(target, copy, !own || own.type === "production", neutral, error);
  const what = parts === "both" ? "database and filestore" : parts;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        restore.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          Of {backup.environment.name}, {exact(backup.finished_at ?? backup.started_at)}: {bytes(backup.database_bytes)} of database and {backup.files.toLocaleString()} {backup.files === 1 ? "file" : "files"} ({bytes(backup.file_bytes)}).
        </p>
        {Number(!!own) + Number(others.length > 0) + Number(makes) > 1 && (
          <Choice
            label="Into which environment?"
            value={where}
            onChange={setWhere}
            options={[
              ...(own ? ([["own", own.name, "Its own: back to how it was"]] as [Where, string, string][]) : []),
              ...(others.length ? ([["other", "Another one", "A copy, in place of its data"]] as [Where, string, string][]) : []),
              ...(makes ? ([["new", "A new one", "A copy; it is made and deployed first"]] as [Where, string, string][]) : []),
            ]}
          />
        )}
        {where === "other" && (
          <Select label="Environment" placeholder="Choose one" data={others.map((one) => ({ value: one.id, label: label(one) }))} value={other} onChange={setOther} allowDeselect={false} error={error?.field("environment_id")} />
        )}
        {fresh && <NewTargetFields wanted={wanted} source={backup.environment.name} error={error} />}
        {!fresh && (
          <Choice
            label="Which part of it?"
            value={chosen}
            onChange={setParts}
            options={[
              ["both", "All of it", "Database and filestore, as they were together"],
              ["database", "The database", "Records; the files stay as they are now"],
              ["filestore", "The filestore", "Documents and pictures; the records stay as they are now"],
            ]}
          />
        )}
        {target && (
          <>
            {!fresh && <Safety on={safety} onChange={setSafety} target={target.name} possible />}
            {parts !== "filestore" && <Neutralise on={neutral} onChange={setNeutralise} copy={copy} />}
            {parts !== "filestore" && copy && <MaskData mask={mask} onChange={setMask} />}
            <WhatHappens
              steps={[
                fresh && `${target.name} is made as ${backup.environment.name} is, without its domains and secret variables, and deployed by the release of the backup.`,
                away && "The server that made the backup holds the key that opens it. It grants this one backup to the target's server; neither the key nor the data pass Fairlead.",
                safety && !fresh && `${target.name} is backed up as it is now.`,
                "The backup is read from the bucket, and every part of it is checked against its hash. Nothing is touched before that.",
                fresh ? `What is in it becomes the data of ${target.name}.` : `Odoo is stopped, and the ${what} of ${target.name} ${parts === "both" ? "are" : "is"} replaced. What people entered since is gone.`,
                neutral && "The restored database is neutralised.",
                masked(masks),
                fresh ? "Odoo starts and has to answer. If anything fails, the environment stays and says what to do." : "Odoo starts again and has to answer. If anything fails, what was there before is put back.",
              ]}
              away={fresh ? `Nobody is waiting for ${target.name} yet; nothing else is touched.` : <Away backup={backup} target={target.name} />}
            />
            {named && <TypedName name={target.name} typed={typed} onType={setTyped} error={error?.code === "confirmation_mismatch" ? error.problem.detail : undefined} />}
          </>
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && error.code !== "confirmation_mismatch" && error.code !== "confirmation_required" && <ProblemNote error={error} />}
        <FormEnd act={target ? `Restore into ${target.name}` : "Restore"} busy={restore.isPending} disabled={!target || (named && typed !== target.name)} danger={!fresh} onCancel={onClose} />
      </Stack>
    </form>
  );
}

/** How long nobody can work in it: what a drill measured is more than Odoo will be away. */
function Away({ backup, target }: { backup: Backup; target: string }) {
  const took = backup.last_drill?.passed ? backup.last_drill.restore_ms : null;
  return took ? (
    <>
      {target} is away while its data are replaced: at most about {duration(took)}, which is what the whole restore took in the drill of this backup.
    </>
  ) : (
    <>{target} is away while its data are replaced. Nobody has measured how long that takes with this backup: a drill does, and touches nothing.</>
  );
}
