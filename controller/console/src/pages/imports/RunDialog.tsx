import { Checkbox, Modal, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { api, need } from "../../api/client";
import type { Environment, Import, Mask, Operation } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { MaskData, masked, Neutralise, Safety, TypedName, WhatHappens } from "../backups/copying";
import { useTaken } from "../environments/taken";

interface Props {
  one: Import;
  environment: Environment;
  onClose: () => void;
}

export function RunDialog({ opened, ...props }: Props & { opened: boolean }) {
  return (
    <Modal opened={opened} onClose={props.onClose} size="lg" title={`Import into ${props.environment.name}`}>
      <Run {...props} />
    </Modal>
  );
}

function Run({ one, environment, onClose }: Props) {
  const org = useOrg();
  const taken = useTaken();
  const production = environment.type === "production";
  const storage = environment.backup.enabled;
  const [neutralise, setNeutralise] = useState(!production);
  const [mask, setMask] = useState<Mask>([]);
  const [update, setUpdate] = useState(true);
  const [safety, setSafety] = useState(storage);
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const run = useAct<void, Operation>({
    run: (_, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/imports/{import}/run", {
          params: { path: { org, environment: environment.id, import: one.id }, header: { "Idempotency-Key": key, ...(named ? { "X-Confirm": confirmHeader(typed) } : {}) } },
          body: { neutralise, mask: production ? [] : mask, update, safety_backup: safety, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
    },
    quiet: true,
  });
  const { error } = run;
  const named: boolean = production || error?.code === "confirmation_required";
  const { name } = environment;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run.mutate();
      }}
    >
      <Stack>
        <Safety on={safety} onChange={setSafety} target={name} possible={storage} />
        <Neutralise on={neutralise} onChange={setNeutralise} copy={!production} />
        {!production && <MaskData mask={mask} onChange={setMask} />}
        <Checkbox
          checked={update}
          onChange={(event) => setUpdate(event.currentTarget.checked)}
          label="Update all modules"
          description="The code here is seldom the very code that the data come from. Without an update, Odoo may not start with them."
        />
        <WhatHappens
          steps={[
            "The data come in beside the live ones, in a database of their own. Nothing is touched before all of them are there.",
            safety && `${name} is backed up as it is now.`,
            neutralise && "The imported database is neutralised.",
            masked(production ? [] : mask),
            `Odoo is stopped, and database and filestore of ${name} are replaced. What is in it now is gone.`,
            update && "All modules are updated with the code of the current release.",
            "Odoo starts again and has to answer. If anything fails, what was there before is put back.",
          ]}
          away={<>{name} is away while its data are replaced and its modules are updated. That can take as long as an upgrade of all modules does.</>}
        />
        {named && <TypedName name={name} typed={typed} onType={setTyped} error={error?.code === "confirmation_mismatch" ? error.problem.detail : undefined} />}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={error?.field("note")} />
        {error && error.code !== "confirmation_mismatch" && error.code !== "confirmation_required" && <ProblemNote error={error} />}
        <FormEnd act={`Import into ${name}`} busy={run.isPending} disabled={named && typed !== name} danger onCancel={onClose} />
      </Stack>
    </form>
  );
}
