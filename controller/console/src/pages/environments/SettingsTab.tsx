import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { tell, useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/queries";
import type { Environment } from "../../api/types";
import { Panel, ProblemNote } from "../../ui/basics";
import { bodyOf, CodeFields, MoreFields, ResourceFields, settingsOf, type Settings } from "./fields";

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
    <Panel>
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <TextInput label="Name" value={name} maxLength={80} onChange={(e) => setName(e.currentTarget.value)} error={save.error?.field("name")} />
        <CodeFields value={settings} onChange={change} error={save.error} />
        <ResourceFields value={settings} onChange={change} error={save.error} />
        <MoreFields value={settings} onChange={change} error={save.error} />
        {save.error && <ProblemNote error={save.error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={!name.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}
