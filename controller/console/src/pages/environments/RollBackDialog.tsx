import { useState } from "react";
import { useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import type { Environment, Release } from "../../api/types";
import { Choice } from "../../ui/Choice";
import { OperationForm } from "./OperationForm";

export function RollBack({ environment, release, onClose }: { environment: Environment; release: Release; onClose: () => void }) {
  const org = useOrg();
  const [database, setDatabase] = useState<"keep" | "snapshot" | null>(null);
  return (
    <OperationForm
      act={`Roll back to #${release.number}`}
      ask={(key, note) =>
        need(
          api.POST("/api/v1/orgs/{org}/environments/{environment}/rollback", {
            params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
            body: { release_id: release.id, database: database!, ...note },
          }),
        )
      }
      disabled={!database}
      danger={database === "snapshot"}
      onClose={onClose}
    >
      {() => (
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
      )}
    </OperationForm>
  );
}
