import { Button, Modal } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Webhook, WebhookAttempt, WebhookDelivery } from "../../api/types";
import { deliveryQuery } from "../../api/webhooks";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { count, duration } from "../../lib/format";
import { cureOf, laidOut } from "../../lib/webhooks";
import { Facts, Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { When } from "../../ui/time";
import { DeliveryLamp } from "./parts";

/** One delivery: what was sent, what the receiver answered each time, and sending it again. It has an address of its own, so that it can be pointed to. */
export function DeliveryDialog({ webhook, delivery, onClose }: { webhook: Webhook; delivery: string | undefined; onClose: () => void }) {
  return (
    <Modal opened={delivery !== undefined} onClose={onClose} size="xl" title="Delivery">
      {delivery && <Inside key={delivery} webhook={webhook} id={delivery} />}
    </Modal>
  );
}

function Inside({ webhook, id }: { webhook: Webhook; id: string }) {
  const detail = useQuery(deliveryQuery(useOrg(), webhook.id, id));
  return (
    <Loaded query={detail}>
      {({ delivery, payload, tries }) => (
        <div className="fl-stack">
          <div className="fl-between" role="status">
            <span className="fl-row">
              <DeliveryLamp delivery={delivery} />
              <Mono>{delivery.event}</Mono>
            </span>
            <Again webhook={webhook} delivery={delivery} />
          </div>
          <Facts
            items={[
              ["webhook-id", <span key="i" className="fl-row fl-webhook-id"><Mono>{delivery.id}</Mono><CopyButton value={delivery.id} label="Copy the webhook-id" /></span>],
              ["Happened", <When key="c" time={delivery.created_at} />],
              ...(delivery.next_attempt_at ? [["Next attempt", <When key="n" time={delivery.next_attempt_at} />] as [string, React.ReactNode]] : []),
            ]}
          />
          <section>
            <h3 className="fl-webhook-part">{tries.length < delivery.attempts ? `The newest ${tries.length} of ${count(delivery.attempts, "attempt")}` : "Attempts"}</h3>
            {tries.length ? (
              <ol className="fl-tries">
                {tries.map((one) => (
                  <Try key={one.number} one={one} />
                ))}
              </ol>
            ) : (
              <p className="fl-dim">{delivery.state === "waiting" ? "The first is about to be made; it stands here as soon as it is over." : (delivery.error?.message ?? "None was made.")}</p>
            )}
          </section>
          <Payload payload={payload} />
        </div>
      )}
    </Loaded>
  );
}

function Try({ one }: { one: WebhookAttempt }) {
  const cure = one.error && cureOf(one.error, one.status);
  return (
    <li>
      <div className="fl-row">
        <Lamp tone={one.error ? "bad" : "good"}>{one.status === null ? "No answer" : `Answered ${one.status}`}</Lamp>
        <span className="fl-dim fl-small">
          attempt {one.number}, <When time={one.at} />, took {duration(one.duration_ms)}
        </span>
      </div>
      {one.error && <p>{one.error.message}</p>}
      {cure && <p className="fl-dim">{cure}</p>}
      {one.response && (
        <pre className="fl-payload" tabIndex={0} aria-label={`What was answered to attempt ${one.number}`}>
          {one.response}
        </pre>
      )}
    </li>
  );
}

function Payload({ payload }: { payload: string }) {
  return (
    <section>
      <div className="fl-between">
        <h3 className="fl-webhook-part">Body</h3>
        <span className="fl-row fl-dim fl-small">
          laid out for reading; copied as it is sent
          <CopyButton value={payload} label="Copy the body" />
        </span>
      </div>
      <pre className="fl-payload" tabIndex={0} aria-label="The body">
        {laidOut(payload) ?? payload}
      </pre>
    </section>
  );
}

function Again({ webhook, delivery }: { webhook: Webhook; delivery: WebhookDelivery }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const replay = useAct<void, WebhookDelivery>({
    run: (_, key) =>
      need(api.POST("/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}/replay", { params: { path: { org, webhook: webhook.id, delivery: delivery.id }, header: { "Idempotency-Key": key } } })),
    done: () => void client.invalidateQueries({ queryKey: keys.deliveries(org, webhook.id) }),
    quiet: true,
  });
  if (!may("webhooks.send")) return null;
  const waits = delivery.state === "waiting" && delivery.attempts > 0;
  if (delivery.state === "waiting" && !waits) return null;
  return (
    <>
      <Button size="xs" variant="default" leftSection={<Icon name="restart" size={15} />} loading={replay.isPending} disabled={webhook.state !== "active"} title={webhook.state === "active" ? undefined : "Turn the webhook on first"} onClick={() => replay.mutate()}>
        {waits ? "Send now" : "Send again"}
      </Button>
      {replay.error && <ProblemNote error={replay.error} />}
    </>
  );
}
