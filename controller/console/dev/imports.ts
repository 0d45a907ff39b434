// The stand-in's imports, and the server that looks at them and brings them in.
import type { Check, Environment, Import, Operation } from "../src/api/types";
import { Refusal } from "./account";
import { ago, blankOperation, id, me, now, publish, state } from "./state";
import { begin, step } from "./work";

type Body = Record<string, any>;
const MiB = 1024 ** 2;
const held: Import[] = [];

const fine = (what: string, title: string, value: string, need: string | null = null): Check => ({ id: what, title, result: "passed", value, need, remedy: null });

function analysis(good: boolean): NonNullable<Import["analysis"]> {
  const names = ["account", "base", "contacts", "crm", "mail", "product", "sale", "sale_management", "stock", "web", "website"];
  return {
    format: "odoo_zip", odoo_version: "19.0", edition: good ? "community" : "enterprise", postgresql_version: "15.8", source_bytes: 812 * MiB, database_bytes: 2140 * MiB, tables: 812, attachments: 18_300, files: 18_214, file_bytes: 640 * MiB, missing_files: good ? 0 : 86,
    modules: [...names.map((name) => ({ name, version: "19.0.1.2", missing: false })), ...(good ? [] : [{ name: "acme_reports", version: "19.0.2.0", missing: true }, { name: "web_enterprise", version: "19.0.1.0", missing: true }])],
    extensions: ["pg_trgm", "unaccent"],
    checks: [
      fine("version", "Version of Odoo", "19.0", "19.0"),
      good ? fine("modules", "Modules", "11 modules, all of them there") : { id: "modules", title: "Modules", result: "failed", value: "missing: acme_reports, web_enterprise", need: null, remedy: "Add the repositories that have them to the project and deploy, or uninstall them where the data come from." },
      fine("postgresql", "Version of PostgreSQL", "15.8", "15.18 or older"),
      fine("extensions", "Extensions of PostgreSQL", "pg_trgm, unaccent"),
      good ? fine("filestore", "Attached files", "18214 files of 640 MiB") : { id: "filestore", title: "Attached files", result: "warning", value: "18214 files of 640 MiB, and 86 that are named are missing", need: null, remedy: "Attachments and pictures whose files are missing will not open. Bring the whole filestore, if there is one." },
      fine("disk", "Disk space", "61 GiB free", "4.1 GiB"),
    ],
    fits: good,
  };
}

function row(env: Environment, part: Partial<Import>): Import {
  return { id: id("imp"), environment_id: env.id, state: "analysing", path: null, url: null, filestore: null, sha256: null, analysis: null, operation_id: id("op"), error: null, finished_at: null, created_at: now(), created_by: { id: me.id, email: me.email }, ...part };
}

function analyse(env: Environment, body: Body): Import {
  const op = blankOperation(env, "import.analyse", [["fetch", body.url ? "Fetch the file" : "Make room for it"], ["look", "Look at database and files"]]);
  const one = row(env, { path: body.path ?? null, url: body.url?.split("?")[0] ?? null, filestore: body.filestore ?? null, sha256: body.sha256 ?? null, operation_id: op.id });
  held.unshift(one);
  begin(op, async () => {
    await step(op, "fetch", body.url ? ["120 of 812 MiB", "512 of 812 MiB", "812 of 812 MiB"] : ["there"], 900, true);
    await step(op, "look", ["410 of 2140 MiB", "1800 of 2140 MiB"], 900, true);
    const source: string = body.path ?? body.url;
    if (/bad/.test(source)) {
      const error = { code: "import_hostile", message: "The archive has an entry \"../../etc/cron.d/x\", which leads out of the folder that it is unpacked in. Nothing of it is used." };
      Object.assign(one, { state: "failed", finished_at: now(), error });
      op.state = "failed";
      op.error = { ...error, step: "look" };
    } else Object.assign(one, { state: "analysed", finished_at: now(), analysis: analysis(!/unfit/.test(source)) });
    publish("import.updated", { id: one.id, environment_id: one.environment_id });
  });
  return one;
}

function run(env: Environment, one: Import, body: Body): Operation {
  const op = blankOperation(env, "import.run", [["check", "Look at the import and the server"], ["load", "Load the data beside the live ones"], ...(body.neutralise ? [["neutralise", "Make the copy harmless"] as [string, string]] : []), ["replace", "Stop Odoo and put the data in place"], ["update", "Update the modules that differ"], ["start", "Start Odoo and wait until it is healthy"]]);
  Object.assign(one, { state: "running", operation_id: op.id });
  publish("import.updated", { id: one.id, environment_id: one.environment_id });
  begin(op, async () => {
    for (const each of op.steps) await step(op, each.name, [each.title], 600, each.name === "load");
    Object.assign(one, { state: "imported", finished_at: now() });
    publish("import.updated", { id: one.id, environment_id: one.environment_id });
  });
  return op;
}

export function fillImports() {
  const stage = state.environments[1]!;
  held.push(
    row(stage, { path: "/srv/imports/acme-2026-11.zip", state: "analysed", analysis: analysis(true), created_at: ago(20), finished_at: ago(18) }),
    row(stage, { url: "https://files.acme.example/exports/acme-old-enterprise.zip", state: "analysed", analysis: analysis(false), created_at: ago(90), finished_at: ago(80) }),
    row(stage, { path: "/srv/imports/page.zip", state: "failed", created_at: ago(200), finished_at: ago(199), error: { code: "import_format_unknown", message: "It is a web page; Odoo's zip, a dump of pg_dump in its custom format or as plain SQL, and that by gzip are taken." } }),
  );
}

/** Undefined: none of these. */
export function answerImports(method: string, parts: string[], body: Body, confirm: string, free: (env: Environment, act: () => Operation) => Operation): [number, unknown] | undefined {
  const [kind, which, part, wanted, act] = parts;
  if (kind !== "environments" || part !== "imports") return undefined;
  const env = state.environments.find((each) => each.id === which)!;
  const one = held.find((each) => each.id === wanted);
  if (wanted && !one) throw new Refusal(404, "not_found", "There is no such import.");
  if (method === "GET") return [200, one ?? { data: held.filter((each) => each.environment_id === which), next_cursor: null }];
  if (method === "DELETE") {
    held.splice(held.indexOf(one!), 1);
    publish("import.deleted", { id: one!.id, environment_id: one!.environment_id });
    return [204, null];
  }
  if (act === "run") {
    if (env.type === "production" && confirm !== env.name) throw new Refusal(428, "confirmation_required", `Type the name of ${env.name} to go on.`);
    return [202, free(env, () => run(env, one!, body))];
  }
  if (body.url && !String(body.url).startsWith("https://")) throw new Refusal(400, "validation_failed", "One field is not right.", { errors: [{ field: "url", message: "must begin with https://: no other scheme is fetched" }] });
  return [202, analyse(env, body)];
}
