import { Alert, Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api, need } from "../../api/client";
import { importsQuery } from "../../api/imports";
import { operationQuery } from "../../api/operations";
import type { Environment, Import } from "../../api/types";
import { useAct } from "../../app/act";
import { useHref, useMay, useOrg } from "../../app/access";
import { bytes, count } from "../../lib/format";
import { CheckList } from "../../ui/Checks";
import { Facts, LinkTo, Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { When } from "../../ui/time";
import { CancelButton, OperationView } from "../operations/OperationView";
import { isBusy, useTaken } from "../environments/taken";
import { RunDialog } from "./RunDialog";
import { SourceForm } from "./SourceForm";

/** Data from an Odoo elsewhere: where they are, what is in them, and how they come in. */
export default function ImportTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const imports = useInfiniteQuery(importsQuery(org, environment.id));
  const list = imports.data?.pages.flatMap((page) => page.data) ?? [];
  if (!environment.current_release) {
    return (
      <Panel>
        <Empty icon="database" title="Deploy it first">
          The data of another Odoo come into an environment that has the same version of Odoo and the modules that they need.
        </Empty>
      </Panel>
    );
  }
  return (
    <div className="fl-stack">
      <SourceForm environment={environment} />
      <Loaded query={imports}>
        {() =>
          list.length ? (
            <>
              {list.map((one) => (
                <One key={one.id} one={one} environment={environment} />
              ))}
            </>
          ) : (
            <Panel>
              <Empty icon="database" title="Nothing was looked at yet">
                In the old Odoo, open the database manager and back up as “zip (includes filestore)”. Say above where that file is.
              </Empty>
            </Panel>
          )
        }
      </Loaded>
      <More of={imports}>Older imports</More>
    </div>
  );
}

const lamps: Record<Import["state"], ["good" | "warn" | "bad" | "idle" | "busy", string]> = {
  analysing: ["busy", "Being looked at"],
  analysed: ["good", "Ready"],
  failed: ["bad", "Not usable"],
  running: ["busy", "Coming in"],
  imported: ["good", "Imported"],
  removing: ["busy", "Being removed"],
};

/** The file's own name: paths and addresses are longer than a title may be. */
function nameOf({ path, url }: Import): string {
  const source = path ?? url ?? "";
  return source.slice(source.lastIndexOf("/") + 1) || source;
}

function One({ one, environment }: { one: Import; environment: Environment }) {
  const [running, setRunning] = useState(false);
  const may = useMay();
  const { analysis } = one;
  const unfit = one.state === "analysed" && analysis && !analysis.fits;
  const [tone, word] = unfit ? (["warn", "Does not fit"] as const) : lamps[one.state];
  const allowed = environment.type !== "production" || may("restores.production");
  return (
    <Panel
      title={
        <span className="fl-row">
          <Lamp tone={tone} pulse={tone === "busy"}>
            {word}
          </Lamp>
          <span className="fl-import-name">{nameOf(one)}</span>
        </span>
      }
      actions={<Acts one={one} environment={environment} run={analysis?.fits && one.state === "analysed" && allowed ? () => setRunning(true) : undefined} />}
    >
      <div className="fl-stack">
        {one.error && (
          <Alert color="signal" icon={<Icon name="warning" />} title={one.state === "failed" ? "Nothing could be made of it" : "The import did not succeed; the environment is as it was"}>
            {one.error.message}
          </Alert>
        )}
        {one.state === "analysed" && !allowed && <p className="fl-dim">To replace the data of production needs the permission restores.production.</p>}
        {(one.state === "analysing" || one.state === "running" || one.state === "removing") && <Watch id={one.operation_id} />}
        {analysis && one.state !== "imported" ? (
          <Analysis analysis={analysis} one={one} environment={environment} />
        ) : (
          <Facts items={[["From", <Source key="s" one={one} />], ["Asked for", <When key="w" time={one.created_at} />]]} />
        )}
      </div>
      {analysis && <RunDialog opened={running} one={one} environment={environment} onClose={() => setRunning(false)} />}
    </Panel>
  );
}

function Source({ one }: { one: Import }) {
  return (
    <span className="fl-import-source">
      <Mono>{one.path ?? one.url ?? ""}</Mono>
    </span>
  );
}

function Acts({ one, environment, run }: { one: Import; environment: Environment; run: (() => void) | undefined }) {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const taken = useTaken();
  const busy = one.state === "analysing" || one.state === "running" || one.state === "removing";
  const operation = useQuery({ ...operationQuery(org, one.operation_id), enabled: busy && may("operations.view") }).data;
  const remove = useAct<void, unknown>({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/imports/{import}", { params: { path: { org, environment: environment.id, import: one.id } } })),
    done: (answer) => {
      if (answer && typeof answer === "object" && "id" in answer) taken(answer as Parameters<typeof taken>[0]);
    },
  });
  return (
    <>
      {operation && <CancelButton operation={operation} />}
      {may("operations.view") && <LinkTo href={href(`/operations/${one.operation_id}`)}>Details</LinkTo>}
      {!busy && (
        <Button size="xs" variant="default" leftSection={<Icon name="trash" size={15} />} loading={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
      )}
      {run && (
        <Button size="xs" disabled={isBusy(environment)} onClick={run}>
          Import…
        </Button>
      )}
    </>
  );
}

function Watch({ id }: { id: string }) {
  const org = useOrg();
  const may = useMay();
  const operation = useQuery({ ...operationQuery(org, id), enabled: may("operations.view") });
  if (!may("operations.view")) return null;
  return <Loaded query={operation}>{(one) => <OperationView operation={one} logAtFirst={false} key={one.id} />}</Loaded>;
}

const formats = { odoo_zip: "Odoo’s zip", custom: "a dump in pg_dump’s own format", sql: "a dump as SQL", sql_gzip: "a dump as SQL, by gzip" } as const;

function Analysis({ analysis, one, environment }: { analysis: NonNullable<Import["analysis"]>; one: Import; environment: Environment }) {
  const bad = analysis.checks.filter((check) => check.result === "failed").length;
  const missing = analysis.modules.filter((module) => module.missing);
  const facts: [string, ReactNode][] = [
    ["From", <Source key="s" one={one} />],
    ["Odoo", `${analysis.odoo_version} ${analysis.edition === "enterprise" ? "Enterprise" : "Community"}`],
    ["What it is", `${formats[analysis.format]}, ${bytes(analysis.source_bytes)}`],
    ["Database", `${count(analysis.tables, "table")}, ${bytes(analysis.database_bytes)} as text, from PostgreSQL ${analysis.postgresql_version}`],
    ["Files", analysis.files ? `${analysis.files.toLocaleString()}, ${bytes(analysis.file_bytes)}` : "none"],
    ["Modules", `${analysis.modules.length}${missing.length ? `, ${missing.length} of them missing here` : ""}`],
  ];
  if (one.filestore) facts.push(["Filestore", <Mono key="f">{one.filestore}</Mono>]);
  if (one.finished_at) facts.push(["Looked at", <When key="w" time={one.finished_at} />]);
  return (
    <>
      {one.state === "analysed" && (
        <p>
          {analysis.fits
            ? `These data fit ${environment.name}.`
            : `These data do not fit ${environment.name}: ${count(bad, "thing")} to put right first. Then look at the source again.`}
        </p>
      )}
      <Facts items={facts} />
      <CheckList checks={analysis.checks} />
      <details>
        <summary>{count(analysis.modules.length, "module")}</summary>
        <ul className="fl-import-modules">
          {[...missing, ...analysis.modules.filter((module) => !module.missing)].map((module) => (
            <li key={module.name}>
              <Mono>{module.name}</Mono> <span className="fl-dim">{module.version}</span>
              {module.missing && <Lamp tone="bad">missing</Lamp>}
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}
