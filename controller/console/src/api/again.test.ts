import assert from "node:assert/strict";
import { test } from "node:test";
import { sendWithNewCookie, sendWithProof } from "./again";

const refusal = () => Response.json({ code: "step_up_required", detail: "Prove it." }, { status: 403 });
const request = (key: string) =>
  new Request("https://fairlead.example/api/v1/keys", { method: "POST", headers: { "Idempotency-Key": key }, body: JSON.stringify({ name: key }) });

/** A controller that wants a proof first, and writes down what it is asked. */
function controller() {
  const seen: string[] = [];
  const state = { proven: false, proofs: 0, seen };
  const send = async (asked: Request) => {
    seen.push(`${asked.headers.get("idempotency-key")} ${await asked.text()}`);
    return state.proven ? Response.json({ id: "key_1" }, { status: 201 }) : refusal();
  };
  return { state, send };
}

test("a request that needs a proof is sent again as it was, once there is one", async () => {
  const { state, send } = controller();
  const answer = await sendWithProof(send, async () => (state.proven = true))(request("k1"));
  assert.equal(answer.status, 201);
  assert.deepEqual(state.seen, ['k1 {"name":"k1"}', 'k1 {"name":"k1"}']);
});

test("without a proof the refusal is the answer, and can be read", async () => {
  const { state, send } = controller();
  const answer = await sendWithProof(send, async () => false)(request("k1"));
  assert.equal(answer.status, 403);
  assert.equal(((await answer.json()) as { code: string }).code, "step_up_required");
  assert.equal(state.seen.length, 1);
});

test("requests that are refused together ask once; the next refusal asks anew", async () => {
  const { state, send } = controller();
  const prove = () => {
    state.proofs++;
    return new Promise<boolean>((done) => setImmediate(() => done((state.proven = true))));
  };
  const go = sendWithProof(send, prove);
  const answers = await Promise.all([go(request("a")), go(request("b"))]);
  assert.deepEqual(answers.map((each) => each.status), [201, 201]);
  assert.equal(state.proofs, 1);
  state.proven = false;
  assert.equal((await go(request("c"))).status, 201);
  assert.equal(state.proofs, 2);
});

test("other refusals pass, also those that are not JSON", async () => {
  const asked = () => assert.fail("nobody is asked");
  const denied = sendWithProof(async () => Response.json({ code: "permission_denied" }, { status: 403 }), asked);
  assert.equal((await denied(request("k"))).status, 403);
  const proxy = sendWithProof(async () => new Response("<h1>Forbidden</h1>", { status: 403 }), asked);
  assert.equal(await (await proxy(request("k"))).text(), "<h1>Forbidden</h1>");
});

/** A controller that answers when it is told to, by the cookie that a request left with. */
function slowly() {
  const state = { cookie: 1, seen: [] as string[], waiting: [] as (() => void)[] };
  const send = (asked: Request) => {
    const had = state.cookie;
    state.seen.push(asked.method);
    return new Promise<Response>((done) => state.waiting.push(() => done(new Response(null, { status: had === state.cookie ? 200 : 401 }))));
  };
  return { state, go: sendWithNewCookie(send), turn: () => new Promise(setImmediate) };
}

const get = () => new Request("https://fairlead.example/api/v1/account");

for (const proofFirst of [true, false]) {
  test(`a request that left with the cookie of before is sent again, once (the new one came ${proofFirst ? "before" : "after"} its refusal)`, async () => {
    const { state, go, turn } = slowly();
    const slow = go(get());
    const proof = go(request("k"));
    const [answerSlow, answerProof] = state.waiting.splice(0);
    if (proofFirst) answerProof!();
    await turn();
    state.cookie = 2; // the browser has it
    answerSlow!();
    await turn();
    if (!proofFirst) {
      assert.equal(state.waiting.length, 0, "it waits for what is under way");
      state.cookie = 1;
      answerProof!(); // answered for the cookie that it came with
      state.cookie = 2;
      await turn();
    }
    state.waiting.shift()!();
    assert.equal((await slow).status, 200);
    assert.equal((await proof).status, 200);
    assert.deepEqual(state.seen, ["GET", "POST", "GET"]);
  });
}

test("a session that was ended elsewhere is over", async () => {
  const { state, go } = slowly();
  const asked = go(get());
  state.cookie = 2;
  state.waiting.shift()!();
  assert.equal((await asked).status, 401);
  assert.deepEqual(state.seen, ["GET"]);
});
