// Odoo on a real server: the first release, changes, the way back, and the acts on it.
import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { admin } from "./lib/controller.ts";
import { demo, healthy } from "./lib/odoo.ts";
import type { Environment, List, Operation } from "./lib/types.ts";
import { type Enrolled, scenario, worldOfSuite } from "./lib/world.ts";

describe("an environment", () => {
  const world = worldOfSuite();
  world.patienceMs = 600_000; // real servers are at work
  let on: Enrolled;
  let environment: Environment;
  const v1Rows = ["one=new", "two=new", "three=new"];

  before(async () => {
    on = await world.server("shop");
    environment = await world.environment(await world.project("shop"), on.server, "shop", {
      resources: { memory_max_bytes: 1 << 30, cpu_percent: 150, tasks_max: 200, workers: 0 },
    });
  });

  scenario(world, "comes up with its first deployment: Odoo, PostgreSQL and data are on the server alone [S-GEN-01] [S-PRE-01]", async () => {
    const operation = await world.succeeded(await world.deploy(environment), 540_000); // the first builds all, on a machine that may be busy
    assert.equal(operation.steps[0]?.name, "preflight");
    assert.ok(operation.steps.every((step) => step.state === "done" || step.state === "skipped"), JSON.stringify(operation.steps));
    assert.deepEqual(await demo(on.host, environment), { code: "v1", module: "19.0.1.0.0", rows: v1Rows, file: "kept by v1" });

    environment = await world.look(environment);
    assert.equal(environment.status, "running");
    assert.equal(environment.current_release?.number, 1);
    const controllers = await (await world.controller()).data;
    const { run } = await import("./lib/process.ts");
    assert.equal((await run("grep", ["-rlE", "kept by v1|fl_demo\\.txt", controllers], { check: false })).stdout, "");
  });

  scenario(world, "has a first user whose password a file of root's alone has, and the controller has not", async () => {
    const file = `/var/lib/fairlead/environments/${environment.slug}/first-password`;
    assert.equal((await on.host.sh(`stat -c '%a %U' ${file}`)).trim(), "600 root");
    const password = (await on.host.sh(`cat ${file}`)).trim();
    assert.equal(password.length, 20);
    const login = async (as: string): Promise<unknown> => {
      await on.host.write("/tmp/login.json", JSON.stringify({ jsonrpc: "2.0", method: "call", id: 1, params: { service: "common", method: "login", args: [`fl-${environment.slug}`, "admin", as] } }));
      return (JSON.parse(await on.host.sh(`curl -fsS -H 'Content-Type: application/json' --data @/tmp/login.json http://127.0.0.1:${environment.port}/jsonrpc`)) as { result: unknown }).result;
    };
    assert.equal(await login("admin"), false, "Odoo's own password is let in");
    assert.ok(Number(await login(password)) > 0);
    const { data } = await (await world.api()).get<List<Operation>>(`${await world.org()}/operations?environment=${environment.id}`);
    const log = await world.logOf(data.at(-1)!);
    assert.ok(log.includes(file) && !log.includes(password), log);
  });

  scenario(world, "runs as its own Unix user and role, in a unit with limits, with no database password anywhere [S-PRIV-04]", async () => {
    const unit = `fairlead-odoo@${environment.slug}.service`;
    const shown = await on.host.sh(`systemctl show -p User,MainPID,MemoryMax,TasksMax,CPUQuotaPerSecUSec,NoNewPrivileges,ProtectSystem ${unit}`);
    assert.match(shown, /MemoryMax=1073741824/);
    assert.match(shown, /TasksMax=200/);
    assert.match(shown, /CPUQuotaPerSecUSec=1\.50*s/);
    assert.match(shown, /NoNewPrivileges=yes/);
    assert.match(shown, /ProtectSystem=strict/);
    const pid = /MainPID=(\d+)/.exec(shown)?.[1];
    const user = (await on.host.sh(`stat -c %U /proc/${pid}`)).trim();
    assert.match(user, new RegExp(environment.slug));
    const role = await on.host.sh(`runuser -u ${user} -- psql -Atc "SELECT current_user, rolsuper, rolcreatedb, rolpassword IS NULL FROM pg_roles r JOIN pg_authid a USING (oid) WHERE r.rolname = current_user" $(runuser -u postgres -- psql -Atc "SELECT datname FROM pg_database WHERE datdba = '${user}'::regrole LIMIT 1") 2>/dev/null || true`);
    if (role) assert.match(role, new RegExp(`^${user}\\|f\\|f`));
    assert.equal(await on.host.sh("runuser -u postgres -- psql -Atc 'SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL'"), "");
    const configured = await on.host.exec(["grep", "-rhsE", "^ *db_password *=", "/var/lib/fairlead/environments", "/etc/fairlead"], { check: false });
    assert.match(configured.stdout, /^( *db_password *= *(False)?\n)*$/);
  });

  scenario(world, "takes a change without a migration when asked so", async () => {
    await (await world.git()).commit("shop", "fix");
    const operation = await world.succeeded(await world.deploy(environment, { update: "none" }));
    assert.equal(operation.steps.find((step) => step.name === "migrate")?.state, "skipped");
    assert.deepEqual(await demo(on.host, environment), { code: "fix", module: "19.0.1.0.0", rows: v1Rows, file: "kept by v1" });
  });

  scenario(world, "migrates the modules whose content changed, whatever it was", async () => {
    await (await world.git()).commit("shop", "v2");
    const operation = await world.succeeded(await world.deploy(environment));
    assert.ok(operation.steps.some((step) => step.name === "migrate" && step.state === "done"));
    assert.deepEqual(await demo(on.host, environment), {
      code: "v2", module: "19.0.2.0.0", rows: ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"], file: "kept by v2",
    });
    assert.equal((await world.look(environment)).current_release?.number, 3);
    assert.match(await world.logOf(operation), /To be updated: fl_demo\./);
  });

  scenario(world, "goes back to a kept release with the database of that moment, and forward again", async () => {
    const releases = await world.releases(environment);
    const second = releases.find((one) => one.number === 2);
    assert.ok(second?.has_database_snapshot, JSON.stringify(releases));
    await world.succeeded(await world.act(environment, "rollback", { release_id: second.id, database: "snapshot" }));
    assert.deepEqual(await demo(on.host, environment), { code: "fix", module: "19.0.1.0.0", rows: v1Rows, file: "kept by v1" });
    assert.equal((await world.look(environment)).current_release?.number, 2);

    await world.succeeded(await world.deploy(environment));
    assert.equal((await demo(on.host, environment)).code, "v2");
  });

  scenario(world, "goes back to code alone when asked so", async () => {
    const first = (await world.releases(environment)).find((one) => one.number === 2);
    await world.succeeded(await world.act(environment, "rollback", { release_id: first!.id, database: "keep" }));
    const now = await demo(on.host, environment);
    assert.equal(now.code, "fix");
    assert.deepEqual(now.rows, ["one=migrated by v2", "two=migrated by v2", "three=migrated by v2"]);
  });

  scenario(world, "stops, stays stopped over a restart of the server, starts and restarts, and the audit log has each [S-AUD-11] [S-AUD-12] [S-AUD-13]", async () => {
    await world.succeeded(await world.act(environment, "stop"));
    assert.equal(await healthy(on.host, environment), false);
    assert.equal((await world.look(environment)).status, "stopped");
    await on.host.kill();
    await on.host.boot();
    await world.until("the server is back", 90_000, async (api, org) =>
      (await api.get<{ status: string }>(`${org}/servers/${on.server.id}`)).status === "online" ? true : undefined);
    assert.equal(await healthy(on.host, environment), false);

    await world.succeeded(await world.act(environment, "start"));
    assert.equal(await healthy(on.host, environment), true);
    const pid = () => on.host.sh(`systemctl show -P MainPID fairlead-odoo@${environment.slug}`);
    const before = await pid();
    await world.succeeded(await world.act(environment, "restart"));
    assert.equal(await healthy(on.host, environment), true);
    assert.notEqual(await pid(), before);
    const log = await (await world.api()).get<{ data: { action: string; result: string; actor: { label: string } }[] }>(`${await world.org()}/audit?target=${environment.id}&limit=50`);
    for (const act of ["stop", "start", "restart"]) {
      const entry = log.data.find((one) => one.action === `environment.${act}`);
      assert.deepEqual([entry?.result, entry?.actor.label], ["ok", admin.email], act);
    }
  });

  scenario(world, "does one thing at a time", async () => {
    const api = await world.api();
    const first = await world.act(environment, "restart");
    const second = await api.send<{ code: string; operation_id: string }>("POST", `${await world.org()}/environments/${environment.id}/restart`);
    assert.equal(second.status, 409);
    assert.equal(second.body.code, "operation_in_progress");
    assert.equal(second.body.operation_id, first.id);
    await world.succeeded(first);
  });

  scenario(world, "is cancelled at a step's end, and what was done is undone", async () => {
    const was = await demo(on.host, environment);
    const operation = await world.deploy(environment, { update: "all" });
    await world.until("it has begun", 120_000, async (api, org) =>
      (await api.get<Operation>(`${org}/operations/${operation.id}`)).steps.some((step) => step.name === "fetch" && step.state === "done") ? true : undefined);
    await (await world.api()).post(`${await world.org()}/operations/${operation.id}/cancel`);
    assert.equal((await world.finished(operation)).state, "cancelled");
    assert.deepEqual(await demo(on.host, environment), was);
  });

  scenario(world, "is deleted with what belongs to it, and with its data when asked", async () => {
    const api = await world.api();
    const path = `${await world.org()}/environments/${environment.id}?drop_data=true`;
    assert.equal((await api.send("DELETE", path)).status, 428);
    assert.equal((await api.send("DELETE", path, { headers: { "X-Confirm": "another" } })).status, 409);
    const operation = await api.call<Operation>("DELETE", path, { headers: { "X-Confirm": environment.name } });
    await world.until("the environment is gone", 120_000, async (client, org) =>
      (await client.send("GET", `${org}/environments/${environment.id}`)).status === 404 ? true : undefined);
    assert.ok(operation.id);
    const left = await on.host.sh(`
      ls -d /var/lib/fairlead/environments/${environment.slug} 2>/dev/null || true
      getent passwd | grep -- '${environment.slug}' || true
      runuser -u postgres -- psql -Atc 'SELECT datname FROM pg_database' -c 'SELECT rolname FROM pg_roles' | grep -- '${environment.slug}' || true
      systemctl list-units --all --no-legend 'fairlead-odoo@${environment.slug}*'`);
    assert.equal(left, "");
  });
});
