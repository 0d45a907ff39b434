import { queryOptions } from "@tanstack/react-query";
import { api, need } from "./client";
import { keys } from "./keys";
import { pagedList, wholeList } from "./list";
import type { WebhookDelivery } from "./types";

// Deliveries that nobody asked for have no events of their own: a busy webhook would fill everybody's stream. So what is shown of them is
// asked for again now and then, as long as its page is looked at.
const often = 5_000;
const nowAndThen = 15_000;

export const webhooksQuery = (org: string) =>
  queryOptions({
    ...wholeList(keys.webhooks(org), ({ query, signal }) => need(api.GET("/api/v1/orgs/{org}/webhooks", { params: { path: { org }, query }, signal }))),
    refetchInterval: nowAndThen,
  });

export const webhookQuery = (org: string, webhook: string) =>
  queryOptions({
    queryKey: keys.webhook(org, webhook),
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/webhooks/{webhook}", { params: { path: { org, webhook } }, signal })),
    refetchInterval: nowAndThen,
  });

export interface DeliveryFilter {
  state?: WebhookDelivery["state"];
  event?: string;
}

export const deliveriesQuery = (org: string, webhook: string, filter: DeliveryFilter) => ({
  ...pagedList([...keys.deliveries(org, webhook), "list", filter], 30, ({ query, signal }) =>
    need(api.GET("/api/v1/orgs/{org}/webhooks/{webhook}/deliveries", { params: { path: { org, webhook }, query: { ...query, ...filter } }, signal })),
  ),
  refetchInterval: nowAndThen,
});

/** One with its body and attempts; followed while an attempt is to come. */
export const deliveryQuery = (org: string, webhook: string, delivery: string) =>
  queryOptions({
    queryKey: [...keys.deliveries(org, webhook), delivery],
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/webhooks/{webhook}/deliveries/{delivery}", { params: { path: { org, webhook, delivery } }, signal })),
    refetchInterval: ({ state }) => (state.data?.delivery.state === "waiting" ? often : false),
  });
