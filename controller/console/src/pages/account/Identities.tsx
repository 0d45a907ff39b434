import { Alert, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { identitiesQuery, signInOptionsQuery } from "../../api/account";
import { api, need, proveFirst } from "../../api/client";
import type { Identity } from "../../api/types";
import { useAct } from "../../app/act";
import { useSession } from "../../app/session";
import { problemCode } from "../../lib/next";
import { providerIcon, ssoLink } from "../../lib/providers";
import { Confirm } from "../../ui/Confirm";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { When } from "../../ui/time";
import { useWaysChanged, Way } from "./way";

/** Accounts elsewhere that sign in here. Nothing is shown where there are no providers. */
export function Identities() {
  const problem = problemCode(useSearch());
  const options = useQuery(signInOptionsQuery(problem)).data;
  const identities = useQuery(identitiesQuery);
  const { elevated_until } = useSession();
  const [location] = useLocation();
  const [leaving, setLeaving] = useState<Identity | null>(null);
  const changed = useWaysChanged();
  const remove = useAct({
    run: (id: string) => need(api.DELETE("/api/v1/account/identities/{identity}", { params: { path: { identity: id } } })),
    done: () => {
      setLeaving(null);
      changed();
    },
    quiet: true,
  });
  if (!options?.providers.length && !identities.data?.length) return null;

  const connect = async (slug: string) => {
    if (await proveFirst(elevated_until)) window.location.assign(ssoLink(slug, location));
  };

  return (
    <Panel title="Connected identities" flush>
      {options?.problem && (
        <Alert color="brass" icon={<Icon name="warning" />} title="Not connected" role="alert" m="md">
          {options.problem.message}
        </Alert>
      )}
      <Loaded query={identities} lines={2}>
        {(list) => (
          <ul className="fl-plain">
            {list.map((one) => (
              <Way
                key={one.id}
                icon={providerIcon(options?.providers.find((p) => p.slug === one.provider)?.kind ?? "")}
                title={one.provider_name}
                acts={
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() => {
                      remove.reset();
                      setLeaving(one);
                    }}
                    aria-label={`Disconnect ${one.provider_name}${one.email ? `, ${one.email}` : ""}`}
                  >
                    Disconnect
                  </Button>
                }
              >
                {one.email && <>{one.email}, </>}last used <When time={one.last_used_at} />
              </Way>
            ))}
            {options?.providers
              .filter(({ slug }) => !list.some((one) => one.provider === slug))
              .map(({ slug, name, kind }) => (
                <Way
                  key={slug}
                  icon={providerIcon(kind)}
                  title={name}
                  acts={
                    <Button size="xs" variant="default" onClick={() => void connect(slug)} aria-label={`Connect ${name}`}>
                      Connect
                    </Button>
                  }
                >
                  Not connected
                </Way>
              ))}
          </ul>
        )}
      </Loaded>
      <Confirm opened={leaving !== null} onClose={() => setLeaving(null)} title={`Disconnect ${leaving?.provider_name ?? ""}`} act="Disconnect" onConfirm={() => leaving && remove.mutate(leaving.id)} busy={remove.isPending} error={remove.error}>
        <p>
          {leaving?.email || "That identity"} does not sign you in here any more. You can connect it again.
        </p>
      </Confirm>
    </Panel>
  );
}
