// What the controller stores is published (controller/INVENTORY.md), and a running one stores that and nothing else.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { tunnelToken } from "./lib/cloudflared.ts";
import { fillOrg } from "./lib/fill.ts";
import { root } from "./lib/paths.ts";
import { join as joinOrg, ownOrg, withKey } from "./lib/people.ts";
import { run } from "./lib/process.ts";
import type { List } from "./lib/types.ts";
import { poll } from "./lib/wait.ts";
import { fillWhole, deafAcme } from "./lib/whole.ts";
import { scenario, worldOfSuite } from "./lib/world.ts";

interface Published {
  table: string;
  kind: string;
  columns: string[];
}

describe("the published inventory", () => {
  const world = worldOfSuite(`${deafAcme}\nplan_of_new_organizations: agency\n`);
  const page = readFileSync(join(root, "controller/INVENTORY.md"), "utf8");
  const published: Published[] = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| .* \| ([\w, ]+) \|$/gm)].map(([, table, kind, columns]) => ({ table: table!, kind: kind!, columns: columns!.split(", ") }));
  const kinds = [...page.matchAll(/^\| (\w+) \| [a-z].* \|$/gm)].map(([, kind]) => kind!);

  async function query<T>(sql: string): Promise<T[]> {
    const text = (await run("sqlite3", ["-readonly", "-json", join((await world.controller()).data, "fairlead.db"), sql])).stdout;
    return text.trim() ? (JSON.parse(text) as T[]) : [];
  }

  scenario(world, "names every table and column that there is, and what is secret is sealed or hashed as it says [S-PRIV-08]", async () => {
    const api = await world.api();
    const org = await world.org();
    const ids = await fillOrg(api, org);
    await api.call("PUT", `${org}/environments/${ids.environment}/variables/SECRET`, { body: { value: "not to be read", secret: true } });
    await api.call("PUT", `${org}/environments/${ids.environment}/connector-token`, { body: { token: tunnelToken() } });
    await withKey(api, org, "rw", ["org.view"]);
    const bob = await joinOrg(api, org, "bob@example.org", "viewer");
    await bob.api.post("/api/v1/account/totp");
    await api.stranger().call("POST", "/api/v1/password/forgot", { body: { email: bob.email } });

    assert.ok(published.length > 40 && kinds.length >= 6, "the page cannot be read");
    assert.deepEqual([...new Set(published.map((one) => one.kind))].filter((kind) => !kinds.includes(kind)), [], "kinds that the page does not explain");
    const columns = await query<{ table: string; column: string }>(
      "SELECT m.name AS \"table\", c.name AS \"column\" FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid");
    const real = new Map<string, string[]>();
    for (const { table, column } of columns) real.set(table, [...(real.get(table) ?? []), column]);
    const sorted = (map: Map<string, string[]>): [string, string[]][] => [...map].map(([table, names]): [string, string[]] => [table, [...names].sort()]).sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(real), sorted(new Map(published.map((one) => [one.table, one.columns]))));

    // Version 1 of a sealed value, and the id of a key that is in the keystore; hashes are 64 hexadecimal digits.
    const keyIds = readFileSync(join((await world.controller()).data, "master.key"), "utf8").trim().split("\n").map((line) => line.split(" ")[0]!.toUpperCase());
    let sealedOnes = 0, hashed = 0;
    for (const { table, columns: names } of published) {
      for (const name of names.filter((one) => one.startsWith("sealed") || (table === "idempotency" && one === "answer"))) {
        for (const { value } of await query<{ value: string }>(`SELECT hex(${name}) AS value FROM ${table} WHERE ${name} IS NOT NULL`)) {
          assert.ok(keyIds.some((id) => value.startsWith(`01${id}`)), `${table}.${name}: ${value.slice(0, 40)}`);
          sealedOnes += 1;
        }
      }
      for (const name of names.filter((one) => one === "token_hash" || one === "code_hash" || one === "state_hash")) {
        for (const { value } of await query<{ value: string }>(`SELECT ${name} AS value FROM ${table}`)) {
          assert.match(value, /^[0-9a-f]{64}$/, `${table}.${name}`);
          hashed += 1;
        }
      }
    }
    assert.ok(sealedOnes >= 8 && hashed >= 5, `${sealedOnes} sealed values, ${hashed} hashes`);
    const secretTables = published.filter((one) => one.kind === "sealed" || one.kind === "hash");
    const without = secretTables.filter((one) => !one.columns.some((name) => /^sealed|_hash$|^answer$/.test(name))).map((one) => one.table);
    assert.deepEqual(without, [], "called secret, with no column that is");

    // Nor is there anything beside it that the page does not name.
    const files = readdirSync((await world.controller()).data).filter((name) => !/^(fairlead\.db(-wal|-shm|\.before-.*)?|master\.key|lock|controller\.yaml)$/.test(name));
    assert.deepEqual(files, []);
  });

  scenario(world, "says what is left of an organization that was deleted: nothing secret, and nothing that can be reached", async () => {
    const owner = await world.api();
    const [ada, agent] = [await joinOrg(owner, await world.org(), "ada@example.org", "viewer"), await joinOrg(owner, await world.org(), "agent@example.org", "viewer")];
    const org = await ownOrg(ada.api, "Gone");
    const id = org.split("/").at(-1)!;
    const whole = await fillWhole(await world.controller(), ada.api, org, "gone", { api: agent.api, org: await ownOrg(agent.api, "Agency") });
    await withKey(ada.api, org, "rw", ["org.view"]);
    const held = async (): Promise<Map<string, number>> => {
      const all = new Map<string, number>();
      for (const { table } of published.filter((one) => one.columns.includes("org_id"))) {
        const [{ rows }] = (await query<{ rows: number }>(`SELECT count(*) AS rows FROM ${table} WHERE org_id = '${id}'`)) as [{ rows: number }];
        if (rows > 0) all.set(table, rows);
      }
      return all;
    };
    const before = await held();
    for (const one of (await ada.api.get<List<{ id: string; name: string }>>(`${org}/environments`)).data) {
      const gone = await ada.api.send<{ id: string }>("DELETE", `${org}/environments/${one.id}?drop_data=true&skip_backup=true`, { headers: { "X-Confirm": one.name } });
      assert.ok(gone.status < 300, gone.text);
    }
    await poll("the environments are gone", 60_000, async () => (await ada.api.get<List<unknown>>(`${org}/environments`)).data.length === 0 || undefined);
    for (const one of (await ada.api.get<List<{ id: string; name: string }>>(`${org}/servers`)).data) {
      await ada.api.post(`${org}/servers/${one.id}/revoke`, {}, { "X-Confirm": one.name });
    }
    whole.agent.close();
    await ada.api.call("DELETE", org, { headers: { "X-Confirm": "Gone" } });

    const stays = [...page.slice(page.indexOf("## Of an organization that was deleted")).matchAll(/`(\w+)`/g)].map(([, table]) => table!);
    assert.deepEqual(stays.filter((one) => !published.some(({ table }) => table === one)), [], "tables that there are not");
    assert.ok(before.size > 35, `only ${[...before.keys()].join(" ")} were filled`);
    assert.deepEqual([...(await held()).keys()].filter((one) => !stays.includes(one)), []);
  }, 600_000);
});
