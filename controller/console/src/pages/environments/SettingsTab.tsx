import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { tell, useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Environment } from "../../api/types";
import { Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { Connector } from "./Connector";
import { bodyOf, SettingsPanels, settingsOf, type Settings } from "./fields";

export default function SettingsTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState(environment.name);
  const [settings, setSettings] = useState<Settings>(() => settingsOf(environment));
  const change = (part: Partial<Settings>) => setSettings((held) => ({ ...held, ...part }));
  const save = useAct({
    run: () =>
      need(
        api.PATCH("/api/v1/orgs/{org}/environments/{environment}", {
          params: { path: { org, environment: environment.id } },
          body: { name: name.trim(), ...bodyOf(settings), ...(settings.port === "" ? {} : { port: Number(settings.port) }) },
        }),
      ),
    done: (now) => {
      client.setQueryData(keys.environment(org, now.id), now);
      void client.invalidateQueries({ queryKey: keys.environments(org) });
      setSettings(settingsOf(now));
      tell(now.pending_changes.length ? "Saved. It takes effect with the next deploy." : "Saved.");
    },
    quiet: true,
  });
  return (
    <div className="fl-stack">
      <form
        className="fl-stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Panel title="Name" hint="What people call it; on the server it stays the same.">
          <TextInput aria-label="Name" maw={420} value={name} maxLength={80} onChange={(e) => setName(e.currentTarget.value)} error={save.error?.field("name")} />
        </Panel>
        <SettingsPanels value={settings} onChange={change} error={save.error} />
        {save.error && <ProblemNote error={save.error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={!name.trim()}>
            Save
          </Button>
          <span className="fl-dim fl-small">What changes the running Odoo takes effect with the next deploy.</span>
        </div>
      </form>
      {(settings.exposure === "cloudflared" || environment.connector.token) && <Connector environment={environment} />}
    </div>
  );
}
