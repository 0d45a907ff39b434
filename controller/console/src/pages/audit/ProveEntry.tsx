import { Button } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { entryProof, type LogOf } from "../../api/audit";
import type { AuditEntry } from "../../api/types";
import { count } from "../../lib/format";
import { NotProven, prove } from "../../lib/merkle";
import { Mono } from "../../ui/bits";
import { Lamp } from "../../ui/status";

/** Fetches what proves an entry and goes its way up to the signed root, here in the browser. */
export function ProveEntry({ org, entry }: { org: LogOf; entry: AuditEntry }) {
  const proof = useMutation({ mutationFn: async () => prove(entry, await entryProof(org, entry.id)) });
  return (
    <div aria-live="polite">
      {proof.data ? (
        <>
          <Lamp tone={proof.data.signature ? "good" : "warn"}>{proof.data.signature ? "Proven" : "In the log; signature unchecked"}</Lamp>
          <span className="fl-sub" title={proof.data.signature ? `Root ${proof.data.root}` : "This browser knows no Ed25519. Take the export, and check it with the command above."}>
            {count(proof.data.size, "entry", "entries")}, root <Mono>{proof.data.root.slice(0, 8)}…</Mono>
          </span>
        </>
      ) : proof.error ? (
        <>
          <Lamp tone="bad">{proof.error instanceof NotProven ? "Not proven" : "No proof came"}</Lamp>
          <span className="fl-sub">{proof.error.message}</span>
        </>
      ) : (
        <Button size="compact-xs" variant="default" onClick={() => proof.mutate()} loading={proof.isPending} aria-label={`Prove entry ${entry.seq + 1}, ${entry.action}`}>
          Prove
        </Button>
      )}
    </div>
  );
}
