/** Asks the person to prove once more that it is them, and tells whether they did. */
export type Prove = () => Promise<boolean>;

/**
 * Sends requests; one that is refused with `step_up_required` is sent again, just as it was (same Idempotency-Key), once the person has proven
 * who they are. When they do not want to, the refusal is the answer. Requests that are refused meanwhile wait for the same proof.
 */
export function sendWithProof(send: (request: Request) => Promise<Response>, prove: Prove): (request: Request) => Promise<Response> {
  let asked: Promise<boolean> | null = null;
  return async (request) => {
    const again = request.clone(); // a body can be read once
    const response = await send(request);
    if (response.status !== 403 || (await codeOf(response)) !== "step_up_required") return response;
    asked ??= prove().finally(() => (asked = null));
    return (await asked) ? send(again) : response;
  };
}

async function codeOf(response: Response): Promise<unknown> {
  try {
    return ((await response.clone().json()) as { code?: unknown } | null)?.code;
  } catch {
    return undefined; // not in our words: a proxy's, perhaps
  }
}

/**
 * Sends requests; one that finds the session over is sent once more when the session got a new cookie meanwhile, as it does with each proof:
 * the request had left with the old one. Only what changes something can bring a new cookie.
 */
export function sendWithNewCookie(send: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
  const underWay = new Set<Promise<Response>>();
  let changes = 0;
  return async (request) => {
    const before = changes;
    const again = request.clone();
    const answer = send(request);
    if (request.method !== "GET") {
      underWay.add(answer);
      void answer.then(({ ok }) => ok && changes++, () => {}).finally(() => underWay.delete(answer));
    }
    const response = await answer;
    if (response.status !== 401) return response;
    await Promise.allSettled(underWay); // their cookie may have come already, and their answer not yet
    return changes !== before ? send(again) : response;
  };
}
