import { Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useHref, useOrg } from "../../app/access";
import { type OperationFilter, operationsQuery } from "../../api/operations";
import type { Operation, OperationKind, OperationState } from "../../api/types";
import { duration } from "../../lib/format";
import { isFinal } from "../../live/reduce";
import { Empty, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { useNow, When } from "../../ui/time";
import { askedBy, kindName, OperationLamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { More } from "../../ui/More";

const states: { value: OperationState; label: string }[] = [
  { value: "queued", label: "Queued" },
  { value: "delivered", label: "Delivered" },
  { value: "running", label: "Running" },
  { value: "succeeded", label: "Succeeded" },
  { value: "failed", label: "Failed" },
  { value: "cancelled", label: "Cancelled" },
  { value: "expired", label: "Expired" },
  { value: "unknown", label: "Unknown" },
];
const kindValues: OperationKind[] = [
  "environment.deploy",
  "environment.rollback",
  "environment.preflight",
  "environment.start",
  "environment.stop",
  "environment.restart",
  "environment.delete",
  "environment.clone",
  "backup.create",
  "backup.restore",
  "backup.drill",
  "backup.grant",
  "backup.recipient",
  "backup.delete",
  "backup.configure",
  "storage.test",
  "agent.update",
  "agent.ping",
];

export default function Operations() {
  const org = useOrg();
  const [filter, setFilter] = useState<OperationFilter>({});
  const operations = useInfiniteQuery(operationsQuery(org, filter));
  const filtered = Object.values(filter).some(Boolean);
  return (
    <Page title="Operations" lead="Everything that was asked of a server: stored before it is sent, and true after it is done.">
      <Panel flush>
        <div className="fl-filters">
          <Select
            label="Kind"
            placeholder="Any"
            clearable
            size="xs"
            data={kindValues.map((value) => ({ value, label: kindName(value) }))}
            value={filter.kind ?? null}
            onChange={(kind) => setFilter({ ...filter, kind: (kind as OperationKind) ?? undefined })}
          />
          <Select
            label="State"
            placeholder="Any"
            clearable
            size="xs"
            data={states}
            value={filter.state ?? null}
            onChange={(state) => setFilter({ ...filter, state: (state as OperationState) ?? undefined })}
          />
        </div>
        <Loaded query={operations}>
          {({ pages }) => {
            const list = pages.flatMap((page) => page.data);
            if (!list.length) {
              return (
                <Empty icon="operation" title={filtered ? "No operation fits" : "Nothing was asked of a server yet"}>
                  {filtered ? "Take a filter away to see more." : "Deploys, restarts and the like are listed here, with their steps and logs."}
                </Empty>
              );
            }
            return <OperationRows operations={list} />;
          }}
        </Loaded>
        <More of={operations}>Older operations</More>
      </Panel>
    </Page>
  );
}

export function OperationRows({ operations, hideTarget }: { operations: Operation[]; hideTarget?: boolean }) {
  const href = useHref();
  const head = ["Operation", ...(hideTarget ? [] : ["On"]), "State", { label: "Asked by", className: "fl-gives" }, "When", { label: "Took", className: "fl-num" }];
  return (
    <Table label="Operations" head={head}>
      {operations.map((operation) => (
        <Row key={operation.id} href={href(`/operations/${operation.id}`)}>
          <td>
            <Link href={href(`/operations/${operation.id}`)} className="fl-name">
              {kindName(operation.kind)}
            </Link>
            <Doing operation={operation} />
          </td>
          {!hideTarget && <td data-name="On" className="fl-quiet">{operation.target.name}</td>}
          <td data-name="State" className="fl-quiet">
            <OperationLamp operation={operation} />
          </td>
          <td data-name="Asked by" className="fl-gives">{askedBy(operation)}</td>
          <td data-name="When" className="fl-quiet">
            <When time={operation.created_at} />
          </td>
          <td data-name="Took" className="fl-num">
            <Took operation={operation} />
          </td>
        </Row>
      ))}
    </Table>
  );
}

function Doing({ operation }: { operation: Operation }) {
  const step = operation.steps.find((s) => s.state === "running");
  const text = operation.error?.message ?? operation.outcome ?? (isFinal(operation.state) ? operation.note : step?.title);
  return text ? <span className="fl-sub fl-clip">{text}</span> : null;
}

export function Took({ operation }: { operation: Operation }) {
  const live = operation.started_at != null && !isFinal(operation.state) && operation.state !== "unknown";
  const now = useNow(live);
  if (!operation.started_at) return <>–</>;
  const end = operation.finished_at ? Date.parse(operation.finished_at) : live ? now : null;
  return <>{end == null ? "–" : duration(end - Date.parse(operation.started_at))}</>;
}
