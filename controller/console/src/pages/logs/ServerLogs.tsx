import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useHref, useOrg } from "../../app/access";
import { serverQuery } from "../../api/servers";
import { useGone } from "../../live/gone";
import { Gone, Page } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { ServerLamp } from "../../ui/status";
import { LogChoice, LogScreen } from "./LogScreen";

type Source = "agent" | "postgresql";

const hints: Record<Source, string> = {
  agent: "What the agent's processes write appears here as it comes.",
  postgresql: "PostgreSQL's log comes into the server's journal from the next deployment on: the agent arranges it then.",
};

/** What a server says that belongs to no environment. */
export default function ServerLogs({ server: id, source }: { server: string; source?: string }) {
  const org = useOrg();
  const href = useHref();
  const [, navigate] = useLocation();
  const server = useQuery(serverQuery(org, id));
  const gone = useGone(id);
  const shown: Source = source === "postgresql" ? "postgresql" : "agent";
  if (gone) return <Gone name={server.data?.name ?? "It"} href={href("/servers")} all="All servers" />;
  return (
    <Loaded query={server}>
      {(one) => (
        <Page title={`Logs of ${one.name}`} back={{ href: href(`/servers/${one.id}`), label: one.name }} lead={<ServerLamp status={one.status} />}>
          <div>
            <LogChoice<Source>
              value={shown}
              onChange={(to) => navigate(href(`/servers/${one.id}/logs/${to}`), { replace: true })}
              data={[
                { value: "agent", label: "Agent" },
                { value: "postgresql", label: "PostgreSQL" },
              ]}
            />
            <LogScreen key={shown} of={{ server: one.id, source: shown }} name={`Log of ${shown === "agent" ? "the agent" : "PostgreSQL"} on ${one.name}`} hint={hints[shown]} />
          </div>
        </Page>
      )}
    </Loaded>
  );
}
