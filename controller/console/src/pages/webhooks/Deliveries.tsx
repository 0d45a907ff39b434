import { Select } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { Webhook, WebhookDelivery } from "../../api/types";
import { deliveriesQuery, type DeliveryFilter } from "../../api/webhooks";
import { useHref, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { allEvents } from "../../lib/webhooks";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { DeliveryLamp, deliveryWords } from "./parts";

const states = Object.entries(deliveryWords).map(([value, label]) => ({ value, label }));

/** What was sent to a webhook and what is to be. */
export function Deliveries({ webhook }: { webhook: Webhook }) {
  const org = useOrg();
  const may = useMay();
  const [filter, setFilter] = useState<DeliveryFilter>({});
  const deliveries = useInfiniteQuery(deliveriesQuery(org, webhook.id, filter));
  const filtered = Object.values(filter).some(Boolean);
  return (
    <Panel title="Deliveries" flush>
      <div className="fl-filters">
        <Select label="State" placeholder="Any" clearable size="xs" data={states} value={filter.state ?? null} onChange={(state) => setFilter({ ...filter, state: (state ?? undefined) as DeliveryFilter["state"] })} />
        <Select label="Event" placeholder="Any" clearable searchable size="xs" data={[...allEvents, "webhook.test"]} value={filter.event ?? null} onChange={(event) => setFilter({ ...filter, event: event ?? undefined })} />
      </div>
      <Loaded query={deliveries}>
        {({ pages }) => {
          const list = pages.flatMap((page) => page.data);
          return list.length ? (
            <Rows deliveries={list} />
          ) : (
            <Empty icon="bolt" title={filtered ? "No delivery fits" : "Nothing was sent yet"}>
              {filtered
                ? "Take a filter away to see more."
                : may("webhooks.send")
                  ? "Send a test to see whether the receiver takes it. After that, what happens here is listed as it is sent."
                  : "What happens here is listed as it is sent, with what the receiver answered."}
            </Empty>
          );
        }}
      </Loaded>
      <More of={deliveries}>Older deliveries</More>
    </Panel>
  );
}

function Rows({ deliveries }: { deliveries: WebhookDelivery[] }) {
  const href = useHref();
  return (
    <Table label="Deliveries" head={["Event", "State", { label: "Attempts", className: "fl-num fl-gives" }, "When"]}>
      {deliveries.map((one) => (
        <Row key={one.id} href={href(`/settings/webhooks/${one.webhook_id}/${one.id}`)}>
          <td>
            <Link href={href(`/settings/webhooks/${one.webhook_id}/${one.id}`)} className="fl-name">
              {one.event}
            </Link>
            <span className="fl-sub fl-says">{one.error ? one.error.message : one.status !== null && `answered ${one.status}`}</span>
          </td>
          <td data-name="State" className="fl-quiet">
            <DeliveryLamp delivery={one} />
            {one.state === "waiting" && one.next_attempt_at && (
              <span className="fl-sub">
                <When time={one.next_attempt_at} />
              </span>
            )}
          </td>
          <td data-name="Attempts" className="fl-num fl-gives" title={count(one.attempts, "attempt")}>
            {one.attempts}
          </td>
          <td data-name="When" className="fl-quiet">
            <When time={one.created_at} />
          </td>
        </Row>
      ))}
    </Table>
  );
}
