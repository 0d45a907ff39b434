import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { checkpointQuery, type LogOf, witnessesQuery } from "../../api/audit";
import type { AuditWitness } from "../../api/types";
import { count, exact } from "../../lib/format";
import { Facts, Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";

/** What the log has come to, signed, and whether servers saw another one. */
export function Proof({ org }: { org: LogOf }) {
  const checkpoint = useQuery(checkpointQuery(org));
  const witnesses = useQuery({ ...witnessesQuery(org ?? ""), enabled: org !== null });
  return (
    <Panel title="Proof" actions={witnesses.data && <Verdict witnesses={witnesses.data} />}>
      <Loaded query={checkpoint} lines={2}>
        {({ size, at, key }) => (
          <Facts
            items={[
              ["Signed", `${count(size, "entry", "entries")}, ${exact(at)}`],
              [
                "Public key",
                <>
                  <Mono>{key}</Mono> <CopyButton value={key} label="Copy the key" />
                </>,
              ],
              ["Check an export", <Mono>fairlead-controller audit verify FILE --key KEY</Mono>],
              ...(org ? [["Servers that keep watch", <Loaded query={witnesses}>{(all) => <Seen witnesses={all} />}</Loaded>] as [string, ReactNode]] : []),
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Verdict({ witnesses }: { witnesses: AuditWitness[] }) {
  if (witnesses.some((one) => one.fork)) return <Lamp tone="bad">Servers saw another log</Lamp>;
  return <Lamp tone="good">Signed, and no server objects</Lamp>;
}

function Seen({ witnesses }: { witnesses: AuditWitness[] }) {
  if (!witnesses.length) return <span className="fl-dim">none yet</span>;
  const forks = witnesses.filter((one) => one.fork);
  return (
    <>
      {count(witnesses.length, "server")}, up to {count(Math.max(...witnesses.map((one) => one.size)), "entry", "entries")}
      {forks.map((one) => (
        <div key={one.id}>
          <strong>{one.name}</strong>, {exact(one.fork!.at)}: {one.fork!.reason}. If the controller was restored from an older copy, run{" "}
          <Mono>fairlead-agent forget-log</Mono> there; otherwise somebody has rewritten this log.
        </div>
      ))}
    </>
  );
}
