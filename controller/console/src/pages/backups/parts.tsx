import { Link } from "wouter";
import type { Backup, Environment } from "../../api/types";
import { useHref } from "../../app/access";
import { backupKinds, proofOf, proofs, type Proof } from "../../lib/backups";
import { bytes } from "../../lib/format";
import { BackupLamp, Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { useNow, When } from "../../ui/time";

export function ProofLamp({ proof }: { proof: Proof }) {
  const { tone, word } = proofs[proof];
  return <Lamp tone={tone}>{word}</Lamp>;
}

/** How far the environment's backups can be trusted just now. */
export function useProof(environment: Environment): Proof {
  return proofOf(environment, useNow());
}

/** "last restored 3 d ago", or what stands in the way of that sentence. */
export function Restored({ backup }: { backup: Pick<Backup, "last_restored_at" | "last_drill" | "state"> }) {
  const { last_restored_at, last_drill } = backup;
  if (last_drill && !last_drill.passed && !(last_restored_at && last_restored_at > last_drill.at)) return <Lamp tone="bad">Drill failed</Lamp>;
  if (last_restored_at) return <When time={last_restored_at} />;
  return <span className="fl-dim">{backup.state === "succeeded" ? "never" : "–"}</span>;
}

/** Backups as a list; `named`: of several environments. */
export function BackupRows({ backups, named }: { backups: Backup[]; named?: boolean }) {
  const href = useHref();
  const head = [
    "Backup",
    ...(named ? ["Environment"] : []),
    "State",
    { label: "Database", className: "fl-num" },
    { label: "Files", className: "fl-num fl-gives" },
    { label: "Sent", className: "fl-num fl-gives" },
    "Last restored",
  ];
  return (
    <Table label="Backups" head={head}>
      {backups.map((one) => {
        const whole = one.state === "succeeded" || one.state === "removed";
        return (
          <Row key={one.id} href={href(`/backups/${one.id}`)}>
            <td>
              <Link href={href(`/backups/${one.id}`)} className="fl-name">
                <When time={one.finished_at ?? one.started_at} />
              </Link>
              <span className="fl-sub">{backupKinds[one.kind]}</span>
              {one.error && <span className="fl-sub fl-clip">{one.error.message}</span>}
            </td>
            {named && (
              <td data-name="Environment" className="fl-quiet">
                {one.environment.name}
                {!one.environment.exists && <span className="fl-sub">deleted</span>}
              </td>
            )}
            <td data-name="State" className="fl-quiet">
              <BackupLamp state={one.state} />
            </td>
            <td data-name="Database" className="fl-num">
              {whole ? bytes(one.database_bytes) : "–"}
            </td>
            <td data-name="Files" className="fl-num fl-gives">
              {whole ? one.files.toLocaleString() : "–"}
              {whole && <span className="fl-sub">{bytes(one.file_bytes)}</span>}
            </td>
            <td data-name="Sent" className="fl-num fl-gives">
              {one.sent_bytes || whole ? bytes(one.sent_bytes) : "–"}
            </td>
            <td data-name="Last restored">
              <Restored backup={one} />
            </td>
          </Row>
        );
      })}
    </Table>
  );
}
