import { useQueryClient } from "@tanstack/react-query";
import { useOrg } from "../../app/access";
import { keys } from "../../api/keys";
import type { Environment, Operation } from "../../api/types";
import { applyOperation } from "../../live/apply";
import { isFinal } from "../../live/reduce";

/** Shows a new operation at once, before its first event. */
export function useTaken() {
  const org = useOrg();
  const client = useQueryClient();
  return (operation: Operation) => {
    applyOperation(client, org, operation);
    if (operation.target.type === "environment") {
      const { id, kind, state, created_at, finished_at } = operation;
      client.setQueryData<Environment>(
        keys.environment(org, operation.target.id),
        (held) => held && { ...held, last_operation: { id, kind, state, created_at, finished_at } },
      );
    }
  };
}

export function isBusy(environment: Environment): boolean {
  const last = environment.last_operation;
  return last != null && !isFinal(last.state) && last.kind !== "environment.preflight";
}
