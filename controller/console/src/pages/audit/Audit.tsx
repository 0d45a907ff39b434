import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useSearch } from "wouter";
import { useHas, useMay, useOrg } from "../../app/access";
import { type AuditFilter, auditQuery, exportAddress, type LogOf } from "../../api/audit";
import { planQuery } from "../../api/org";
import type { AuditEntry } from "../../api/types";
import { count, exact } from "../../lib/format";
import { Mono } from "../../ui/bits";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { More } from "../../ui/More";
import { Proof } from "./Proof";
import { ProveEntry } from "./ProveEntry";

const results = { ok: ["good", "Done"], refused: ["warn", "Refused"], failed: ["bad", "Failed"] } as const;

/** An organization's. */
export default function Audit() {
  const org = useOrg();
  const has = useHas();
  const plan = useQuery({ ...planQuery(org), enabled: useMay()("plan.view") }).data;
  const days = plan?.plans.find((one) => one.plan === plan.plan)?.audit_days;
  const may = useMay()("audit.export");
  return (
    <AuditLog
      org={org}
      title="Audit log"
      lead={`What was done, by whom, from where. Nothing here can be changed or deleted.${days ? ` Each entry can be read for ${count(days, "day")}; its hash stays for good.` : ""}`}
      exports={has("audit_export") && may}
    />
  );
}

interface LogProps {
  org: LogOf;
  title: string;
  lead: string;
  exports: boolean;
}

export function AuditLog({ org, title, lead, exports }: LogProps) {
  const [action, setAction] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [target, setTarget] = useState<AuditEntry["target"]>(null);
  const [actor, setActor] = useState<AuditEntry["actor"] | null>(null);
  const [connect, setConnect] = useState(new URLSearchParams(useSearch()).get("connect"));
  const [settled] = useDebouncedValue(action.trim().toLowerCase(), 300);
  const filter = useMemo<AuditFilter>(
    () => ({
      ...(settled && /^[a-z_]+(\.[a-z_]+)*$/.test(settled) ? { action: settled } : {}),
      ...(from ? { after: new Date(`${from}T00:00:00`).toISOString() } : {}),
      ...(to ? { before: new Date(new Date(`${to}T00:00:00`).getTime() + 86_400_000).toISOString() } : {}),
      ...(target ? { target: target.id } : {}),
      ...(actor?.id ? { actor: actor.id } : {}),
      ...(connect ? { connect_session: connect } : {}),
    }),
    [settled, from, to, target, actor, connect],
  );
  const entries = useInfiniteQuery(auditQuery(org, filter));
  const filtered = Object.keys(filter).length > 0;

  return (
    <Page
      title={title}
      lead={lead}
      actions={
        exports && (
          <>
            <Button component="a" href={exportAddress(org, "csv", filter)} download variant="default" size="sm">
              {filtered ? "Export these as CSV" : "Export as CSV"}
            </Button>
            <Button component="a" href={exportAddress(org, "jsonl", filter)} download variant="default" size="sm">
              Export with proof
            </Button>
          </>
        )
      }
    >
      <Proof org={org} />
      <Panel flush>
        <div className="fl-filters">
          <TextInput label="Action" placeholder="environment.deploy" size="xs" value={action} onChange={(e) => setAction(e.currentTarget.value)} />
          <TextInput label="From" type="date" size="xs" value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
          <TextInput label="To" type="date" size="xs" value={to} onChange={(e) => setTo(e.currentTarget.value)} />
          {actor && (
            <Button size="xs" variant="light" onClick={() => setActor(null)} aria-label={`By ${actor.label}; show all people`}>
              by {actor.label} ×
            </Button>
          )}
          {connect && (
            <Button size="xs" variant="light" onClick={() => setConnect(null)} aria-label="In one Connect-As session; show everything">
              in one Connect-As session ×
            </Button>
          )}
          {target && (
            <Button size="xs" variant="light" onClick={() => setTarget(null)} aria-label={`On ${target.name}; show all things`}>
              on {target.name} ×
            </Button>
          )}
        </div>
        <Loaded query={entries}>
          {({ pages }) => {
            const list = pages.flatMap((page) => page.data);
            if (!list.length) {
              return (
                <Empty icon="audit" title={filtered ? "No entry fits" : "Nothing yet"}>
                  {filtered ? "Take a filter away to see more." : "Every change is written here in the same moment as it is made."}
                </Empty>
              );
            }
            return (
              <Table label="Audit entries" head={["When", "Who", "Action", "On", "Result", "From", "Proof"]}>
                {list.map((entry) => {
                  const [tone, word] = results[entry.result];
                  return (
                    <Row key={entry.id}>
                      <td>
                        <time dateTime={entry.at} className="fl-when">
                          {exact(entry.at)}
                        </time>
                      </td>
                      <td data-name="Who">
                        {entry.actor.id ? (
                          <button type="button" className="fl-plain-button" onClick={() => setActor(entry.actor)} title="Show only theirs">
                            {entry.actor.label}
                          </button>
                        ) : (
                          entry.actor.label
                        )}
                        <OnBehalf entry={entry} onOnly={setConnect} />
                      </td>
                      <td data-name="Action">
                        <Mono>{entry.action}</Mono>
                        <Changes entry={entry} />
                      </td>
                      <td data-name="On">
                        {entry.target && (
                          <button type="button" className="fl-plain-button" onClick={() => setTarget(entry.target)} title="Show only this thing's">
                            {entry.target.name}
                          </button>
                        )}
                      </td>
                      <td data-name="Result">
                        <Lamp tone={tone}>{word}</Lamp>
                      </td>
                      <td data-name="From">
                        <Mono title={entry.user_agent ?? undefined}>{entry.address ?? "–"}</Mono>
                      </td>
                      <td data-name="Proof">
                        <ProveEntry org={org} entry={entry} />
                      </td>
                    </Row>
                  );
                })}
              </Table>
            );
          }}
        </Loaded>
        <More of={entries}>Older entries</More>
      </Panel>
    </Page>
  );
}

/** For whom somebody acted, and the way to all that they did in that session. */
function OnBehalf({ entry: { on_behalf_of, connect_session }, onOnly }: { entry: AuditEntry; onOnly: (session: string) => void }) {
  if (!on_behalf_of) return null;
  if (!connect_session) return <span className="fl-sub">for {on_behalf_of}</span>;
  return (
    <button type="button" className="fl-plain-button fl-sub" onClick={() => onOnly(connect_session)} title="Show only this Connect-As session's">
      for {on_behalf_of}
    </button>
  );
}

function Changes({ entry }: { entry: AuditEntry }) {
  const before = (entry.before ?? {}) as Record<string, unknown>;
  const after = (entry.after ?? {}) as Record<string, unknown>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (!names.length) return null;
  const say = (value: unknown) => (value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));
  return (
    <details className="fl-small">
      <summary className="fl-dim">what changed</summary>
      {names.map((name) => (
        <div key={name}>
          <Mono>{name}</Mono> {name in before && <span className="fl-dim">{say(before[name])} → </span>}
          {say(after[name])}
        </div>
      ))}
    </details>
  );
}
