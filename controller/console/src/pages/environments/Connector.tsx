import { Button, PasswordInput, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { tell, useAct } from "../../app/act";
import { May, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Environment } from "../../api/types";
import { Facts, Mono } from "../../ui/bits";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { connectorStates } from "./Exposure";

/** The token that Cloudflare's connector opens its tunnel with: it can be set and replaced, and is never shown. */
export function Connector({ environment }: { environment: Environment }) {
  const org = useOrg();
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const { state, token: held } = environment.connector;
  const path = { path: { org, environment: environment.id } };
  const changed = () => void client.invalidateQueries({ queryKey: keys.environment(org, environment.id), exact: true });
  const save = useAct({
    run: () => need(api.PUT("/api/v1/orgs/{org}/environments/{environment}/connector-token", { params: path, body: { token: token.trim() } })),
    done: () => {
      setToken("");
      tell("Saved. It takes effect with the next deploy.");
      changed();
    },
    quiet: true,
  });
  const forget = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}/environments/{environment}/connector-token", { params: path })),
    done: changed,
  });
  return (
    <Panel title="Connector token" hint="What cloudflared on the server opens the tunnel with. Stored sealed; it can be replaced, never read again.">
      <Stack>
        <Facts
          items={[
            ["Token", held ? <span key="t">set <When time={held.set_at} /> by {held.set_by.email}</span> : "not set"],
            ["Tunnel", held && <Mono key="i">{held.tunnel_id}</Mono>],
            ["Connector", connectorStates[state]],
          ]}
        />
        <May permission="environments.edit">
          <form
            className="fl-form"
            onSubmit={(event) => {
              event.preventDefault();
              if (token.trim()) save.mutate();
            }}
          >
            <PasswordInput
              label={held ? "Another token" : "Token"}
              description="In Cloudflare's dashboard, open the tunnel: the text behind --token in the command that it shows. It begins with eyJ"
              value={token}
              maxLength={4096}
              onChange={(e) => setToken(e.currentTarget.value)}
              error={save.error?.field("token")}
              autoComplete="off"
              spellCheck={false}
            />
            {save.error && !save.error.field("token") && <ProblemNote error={save.error} />}
            <div className="fl-row">
              <Button type="submit" loading={save.isPending} disabled={!token.trim()}>
                {held ? "Replace the token" : "Set the token"}
              </Button>
              {held && (
                <Button variant="default" loading={forget.isPending} onClick={() => forget.mutate()}>
                  Forget it
                </Button>
              )}
            </div>
          </form>
        </May>
      </Stack>
    </Panel>
  );
}
