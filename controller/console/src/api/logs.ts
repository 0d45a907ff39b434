import { api, need } from "./client";
import type { LogEnd, LogEntry } from "./types";

export type LogLevel = LogEntry["level"];

/** Whose log: an environment's Odoo, or what of a server belongs to no environment. */
export type LogOf = { environment: string } | { server: string; source: "agent" | "postgresql" };

/** What is read of it. Times as the controller takes them. */
export interface LogFilter {
  level: LogLevel;
  search: string;
  match: "text" | "pattern";
  since?: string;
  until?: string;
}

export interface LogPlace {
  follow?: "true";
  lines?: number;
  before?: string;
  after?: string;
}

export const isEnd = (said: LogEntry | LogEnd): said is LogEnd => "end" in said;

function queryOf({ level, search, match, since, until }: LogFilter) {
  return { level, ...(search ? { search, match } : {}), ...(since ? { since } : {}), ...(until ? { until } : {}) };
}

/** Lines of JSON as they come; aborting it ends the reading on the server. */
export async function readLog(org: string, of: LogOf, filter: LogFilter, place: LogPlace, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const query = { ...queryOf(filter), ...place };
  const body = await need(
    "environment" in of
      ? api.GET("/api/v1/orgs/{org}/environments/{environment}/logs", { params: { path: { org, environment: of.environment }, query }, parseAs: "stream", signal })
      : api.GET("/api/v1/orgs/{org}/servers/{server}/logs", { params: { path: { org, server: of.server }, query: { ...query, source: of.source } }, parseAs: "stream", signal }),
  );
  return body as unknown as ReadableStream<Uint8Array>;
}

/** Where the browser fetches a file from. */
export function logFile(org: string, of: LogOf, filter: LogFilter): string {
  const path = "environment" in of ? `environments/${of.environment}` : `servers/${of.server}`;
  const query = new URLSearchParams({ format: "text", ...queryOf(filter) });
  if ("source" in of) query.set("source", of.source);
  return `/api/v1/orgs/${org}/${path}/logs?${query}`;
}
