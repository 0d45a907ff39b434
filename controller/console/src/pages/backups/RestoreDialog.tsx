import { Modal, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, need } from "../../api/client";
import type { Backup, Environment, Operation, OrgAccess } from "../../api/types";
import { useAct } from "../../app/act";
import { useGo, useOrg } from "../../app/access";
import { bytes, duration, exact } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { useTaken } from "../environments/taken";
import { needsName, Neutralise, Safety, TypedName, WhatHappens } from "./copying";

type Parts = "both" | "database" | "filestore";

/**
 * Where a backup can be restored to: its own environment, and others on the server that holds its key. Into another one it is a copy, which the
 * organization can switch off and which needs to be allowed as such.
 */
export function targetsOf(backup: Backup, environments: readonly Environment[], { permissions, clone_enabled }: Pick<OrgAccess, "permissions" | "clone_enabled">): Environment[] {
  return environments.filter((one) => {
    if (!one.current_release || one.server_id !== backup.server_id || one.status === "deleting") return false;
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
  const own = targets.find((one) => one.id === backup.environment.id);
  const others = targets.filter((one) => one !== own);
  const [elsewhere, setElsewhere] = useState(!own);
  const [other, setOther] = useState<string | null>(others.length === 1 ? others[0]!.id : null);
  const [parts, setParts] = useState<Parts>("both");
  const [neutralise, setNeutralise] = useState<boolean | null>(null);
  const [safety, setSafety] = useState(true);
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const target = elsewhere ? others.find((one) => one.id === other) : own;
  const copy = target != null && target !== own;
  // Of files alone there is nothing to neutralise.
  const neutral = parts !== "filestore" && (neutralise ?? copy);
  const restore = useAct<void, Operation>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/backups/{backup}/restore", {
          params: { path: { org, backup: backup.id }, header: { "Idempotency-Key": key, ...(named ? { "X-Confirm": confirmHeader(typed) } : {}) } },
          body: { environment_id: target!.id, parts, neutralise: neutral, safety_backup: safety, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
      go(`/environments/${operation.target.id}/backups`);
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
        {own && others.length > 0 && (
          <Choice
            label="Into which environment?"
            value={elsewhere ? "other" : "own"}
            onChange={(where) => setElsewhere(where === "other")}
            options={[
              ["own", own.name, "Its own: back to how it was"],
              ["other", "Another one", "A copy, on the same server"],
            ]}
          />
        )}
        {elsewhere && (
          <Select label="Environment" description="On the server that holds the key of this backup" placeholder="Choose one" data={others.map(({ id, name, type }) => ({ value: id, label: `${name} (${type})` }))} value={other} onChange={setOther} allowDeselect={false} error={error?.field("environment_id")} />
        )}
        <Choice
          label="Which part of it?"
          value={parts}
          onChange={setParts}
          options={[
            ["both", "All of it", "Database and filestore, as they were together"],
            ["database", "The database", "Records; the files stay as they are now"],
            ["filestore", "The filestore", "Documents and pictures; the records stay as they are now"],
          ]}
        />
        {target && (
          <>
            <Safety on={safety} onChange={setSafety} target={target.name} possible />
            {parts !== "filestore" && <Neutralise on={neutral} onChange={setNeutralise} copy={copy} />}
            <WhatHappens
              steps={[
                safety && `${target.name} is backed up as it is now.`,
                "The backup is read from the bucket, and every part of it is checked against its hash. Nothing is touched before that.",
                `Odoo is stopped, and the ${what} of ${target.name} ${parts === "both" ? "are" : "is"} replaced. What people entered since is gone.`,
                neutral && "The restored database is neutralised.",
                "Odoo starts again and has to answer. If anything fails, what was there before is put back.",
              ]}
              away={<Away backup={backup} target={target.name} />}
            />
            {named && <TypedName name={target.name} typed={typed} onType={setTyped} error={error?.code === "confirmation_mismatch" ? error.problem.detail : undefined} />}
          </>
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && error.code !== "confirmation_mismatch" && error.code !== "confirmation_required" && <ProblemNote error={error} />}
        <FormEnd act={target ? `Restore into ${target.name}` : "Restore"} busy={restore.isPending} disabled={!target || (named && typed !== target.name)} danger onCancel={onClose} />
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
