import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { entriesOf } from "../lib/logs";
import { openMail } from "../lib/mail";
import { api, need, ownProblem } from "./client";
import { keys } from "./keys";
import type { CapturedMail, CapturedMailEnd, Environment, MailSettingsBody } from "./types";

export interface MailPage {
  mails: CapturedMail[];
  end: CapturedMailEnd;
}

/** What somebody calls a page that was cut off, and what they can do. */
const broken = (end: CapturedMailEnd) => ownProblem(end.end, "The list broke off", `${end.message ?? "It ended before it was whole."} Try again.`);

async function mailPage(org: string, environment: string, search: string, before: string, signal: AbortSignal): Promise<MailPage> {
  const query = { limit: 50, ...(search ? { search } : {}), ...(before ? { before } : {}) };
  const body = await need(
    api.GET("/api/v1/orgs/{org}/environments/{environment}/mail", { params: { path: { org, environment }, query }, parseAs: "stream", signal }),
  );
  const mails: CapturedMail[] = [];
  let end: CapturedMailEnd = { end: "lost" };
  for await (const batch of entriesOf<CapturedMail | CapturedMailEnd>(body as unknown as ReadableStream<Uint8Array>))
    for (const said of batch)
      if ("end" in said) end = said;
      else mails.push(said);
  if (!["done", "lines", "time"].includes(end.end)) throw broken(end);
  return { mails, end };
}

/** Newest first, page by page; the first page also says how much there is. */
export const mailQuery = (org: string, environment: string, search: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.mail(org, environment), { search }],
    queryFn: ({ pageParam, signal }) => mailPage(org, environment, search, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page: MailPage) => page.end.next || undefined,
  });

/** One message, taken apart here. It never changes, and goes from memory when nobody looks at it. */
export const mailMessageQuery = (org: string, environment: string, message: string) =>
  queryOptions({
    queryKey: keys.mailMessage(org, environment, message),
    queryFn: async ({ signal }) => {
      const raw = await need(
        api.GET("/api/v1/orgs/{org}/environments/{environment}/mail/{message}", { params: { path: { org, environment, message } }, parseAs: "arrayBuffer", signal }),
      );
      return openMail(new Uint8Array(raw as unknown as ArrayBuffer));
    },
    staleTime: Infinity,
    gcTime: 0,
  });

/** Where the browser fetches it from as a file. */
export const mailFile = (org: string, environment: string, message: string) => `/api/v1/orgs/${org}/environments/${environment}/mail/${message}`;

/** Another release is another answer: it says whether the one that is live captures. */
export const mailSettingsQuery = (org: string, { id: environment, current_release }: Environment) =>
  queryOptions({
    queryKey: [...keys.mailSettings(org, environment), current_release?.id ?? ""],
    queryFn: ({ signal }) => need(api.GET("/api/v1/orgs/{org}/environments/{environment}/mail-settings", { params: { path: { org, environment } }, signal })),
  });

export const setMailSettings = (org: string, environment: string, body: MailSettingsBody) =>
  need(api.PUT("/api/v1/orgs/{org}/environments/{environment}/mail-settings", { params: { path: { org, environment } }, body }));

export const deleteMail = (org: string, environment: string, message: string, key: string) =>
  need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/mail/{message}", { params: { path: { org, environment, message }, header: { "Idempotency-Key": key } } }));

export const deleteAllMail = (org: string, environment: string, key: string) =>
  need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/mail", { params: { path: { org, environment }, header: { "Idempotency-Key": key } } }));
