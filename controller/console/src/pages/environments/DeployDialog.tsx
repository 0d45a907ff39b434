import { Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import { useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import type { Environment } from "../../api/types";
import { words } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { OperationForm } from "./OperationForm";

export function Deploy({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const org = useOrg();
  const first = environment.current_release == null;
  const [update, setUpdate] = useState<"auto" | "none" | "all" | "named">("auto");
  const [modules, setModules] = useState("");
  const [backup, setBackup] = useState(false);
  return (
    <OperationForm
      act="Deploy"
      ask={(key, note) =>
        need(
          api.POST("/api/v1/orgs/{org}/environments/{environment}/deploy", {
            params: { path: { org, environment: environment.id }, header: { "Idempotency-Key": key } },
            body: { update: update === "named" ? words(modules) : update, backup_first: backup, ...note },
          }),
        )
      }
      disabled={update === "named" && !words(modules).length}
      focused
      onClose={onClose}
    >
      {(error) => (
        <>
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
              error={error?.field("update")}
              autoComplete="off"
            />
          )}
          {!first && environment.backup.enabled && (
            <Checkbox checked={backup} onChange={(e) => setBackup(e.currentTarget.checked)} label="Back up first" description="To its storage, before anything changes; nothing is deployed unless the backup succeeds" />
          )}
        </>
      )}
    </OperationForm>
  );
}
