import type { Webhook, WebhookDelivery } from "../../api/types";
import { inTrouble } from "../../lib/webhooks";
import { Lamp } from "../../ui/status";
import { When } from "../../ui/time";

const states = { active: ["good", "Active"], disabled: ["idle", "Off"], failing: ["bad", "Stopped"] } as const;

export function WebhookLamp({ webhook }: { webhook: Webhook }) {
  const [tone, word] = inTrouble(webhook) ? (["warn", "Not getting through"] as const) : states[webhook.state];
  return <Lamp tone={tone}>{word}</Lamp>;
}

export const deliveryWords = { waiting: "Waits", delivered: "Delivered", failed: "Failed" } as const;

/** One that waits after an attempt that failed is not the same as one whose turn has not come. */
export function DeliveryLamp({ delivery: { state, attempts } }: { delivery: Pick<WebhookDelivery, "state" | "attempts"> }) {
  if (state === "delivered") return <Lamp tone="good">{deliveryWords.delivered}</Lamp>;
  if (state === "failed") return <Lamp tone="bad">{deliveryWords.failed}</Lamp>;
  return attempts ? (
    <Lamp tone="warn">To be tried again</Lamp>
  ) : (
    <Lamp tone="busy" pulse>
      {deliveryWords.waiting}
    </Lamp>
  );
}

/** How it goes just now, in a line for lists. */
export function Going({ webhook }: { webhook: Webhook }) {
  if (webhook.disabled)
    return (
      <>
        since <When time={webhook.disabled.at} />
      </>
    );
  if (inTrouble(webhook))
    return (
      <>
        last attempt failed <When time={webhook.last_failed_at} />
      </>
    );
  return webhook.last_delivered_at ? (
    <>
      delivered <When time={webhook.last_delivered_at} />
    </>
  ) : (
    <>nothing sent yet</>
  );
}
