import { Alert, Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useHref, useMay, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { operationsQuery } from "../../api/operations";
import { serversQuery } from "../../api/servers";
import type { Check, Operation } from "../../api/types";
import { count, duration } from "../../lib/format";
import { useOperationLog } from "../../live/hooks";
import { isFinal } from "../../live/reduce";
import { LinkTo } from "../../ui/bits";
import { useNow, When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { CheckList } from "../../ui/Checks";
import { LogView } from "../../ui/LogView";
import { kindName } from "../../ui/status";
import { StepLine } from "../../ui/StepLine";
import { outdatedBy } from "./outdated";

/** Steps, result, reason and log of an operation, live while it runs. */
export function OperationView({ operation, logAtFirst }: { operation: Operation; logAtFirst: boolean }) {
  const org = useOrg();
  const over = isFinal(operation.state);
  const [wanted, setWanted] = useState(logAtFirst);
  const { log, state } = useOperationLog(org, operation, wanted || !over);
  // Before it is delivered there is nothing to read, and an empty box would say that something is wrong.
  const begun = operation.state !== "queued" || log.lines.length > 0;
  const checks = operation.result?.checks;

  return (
    <div className="fl-stack">
      <Outcome operation={operation} />
      {/* One step that is over says nothing that the state beside it does not. */}
      {(!over || operation.steps.length > 1) && <StepLine steps={operation.steps} live={!over} told={operation.error != null} />}
      {checks && checks.length > 0 &&
        (operation.kind === "environment.preflight" ? (
          <Report operation={operation} checks={checks} />
        ) : operation.kind === "storage.test" || operation.kind === "backup.drill" ? (
          <Found operation={operation} checks={checks} />
        ) : checks.some((c) => c.result === "failed") ? (
          <Checks checks={checks} />
        ) : (
          <Checked checks={checks} />
        ))}
      {wanted ? (
        begun && <LogView log={log} state={state} over={over} />
      ) : (
        <div className="fl-row">
          <Button size="xs" variant="default" leftSection={<Icon name="terminal" size={15} />} onClick={() => setWanted(true)}>
            Show the log
          </Button>
        </div>
      )}
    </div>
  );
}

/** Kinds whose report says all that their failure does. */
const looking = new Set(["environment.preflight", "storage.test", "backup.drill"]);

function Outcome({ operation }: { operation: Operation }) {
  const { state, error, outcome } = operation;
  const now = useNow(state === "queued");
  if (state === "failed" && looking.has(operation.kind) && operation.result?.checks?.some((c) => c.result === "failed")) return null; // the report says it all
  if (error) {
    const step = operation.steps.find((s) => s.name === error.step);
    return (
      <Alert color="signal" icon={<Icon name="warning" />} title={step ? `Failed at: ${step.title}` : "Failed"} role="alert">
        <div style={{ whiteSpace: "pre-wrap" }}>{error.message}</div>
        {outcome && <div style={{ marginTop: 4 }}>{outcome === "undone" ? "Undone: everything is as it was before." : sentence(outcome)}</div>}
      </Alert>
    );
  }
  if (state === "unknown") {
    return (
      <Alert color="brass" icon={<Icon name="warning" />} title="Nobody can know how this stands">
        The server's link was lost while the operation ran. It goes on or is undone there by itself; the truth is shown here as soon as
        the agent is back.
      </Alert>
    );
  }
  if (state === "expired") {
    return (
      <Alert color="brass" icon={<Icon name="clock" />} title="Never delivered">
        The server was not connected before the operation's deadline, so nothing was done. Ask for it again once the server is online.
      </Alert>
    );
  }
  if (outcome) return <Alert color={state === "succeeded" ? "sea" : "gray"}>{sentence(outcome)}</Alert>;
  if (operation.cancel_requested && !isFinal(state)) {
    return <Alert color="brass">Cancel was asked for. It takes effect at the end of this step, and what was done is undone.</Alert>;
  }
  if (state === "queued" && now - Date.parse(operation.created_at) > 3000) return <Queued operation={operation} />;
  return null;
}

function Queued({ operation }: { operation: Operation }) {
  const org = useOrg();
  const may = useMay();
  const server = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data?.find((s) => s.id === operation.server_id);
  const away = server && server.status !== "online";
  return (
    <Alert color={away ? "brass" : "gray"} icon={<Icon name="clock" />} title={away ? `${server.name} is not connected` : "Waiting for the server's agent"}>
      The operation is stored and begins as soon as the agent takes it. Not taken by then, it expires <When time={operation.deadline_at} />, and
      nothing will have been done.
    </Alert>
  );
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Of an act that went on after its checks: they are worth a line, and all of them when asked for. */
function Checked({ checks }: { checks: Check[] }) {
  const warned = checks.filter((c) => c.result === "warning").length;
  return (
    <details>
      <summary className="fl-small fl-dim">
        Pre-flight: {checks.length - warned} passed{warned > 0 && `, ${count(warned, "warning")}`}
      </summary>
      <div style={{ marginTop: 10 }}>
        <Checks checks={checks} />
      </div>
    </details>
  );
}

/** Of an act that is nothing but looking: a storage that is tested, a backup that is tried out. */
function Found({ operation, checks }: { operation: Operation; checks: Check[] }) {
  const drill = operation.kind === "backup.drill";
  const failed = checks.filter((c) => c.result === "failed").length;
  const took = operation.result?.restore_ms;
  const summary = failed
    ? `${count(failed, "check")} failed: ${drill ? "this backup does not come back as it should." : "the storage cannot be used like this."}`
    : drill
      ? `All ${checks.length} checks passed: this backup comes back${took ? `, in ${duration(took)}` : ""}.`
      : `All ${checks.length} checks passed: the storage works from this server.`;
  return (
    <section aria-label={drill ? "Report of the drill" : "Report of the test"} className="fl-panel">
      <div className="fl-panel-head">
        <h2>{summary}</h2>
      </div>
      <CheckList checks={checks} />
    </section>
  );
}

/** A pre-flight's report, which is true until something else was done to the environment. */
function Report({ operation, checks }: { operation: Operation; checks: Check[] }) {
  const org = useOrg();
  const may = useMay();
  const others = useInfiniteQuery({ ...operationsQuery(org, { environment: operation.target.id }, 20), enabled: may("operations.view") });
  return <Checks checks={checks} later={outdatedBy(operation, others.data?.pages.flatMap((page) => page.data) ?? [])} />;
}

/** `later`: what ended after the checks were made, so that they tell nothing of now. */
function Checks({ checks, later }: { checks: Check[]; later?: Operation }) {
  const failed = checks.filter((c) => c.result === "failed").length;
  const warned = checks.filter((c) => c.result === "warning").length;
  const summary = later
    ? "This report is outdated."
    : failed
      ? `${count(failed, "check")} failed: a deploy would stop here, with nothing touched.`
      : warned
        ? `Ready to deploy, with ${count(warned, "warning")}.`
        : `All ${checks.length} checks passed. Ready to deploy.`;
  return (
    <section aria-label="Pre-flight report" className="fl-panel">
      <div className="fl-panel-head">
        <h2>{summary}</h2>
      </div>
      {later && <Later operation={later} />}
      <CheckList checks={checks} />
    </section>
  );
}

function Later({ operation }: { operation: Operation }) {
  const href = useHref();
  const again = operation.kind === "environment.preflight";
  return (
    <p className="fl-panel-words">
      {again ? "A newer pre-flight" : `“${kindName(operation.kind)}”`} ended <When time={operation.finished_at} />, after these checks were made.{" "}
      {again ? "" : "Run the pre-flight again to know how things stand now. "}
      <LinkTo href={href(`/operations/${operation.id}`)}>{again ? "See its report" : "See that operation"}</LinkTo>
    </p>
  );
}

export function CancelButton({ operation }: { operation: Operation }) {
  const org = useOrg();
  const may = useMay();
  const cancel = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/operations/{operation}/cancel", {
          params: { path: { org, operation: operation.id }, header: { "Idempotency-Key": key } },
        }),
      ),
  });
  if (isFinal(operation.state) || !may("operations.cancel")) return null;
  return (
    <Button
      size="xs"
      variant="default"
      onClick={() => cancel.mutate()}
      loading={cancel.isPending}
      disabled={operation.cancel_requested || cancel.isSuccess}
    >
      {operation.cancel_requested || cancel.isSuccess ? "Cancelling…" : "Cancel"}
    </Button>
  );
}

export function TargetLink({ operation }: { operation: Operation }) {
  const href = useHref();
  const path = operation.target.type === "environment" ? `/environments/${operation.target.id}` : `/servers/${operation.target.id}`;
  return <LinkTo href={href(path)}>{operation.target.name}</LinkTo>;
}
