// Pushes to a repository deploy Odoo on a real server. The services' own programs are not here: what they send is written by
// lib/pushes.ts in the shapes that GitHub, GitLab, Bitbucket and Gitea document; the commits that they tell of are real.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe } from "node:test";
import { demo } from "./lib/odoo.ts";
import { type Hook, type Provider, type Push, type PushAnswer, type PushDeploy, sendPush, type Sent, setUpPushes } from "./lib/pushes.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("a push to its repository", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled, environment: Environment, hook: Hook, path: string;

  before(async () => {
    on = await world.server("shop");
    environment = await world.environment(await world.project("shop"), on.server, "shop");
    path = `${await world.org()}/environments/${environment.id}`;
    await world.succeeded(await world.deploy(environment), 900_000);
    hook = await setUpPushes(await world.api(), path);
  });

  /** To the addon repository, unless another is named. */
  const push = async (provider: Provider, sent: Partial<Sent> = {}): Promise<PushAnswer & { status: number }> => {
    const answer = await sendPush(await world.api(), hook, provider, { url: (await world.git()).url("shop"), ...sent });
    return { ...answer.body, status: answer.status };
  };
  const pushes = async (): Promise<Push[]> => (await (await world.api()).get<List<Push>>(`${path}/pushes`)).data;
  const settings = async (): Promise<PushDeploy> => (await world.api()).get(`${path}/push-deploy`);

  scenario(world, "deploys it, and the audit log says that the push hook did", async () => {
    const commit = await (await world.git()).commit("shop", "fix");
    const heard = await push("github", { commit });
    assert.deepEqual([heard.status, heard.outcome], [202, "queued"], JSON.stringify(heard));
    const operation = await world.succeeded({ id: heard.operation_id! });
    assert.equal((await demo(on.host, environment)).code, "fix");
    const { origin, note, requested_by } = operation as Operation & { origin: string; note: string; requested_by: unknown };
    assert.deepEqual([origin, requested_by], ["push", null]);
    assert.match(note, new RegExp(`^Push of ${commit.slice(0, 12)} to 19\\.0 of shop by octocat \\(as GitHub says\\)$`));
    const [release] = await world.releases(environment);
    assert.ok(JSON.stringify(release).includes(commit), "the release is made of another commit than the one that was pushed");
    const log = await (await world.api()).get<List<{ action: string; actor: { type: string; label: string } }>>(`${await world.org()}/audit?action=environment.deploy&limit=1`);
    assert.deepEqual([log.data[0]?.actor.type, log.data[0]?.actor.label], ["system", "push hook"]);
    const [listed] = await pushes();
    assert.deepEqual([listed?.provider, listed?.branch, listed?.commit, listed?.outcome, listed?.operation_id], ["github", "19.0", commit, "queued", operation.id]);
  });

  scenario(world, "waits while another is deployed; the newest one alone comes next, also over a restart of the controller", async () => {
    const first = await push("gitlab");
    assert.equal(first.outcome, "queued", JSON.stringify(first));
    const commit = await (await world.git()).commit("shop", "v2");
    assert.equal((await push("bitbucket")).outcome, "waiting");
    assert.equal((await push("gitea", { commit })).outcome, "waiting");
    const controller = await world.controller();
    await controller.stop();
    await controller.start();
    await world.succeeded({ id: first.operation_id! });
    const next = await world.until("the push that waited is deployed", 120_000, async () => (await pushes())[0]!.operation_id ?? undefined);
    await world.succeeded({ id: next });
    assert.equal((await demo(on.host, environment)).code, "v2");
    assert.deepEqual((await pushes()).slice(0, 3).map((one) => [one.provider, one.outcome]), [["gitea", "queued"], ["bitbucket", "replaced"], ["gitlab", "queued"]]);
    assert.equal((await settings()).waiting, null);
    const { data } = await (await world.api()).get<List<Operation>>(`${await world.org()}/operations?kind=environment.deploy&limit=200`);
    assert.equal(data.length, 4, "one by hand, one for each push that was not replaced");
  });

  scenario(world, "does nothing twice, and nothing without the secret", async () => {
    const before = (await pushes()).length;
    for (const provider of ["github", "gitlab", "bitbucket", "gitea"] as const) {
      const refused = await push(provider, { secret: "another secret" });
      assert.deepEqual([refused.status, refused.code], [401, "hook_refused"], provider);
      const nobody = await sendPush(await world.api(), { ...hook, url: hook.url.replace(/.$/, (last) => (last === "a" ? "b" : "a")) }, provider, { url: (await world.git()).url("shop") });
      assert.deepEqual([nobody.status, nobody.body.code, nobody.body.detail], [401, "hook_refused", refused.detail], provider);
      const tag = await push(provider, { ref: "refs/tags/v1", delivery: `${provider}-1` });
      // GitLab has an event of its own for tags, and sends no other for them.
      assert.deepEqual([tag.status, tag.reason], [202, "tag"], provider);
      assert.deepEqual((({ status, outcome }) => [status, outcome])(await push(provider, { ref: "refs/tags/v1", delivery: `${provider}-1` })), [200, "seen_before"], provider);
      assert.equal((await push(provider, { branch: "18.0" })).reason, "other_branch", provider);
      assert.equal((await push(provider, { url: "https://git.example.org/mallory/shop.git" })).reason, "other_repository", provider);
    }
    assert.equal((await push("github", { commit: "0".repeat(40) })).reason, "branch_deleted");
    assert.equal((await pushes()).length, before + 13);
    assert.equal((await settings()).refused.count, 4);
    const large = await (await world.api()).stranger().send<PushAnswer>("POST", new URL(hook.url).pathname, { raw: Buffer.alloc((1 << 20) + 1, 0x20), headers: { "X-GitHub-Event": "push" } });
    assert.deepEqual([large.status, large.body.code], [413, "body_too_large"]);
  });

  scenario(world, "is proved by GitLab's signing token as by its secret token", async () => {
    const signed = await push("gitlab", { signingToken: true, branch: "18.0" });
    assert.deepEqual([signed.status, signed.reason], [202, "other_branch"]);
    const refused = await push("gitlab", { signingToken: true, branch: "18.0", secret: `whsec_${randomBytes(32).toString("base64")}` });
    assert.deepEqual([refused.status, refused.code], [401, "hook_refused"]);
  });

  scenario(world, "leaves a stopped environment as it is, and says so", async () => {
    await world.succeeded(await world.act(environment, "stop"));
    const heard = await push("github");
    assert.deepEqual([heard.status, heard.outcome, heard.reason], [202, "refused", "environment_stopped"]);
    assert.equal((await world.look(environment)).status, "stopped");
  });
});
