import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { api, need } from "../api/client";
import { forgetVisit, visitQuery } from "../api/connect";
import { clock } from "../lib/format";
import { Icon } from "../ui/Icon";
import { useNow } from "../ui/time";
import { useAccess } from "./access";
import { useAct } from "./act";

/** Above every page while one is in a Connect-As session: for whom, where, until when, and the way out. */
export function Visit() {
  const { org, session, visit } = useAccess();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const now = useNow(visit !== null);
  const over = visit !== null && Date.parse(visit.connect_session.expires_at) <= now;

  useEffect(() => {
    if (over) void client.invalidateQueries({ queryKey: visitQuery.queryKey });
  }, [over, client]);

  const end = useAct({
    run: () => need(api.DELETE("/api/v1/connect", {})),
    done: () => {
      forgetVisit();
      const home = session.orgs.find((one) => one.id === visit?.connect_session.agency.id);
      navigate(home ? `/o/${home.slug}/connect` : "/");
      client.setQueryData(visitQuery.queryKey, null);
    },
  });
  if (!visit || over) return null;
  const { agency, client: there, expires_at } = visit.connect_session;
  const here = org.id === there.id;
  return (
    <div className="fl-visit" role="status" data-here={here || undefined}>
      <Icon name="connect" size={18} />
      <span>
        {here ? (
          <>
            You act in <strong>{there.name}</strong> for <strong>{agency.name}</strong> until {clock(expires_at).slice(0, 5)}. All you do stands in their audit log.
          </>
        ) : (
          <>
            Your session in <strong>{there.name}</strong> is open until {clock(expires_at).slice(0, 5)}.
          </>
        )}
      </span>
      {!here && (
        <Button size="compact-sm" variant="default" onClick={() => navigate(`/o/${there.id}`)}>
          Go there
        </Button>
      )}
      <Button size="compact-sm" color="petrol" onClick={() => end.mutate()} loading={end.isPending}>
        End it
      </Button>
    </div>
  );
}
