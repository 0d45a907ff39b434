import { Button, Modal, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { planQuery } from "../../api/org";
import { sessionQuery } from "../../api/session";
import type { Plan, PlanUse } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useAccess, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { allFeatures, beyond, planTitle, share } from "../../lib/plans";
import { Meter } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";

const limits = ["projects", "environments", "members", "servers"] as const;
const names: Record<(typeof limits)[number], string> = { projects: "Projects", environments: "Environments", members: "Members and open invitations", servers: "Servers" };

const features: Record<(typeof allFeatures)[number], string> = {
  api: "API keys",
  granular_permissions: "Permissions for single members",
  audit_log: "Audit log",
  audit_export: "Export of the audit log",
  custom_roles: "Roles of your own",
  connect_as: "Work in clients' organizations (Connect-As)",
};

export default function PlanTab() {
  const org = useOrg();
  const plan = useQuery(planQuery(org));
  return (
    <Loaded query={plan}>
      {(report) => (
        <div className="fl-stack">
          <Use report={report} />
          <Plans report={report} />
        </div>
      )}
    </Loaded>
  );
}

function Use({ report }: { report: PlanUse }) {
  const mine = report.plans.find((one) => one.plan === report.plan)!;
  return (
    <Panel title={`What is used of ${planTitle(report.plan)}`}>
      <div className="fl-charts">
        {limits.map((what) => (
          <Meter key={what} label={names[what]} value={share(report.use[what], mine.limits[what])} text={mine.limits[what] === null ? `${report.use[what]}, no limit` : `${report.use[what]} of ${mine.limits[what]}`} />
        ))}
      </div>
    </Panel>
  );
}

function Plans({ report }: { report: PlanUse }) {
  const { org } = useAccess();
  const [wanted, setWanted] = useState<Plan | null>(null);
  const yes = (there: boolean) =>
    there ? (
      <>
        <Icon name="check" size={16} />
        <span className="fl-sr">yes</span>
      </>
    ) : (
      <>
        <span className="fl-dim" aria-hidden="true">
          –
        </span>
        <span className="fl-sr">no</span>
      </>
    );
  const most = (limit: number | null) => (limit === null ? "no limit" : limit);
  return (
    <Panel title="Plans" flush>
      <div className="fl-wide" role="region" aria-label="Plans" tabIndex={0}>
        <table className="fl-matrix">
          <thead>
            <tr>
              <th scope="col">
                <span className="fl-sr">What</span>
              </th>
              {report.plans.map(({ plan }) => (
                <th key={plan} scope="col" data-mine={plan === report.plan || undefined}>
                  {planTitle(plan)}
                  {plan === report.plan && <span className="fl-sub">yours</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {limits.map((what) => (
              <tr key={what}>
                <th scope="row">{names[what]}</th>
                {report.plans.map((one) => (
                  <td key={one.plan}>{most(one.limits[what])}</td>
                ))}
              </tr>
            ))}
            {allFeatures.map((feature) => (
              <tr key={feature}>
                <th scope="row">{features[feature]}</th>
                {report.plans.map((one) => (
                  <td key={one.plan}>{yes(one.features.includes(feature))}</td>
                ))}
              </tr>
            ))}
            <tr>
              <th scope="row">Audit entries can be read for</th>
              {report.plans.map((one) => (
                <td key={one.plan}>{one.audit_days ? count(one.audit_days, "day") : yes(false)}</td>
              ))}
            </tr>
            {org.owner && (
              <tr>
                <th scope="row">
                  <span className="fl-sr">Change the plan</span>
                </th>
                {report.plans.map(({ plan }) => (
                  <td key={plan}>
                    {plan !== report.plan && (
                      <Button size="compact-xs" variant="default" onClick={() => setWanted(plan)} aria-label={`Change to ${planTitle(plan)}`}>
                        Change
                      </Button>
                    )}
                  </td>
                ))}
              </tr>
            )}
          </tbody>
        </table>
      </div>
      <Modal opened={wanted !== null} onClose={() => setWanted(null)} title={wanted ? `Change to ${planTitle(wanted)}?` : ""}>
        {wanted && <Change report={report} wanted={wanted} onDone={() => setWanted(null)} />}
      </Modal>
    </Panel>
  );
}

function Change({ report, wanted, onDone }: { report: PlanUse; wanted: Plan; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const change = useAct({
    run: () => need(api.PUT("/api/v1/orgs/{org}/plan", { params: { path: { org } }, body: { plan: wanted } })),
    done: (now) => {
      client.setQueryData(keys.plan(org), now);
      tell(`The plan is ${planTitle(wanted)} now.`);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      onDone();
    },
    quiet: true,
  });
  const to = report.plans.find((one) => one.plan === wanted)!;
  const from = report.plans.find((one) => one.plan === report.plan)!;
  const over = beyond(report.use, to.limits);
  const lost = from.features.filter((feature) => !to.features.includes(feature));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Stack>
        <p>
          {lost.length > 0 || over.length > 0
            ? "Nothing is deleted. What the new plan is without is hidden, and comes back with a larger plan."
            : "It holds at once."}
        </p>
        {lost.length > 0 && (
          <div>
            <strong>No longer there</strong>
            <ul className="fl-problem-fields">
              {lost.map((feature) => (
                <li key={feature}>{features[feature as keyof typeof features] ?? feature}</li>
              ))}
            </ul>
          </div>
        )}
        {over.length > 0 && (
          <div>
            <strong>More than it holds</strong>
            <ul className="fl-problem-fields">
              {over.map((what) => (
                <li key={what}>
                  {names[what]}: {report.use[what]}, and {planTitle(wanted)} holds {to.limits[what]}. They stay and work; no more can be added.
                </li>
              ))}
            </ul>
          </div>
        )}
        {change.error && <ProblemNote error={change.error} />}
        <FormEnd act={`Change to ${planTitle(wanted)}`} busy={change.isPending} onCancel={onDone} />
      </Stack>
    </form>
  );
}
