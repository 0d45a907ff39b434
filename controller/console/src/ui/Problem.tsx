import { Alert, Button, Skeleton } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { ApiError, controllerNow } from "../api/client";
import { duration } from "../lib/format";
import { LinkTo } from "./bits";
import { Icon } from "./Icon";
import { useNow } from "./time";

export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : null;
  const rest = problem?.errors?.filter((e) => e.message) ?? [];
  return (
    <Alert color="signal" variant="light" icon={<Icon name="warning" />} title={problem?.title || "That did not work"} role="alert">
      <div>{problem?.detail || String(error)}</div>
      {rest.length > 0 && (
        <ul className="fl-problem-fields">
          {rest.map((e) => (
            <li key={e.field + e.message}>
              <code>{e.field}</code> {e.message}
            </li>
          ))}
        </ul>
      )}
      {problem?.operation_id && <InOrg path={`/operations/${problem.operation_id}`}>See that operation</InOrg>}
      {problem?.code === "plan_required" && <InOrg path="/settings/plan">See what each plan has</InOrg>}
      {problem?.retry_after_s && <Wait key={problem.request_id} seconds={problem.retry_after_s} />}
      {problem?.request_id && <div className="fl-request-id">request {problem.request_id}</div>}
      {retry && (
        <Button size="xs" variant="default" mt="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** A way out, on a page of the organization that is shown. */
function InOrg({ path, children }: { path: string; children: ReactNode }) {
  const org = /^\/o\/[^/]+/.exec(window.location.pathname)?.[0];
  return org ? <LinkTo href={org + path}>{children}</LinkTo> : null;
}

function Wait({ seconds }: { seconds: number }) {
  const [end] = useState(() => controllerNow() + seconds * 1000);
  const left = Math.ceil((end - useNow()) / 1000);
  return <div>{left > 0 ? `You can try again in ${duration(left * 1000)}.` : "You can try again now."}</div>;
}

/** Shows what a query has, is waiting for, or failed with. */
export function Loaded<T>(props: {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const { data, error, refetch } = props.query;
  if (data !== undefined) return <>{props.children(data)}</>;
  if (error) return <ProblemNote error={error} retry={() => void refetch()} />;
  return <Waiting lines={props.lines} />;
}

export function Waiting({ lines = 4 }: { lines?: number }) {
  return (
    <div className="fl-loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={18} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}
