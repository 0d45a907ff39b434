import { Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { ApiError, api, need } from "../../api/client";
import type { Environment, Operation, Release } from "../../api/types";
import { Choice } from "../../ui/Choice";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";
import { useTaken } from "./taken";

export function RollBack({ environment, release, onClose }: { environment: Environment; release: Release; onClose: () => void }) {
  const org = useOrg();
  const taken = useTaken();
  const [database, setDatabase] = useState<"keep" | "snapshot" | null>(null);
  const [note, setNote] = useState("");
  const back = useAct<void, Operation>({
    run: (_, key) => {
      if (!database) return Promise.reject(new ApiError({ type: "about:blank", title: "Choose", status: 400, detail: "Say what becomes of the database.", code: "validation_failed", request_id: "" }));
      return need(
        api.POST("/api/v1/orgs/{org}/environments/{environment}/rollback", {
          params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
          body: { release_id: release.id, database, ...(note.trim() ? { note: note.trim() } : {}) },
        }),
      );
    },
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
        back.mutate();
      }}
    >
      <Stack>
        <Choice
          label="What becomes of the database?"
          value={database}
          onChange={setDatabase}
          options={[
            ["keep", "Keep it as it is", "Code alone goes back. Right when the newer release changed no data structures."],
            [
              "snapshot",
              "Put it back as well",
              release.has_database_snapshot
                ? "Database and filestore as they were when this release was last live. What was entered since is lost."
                : "Not possible: no snapshot of that moment was kept.",
              !release.has_database_snapshot,
            ],
          ]}
        />
        <TextInput label="Note" description="Why; kept with the operation" maxLength={500} value={note} onChange={(e) => setNote(e.currentTarget.value)} />
        {back.error && <ProblemNote error={back.error} />}
        <FormEnd act={`Roll back to #${release.number}`} busy={back.isPending} disabled={!database} danger={database === "snapshot"} onCancel={onClose} />
      </Stack>
    </form>
  );
}
