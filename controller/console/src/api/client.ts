import createClient from "openapi-fetch";
import { sendWithNewCookie, sendWithProof, type Prove } from "./again";
import type { paths } from "./contract";
import type { Problem } from "./types";

/** An answer that was not a success, in the words of the controller, or in ours where it could not speak. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
  get code() {
    return this.problem.code;
  }
  get status() {
    return this.problem.status;
  }
  /** What is wrong with one field of the form, or with one of its items: `modules` also finds `modules[2]`. */
  field(name: string): string | undefined {
    const found = this.problem.errors?.find((e) => e.field === name || (e.field.startsWith(`${name}[`) && e.field.endsWith("]")));
    if (!found || found.field === name) return found?.message;
    const at = Number(/\[(\d+)\]$/.exec(found.field)?.[1]);
    return Number.isNaN(at) ? found.message : `number ${at + 1} ${found.message}`;
  }
}

let onSignedOut: () => void = () => {};

/** Called once per answer that says the session is over. */
export function whenSignedOut(act: () => void) {
  onSignedOut = act;
}

let prove: Prove = async () => false;

/** Called when the controller wants the person to prove once more that it is them (`step_up_required`); the request is then sent again. */
export function whenProofNeeded(act: Prove) {
  prove = act;
}

/** Before a page of the controller is opened that asks for a proof: such a page is no request that could be repeated. */
export async function proveFirst(elevatedUntil: string): Promise<boolean> {
  return Date.parse(elevatedUntil) - controllerNow() > 30_000 || prove();
}

export const api = createClient<paths>({
  fetch: sendWithProof(sendWithNewCookie((request) => fetch(request)), () => prove()),
  baseUrl: "/",
  credentials: "same-origin",
  headers: { Accept: "application/json, application/problem+json" },
});

let clockOffset = 0;

/** The controller's time: this computer's clock may be wrong, and ages are told against it. */
export function controllerNow(): number {
  return Date.now() + clockOffset;
}

api.use({
  onResponse({ response }) {
    const said = Date.parse(response.headers.get("date") ?? "");
    // The header has whole seconds and is some milliseconds old: small differences are no news.
    if (!Number.isNaN(said)) clockOffset = Math.abs(said - Date.now()) > 5000 ? said - Date.now() : 0;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Waits for an answer and gives its body, or throws ApiError. */
export async function need<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof ApiError || (cause instanceof DOMException && cause.name === "AbortError")) throw cause;
    throw new ApiError(unreachable());
  }
  if (answer.response.ok) return answer.data as T;
  const error = new ApiError(asProblem(answer.error, answer.response));
  if (error.status === 401 && error.code === "unauthenticated") onSignedOut();
  throw error;
}

function asProblem(body: unknown, response: Response): Problem {
  const wait = Number(response.headers.get("retry-after"));
  const later = wait > 0 ? { retry_after_s: wait } : {};
  if (body && typeof body === "object" && "code" in body && "detail" in body) return { ...later, ...(body as Problem) };
  return {
    type: "about:blank",
    title: response.statusText || `Status ${response.status}`,
    status: response.status,
    detail: `The controller, or a proxy before it, answered ${response.status} without saying why. Try again; if it stays so, read the controller's log.`,
    code: response.status === 401 ? "unauthenticated" : "unexpected_answer",
    request_id: response.headers.get("x-request-id") ?? "",
  };
}

/** What went wrong on this side, in the same shape as what the controller says. */
export function ownProblem(code: string, title: string, detail: string): ApiError {
  return new ApiError({ type: "about:blank", title, status: 400, detail, code, request_id: "" });
}

function unreachable(): Problem {
  return {
    type: "about:blank",
    title: "No answer",
    status: 0,
    detail: "The controller could not be reached. Check your connection, and that the controller is running; then try again.",
    code: "unreachable",
    request_id: "",
  };
}

/** One per thing that a person asks for, so that a repeated click or a retry cannot ask twice. */
export function idempotencyKey(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (b) => b.toString(16).padStart(2, "0")).join("");
}
