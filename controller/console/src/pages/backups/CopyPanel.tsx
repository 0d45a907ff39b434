import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { copyQuery } from "../../api/backups";
import { serversQuery } from "../../api/servers";
import type { Copy } from "../../api/types";
import { useHref, useMay, useOrg } from "../../app/access";
import { Icon } from "../../ui/Icon";
import { LinkTo } from "../../ui/bits";
import { Panel } from "../../ui/Page";
import { kindName, Lamp, OperationLamp } from "../../ui/status";

const states: Record<Copy["state"], [tone: "busy" | "good" | "bad" | "dim", word: string, pulse?: boolean]> = {
  running: ["busy", "Under way", true],
  succeeded: ["good", "Done"],
  failed: ["bad", "Failed"],
  cancelled: ["dim", "Cancelled"],
};

/** The operations that bring data into an environment, one after the other. Nothing where there is no such thing to tell of. */
export function CopyPanel({ of, when = () => true }: { of: { operation: string } | { environment: string }; when?: (copy: Copy) => boolean }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const copy = useQuery({ ...copyQuery(org, of), enabled: may("backups.view") }).data;
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data ?? [];
  if (!copy || !when(copy)) return null;
  const [tone, word, pulse] = states[copy.state];
  const here = "operation" in of ? of.operation : null;
  // Whom each of them is about stands beside it, as most are about the target.
  const about = (kind: string) => (kind === "backup.create" || kind === "backup.grant" ? copy.source.name : copy.target.name);
  return (
    <Panel
      title={
        <span className="fl-row">
          {copy.source.name} into {copy.target.name}
          <Lamp tone={tone} pulse={pulse}>
            {word}
          </Lamp>
        </span>
      }
    >
      <div className="fl-stack">
        {copy.error && (
          <Alert color="signal" icon={<Icon name="warning" />} title="It went no further" role="alert">
            {copy.error.message}
          </Alert>
        )}
        <ol className="fl-chain" aria-label="Its operations">
          {copy.operations.map((one, i) => {
            const name = `${kindName(one.kind)} ${about(one.kind)}`;
            const server = servers.find((each) => each.id === one.server_id)?.name;
            return (
              <li key={i} aria-current={one.operation_id != null && one.operation_id === here ? "step" : undefined}>
                {one.operation_id && one.operation_id !== here && may("operations.view") ? <LinkTo href={href(`/operations/${one.operation_id}`)}>{name}</LinkTo> : <span>{name}</span>}
                <span className="fl-dim fl-small">{server}</span>
                {one.state ? <OperationLamp operation={{ kind: one.kind, state: one.state }} /> : <span className="fl-dim fl-small">{copy.state === "running" ? "Comes later" : "Not begun"}</span>}
              </li>
            );
          })}
        </ol>
        {copy.state === "running" && <p className="fl-dim fl-small">Each begins when the one before it has succeeded, also when you are not here. Cancelling the one under way ends all of it.</p>}
      </div>
    </Panel>
  );
}
