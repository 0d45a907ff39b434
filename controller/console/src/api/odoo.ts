import { canUnseal, makeSealingKey, unseal } from "../lib/hpke";
import { isFinal } from "../live/reduce";
import { api, need, ownProblem } from "./client";
import type { Operation } from "./types";

export interface OdooUser {
  login: string;
  name: string;
}

/** Whom the server lets people log in as. */
export interface OdooUsers {
  users: OdooUser[];
  /** There are others, whose login has to be known. */
  more: boolean;
}

export interface OdooLink {
  url: string;
  expires_ms: number;
}

const between = [150, 250, 400, 600, 1000];

/** What a server answered this page alone, and the operation by which it did. */
async function answerOf<T>(org: string, ask: (public_key: string) => Promise<Operation>, signal?: AbortSignal): Promise<{ operation: Operation; told: T }> {
  if (!canUnseal())
    throw ownProblem("insecure_page", "This page did not come by https", "Browsers read sealed answers on pages that came by https alone. Open the console by its https address.");
  const key = await makeSealingKey();
  let operation = await ask(key.publicKey);
  for (let turn = 0; !isFinal(operation.state); turn += 1) {
    await new Promise((done) => setTimeout(done, between[Math.min(turn, between.length - 1)]));
    signal?.throwIfAborted();
    operation = await need(api.GET("/api/v1/orgs/{org}/operations/{operation}", { params: { path: { org, operation: operation.id } }, signal }));
  }
  const sealed = operation.result?.sealed;
  if (operation.state !== "succeeded" || !sealed) throw refusalOf(operation);
  try {
    return { operation, told: JSON.parse(await unseal(key, `${operation.kind}\n${operation.id}`, sealed)) as T };
  } catch {
    throw ownProblem("sealed_for_another", "The answer cannot be read", "What came back was sealed for another page, or changed on the way. Try again; if it stays so, somebody between this page and the server changes what passes.");
  }
}

function refusalOf({ state, error, outcome }: Operation) {
  if (error) return ownProblem(error.code, error.code === "policy_refused" ? "The server does not allow it" : "The server could not do it", error.message);
  if (state === "expired") return ownProblem("expired", "The server did not answer in time", "It is busy, or its link was lost. Try again.");
  return ownProblem("no_answer", "There is no answer", outcome || "It was cancelled, or its answer is not kept any more. Try again.");
}

export const askForUsers = (org: string, environment: string, signal?: AbortSignal) =>
  answerOf<OdooUsers>(org, (public_key) => need(api.POST("/api/v1/orgs/{org}/environments/{environment}/odoo/users", { params: { path: { org, environment } }, body: { public_key } })), signal).then(
    ({ told }) => told,
  );

export const askForLink = (org: string, environment: string, body: { user: string; reason: string }) =>
  answerOf<OdooLink>(org, (public_key) => need(api.POST("/api/v1/orgs/{org}/environments/{environment}/odoo/login", { params: { path: { org, environment } }, body: { ...body, public_key } })));
