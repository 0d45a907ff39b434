import { Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import type { Environment } from "../../api/types";
import { words } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { useTaken } from "./taken";

export function Deploy({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const org = useOrg();
  const taken = useTaken();
  const first = environment.current_release == null;
  const [update, setUpdate] = useState<"auto" | "none" | "all" | "named">("auto");
  const [modules, setModules] = useState("");
  const [note, setNote] = useState("");
  const deploy = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/deploy", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: { update: update === "named" ? words(modules) : update, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      ),
    done: (operation) => {
      taken(operation);
      onClose();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        deploy.mutate();
      }}
    >
      <Stack>
        <p className="fl-dim">
          {first
            ? `Builds the first release from the project's branches, creates the database and installs ${environment.modules.join(", ") || "nothing"}.`
            : "Builds a release from the branches as they are now and brings it live. If anything fails, the release before it returns: code, configuration, database and filestore as one."}
        </p>
        {!first && (
          <Choice
            label="Update modules in the database"
            value={update}
            onChange={setUpdate}
            options={[
              ["auto", "What changed", "Those whose content differs"],
              ["none", "None", "Code alone"],
              ["all", "All", "Takes longest"],
              ["named", "By name", "Those that you list"],
            ]}
          />
        )}
        {update === "named" && !first && (
          <TextInput
            label="Modules"
            placeholder="sale, stock"
            value={modules}
            onChange={(e) => setModules(e.currentTarget.value)}
            error={deploy.error?.field("update")}
            autoComplete="off"
          />
        )}
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={deploy.error?.field("note")} />
        {deploy.error && <ProblemNote error={deploy.error} />}
        <FormEnd act="Deploy" busy={deploy.isPending} disabled={update === "named" && !words(modules).length} focused onCancel={onClose} />
      </Stack>
    </form>
  );
}
