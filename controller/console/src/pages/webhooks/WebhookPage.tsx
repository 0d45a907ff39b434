import { Alert, Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Webhook, WebhookDelivery } from "../../api/types";
import { webhookQuery } from "../../api/webhooks";
import { useAct } from "../../app/act";
import { useGo, useHref, useMay, useOrg } from "../../app/access";
import { chosenWords, nameOf } from "../../lib/webhooks";
import { useGone } from "../../live/gone";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Gone, Page, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Deliveries } from "./Deliveries";
import { DeliveryDialog } from "./DeliveryDialog";
import { Going, WebhookLamp } from "./parts";
import { Verify } from "./Verify";
import { WebhookActs } from "./WebhookActs";

export default function WebhookPage({ webhook: id, delivery }: { webhook: string; delivery?: string }) {
  const org = useOrg();
  const href = useHref();
  const go = useGo();
  const webhook = useQuery(webhookQuery(org, id));
  const gone = useGone(id);
  if (gone) return <Gone name={webhook.data ? nameOf(webhook.data) : "It"} href={href("/settings/webhooks")} all="All webhooks" />;
  return (
    <Loaded query={webhook}>
      {(one) => (
        <Page
          title={nameOf(one)}
          back={{ href: href("/settings/webhooks"), label: "Webhooks" }}
          lead={
            <>
              <WebhookLamp webhook={one} />
              <span>
                <Going webhook={one} />
              </span>
            </>
          }
          actions={<Acts webhook={one} />}
        >
          <Stopped webhook={one} />
          {one.old_secret_until && (
            <Alert color="brass" icon={<Icon name="clock" />} title="Two secrets sign just now">
              The secret before the last change ends <When time={one.old_secret_until} />. Until then the receiver may verify by either of the two; give it the new one by then.
            </Alert>
          )}
          <div className="fl-two">
            <div className="fl-stack">
              <Deliveries webhook={one} />
            </div>
            <About webhook={one} />
          </div>
          <DeliveryDialog webhook={one} delivery={delivery} onClose={() => go(`/settings/webhooks/${one.id}`)} />
        </Page>
      )}
    </Loaded>
  );
}

/** Why nothing is sent, and the way back. */
function Stopped({ webhook }: { webhook: Webhook }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const client = useQueryClient();
  const enable = useAct({
    run: (_: void) => need(api.PATCH("/api/v1/orgs/{org}/webhooks/{webhook}", { params: { path: { org, webhook: webhook.id } }, body: { enabled: true } })),
    done: (now) => client.setQueryData<Webhook>(keys.webhook(org, webhook.id), now),
  });
  const { disabled } = webhook;
  if (!disabled) return null;
  const failing = webhook.state === "failing";
  return (
    <Alert color={failing ? "signal" : "brass"} icon={<Icon name="warning" />} title={failing ? "Fairlead has stopped sending to it" : "It is turned off"}>
      <p>
        {failing && disabled.message} What happens meanwhile is not kept for it.{failing && " Put the receiver right, send a test, and then turn the webhook on again."}
      </p>
      <div className="fl-row fl-webhook-way">
        {may("webhooks.edit") && (
          <Button size="xs" loading={enable.isPending} onClick={() => enable.mutate()}>
            Turn on again
          </Button>
        )}
        {disabled.delivery_id && <LinkTo href={href(`/settings/webhooks/${webhook.id}/${disabled.delivery_id}`)}>The delivery that failed</LinkTo>}
      </div>
    </Alert>
  );
}

function Acts({ webhook }: { webhook: Webhook }) {
  const org = useOrg();
  const go = useGo();
  const may = useMay();
  const client = useQueryClient();
  const test = useAct<void, WebhookDelivery>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/webhooks/{webhook}/test", { params: { path: { org, webhook: webhook.id }, header: { "Idempotency-Key": key } } })),
    done: (made) => {
      void client.invalidateQueries({ queryKey: keys.deliveries(org, webhook.id) });
      go(`/settings/webhooks/${webhook.id}/${made.id}`);
    },
  });
  return (
    <>
      {may("webhooks.send") && (
        <Button variant="default" leftSection={<Icon name="bolt" size={16} />} loading={test.isPending} onClick={() => test.mutate()}>
          Send a test
        </Button>
      )}
      <WebhookActs webhook={webhook} />
    </>
  );
}

function About({ webhook }: { webhook: Webhook }) {
  return (
    <div className="fl-stack">
      <Panel title="About">
        <Facts
          items={[
            ["Address", <Mono key="u">{webhook.url}</Mono>],
            ["Told", webhook.events.length ? <span title={webhook.events.join("\n")}>{chosenWords(webhook.events)}</span> : "all events"],
            ["Waiting", webhook.waiting.toLocaleString()],
            ["Secret", webhook.secret_rotated_at ? <span key="s">changed <When time={webhook.secret_rotated_at} /></span> : "as at first"],
            ["Added by", webhook.created_by.email],
            ["Added", <When key="c" time={webhook.created_at} />],
          ]}
        />
      </Panel>
      <Panel title="For the receiver">
        <Verify />
      </Panel>
    </div>
  );
}
