import { Modal, Select, Stack, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "../../api/keys";
import { serversQuery } from "../../api/servers";
import { beginRollout } from "../../api/updates";
import { tell, useAct } from "../../app/act";
import { useGo, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { soakWords, stageName, stageSizes } from "../../lib/updates";
import { FormEnd } from "../../ui/FormEnd";
import { parseLabels } from "../../ui/LabelsInput";
import { ProblemNote } from "../../ui/Problem";

const soaks = [
  { value: "0", label: "No time" },
  { value: "600", label: "10 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "21600", label: "6 hours" },
  { value: "86400", label: "24 hours" },
];

export function Begin({ opened, version, onClose }: { opened: boolean; version: string; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Roll agent ${version} out`}>
      <Form version={version} onDone={onClose} />
    </Modal>
  );
}

/** A stage a line; null when a line names no label. */
function stagesOf(text: string): { labels: Record<string, string> }[] | null {
  const stages = [];
  for (const line of text.split("\n").filter((each) => each.trim())) {
    const labels = parseLabels(line);
    if (!labels || !Object.keys(labels).length) return null;
    stages.push({ labels });
  }
  return stages;
}

function Form({ version, onDone }: { version: string; onDone: () => void }) {
  const org = useOrg();
  const go = useGo();
  const client = useQueryClient();
  const [text, setText] = useState("ring=canary");
  const [soak, setSoak] = useState("600");
  const servers = useQuery(serversQuery(org));
  const stages = stagesOf(text);
  const sizes = stages && servers.data && stageSizes(servers.data, stages);
  const empty = sizes ? stages.find((_, at) => !sizes[at]) : undefined;
  const begin = useAct({
    run: (_: void, key) => beginRollout(org, { version, stages: stages ?? [], soak_s: Number(soak) }, key),
    done: (rollout) => {
      void client.invalidateQueries({ queryKey: keys.rollouts(org) });
      tell(`The roll-out of ${version} has begun.`);
      onDone();
      go(`/agent-updates/${rollout.id}`);
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (stages && !empty) begin.mutate();
      }}
    >
      <Stack>
        <Textarea
          label="Stages before all others"
          description="A line for each, with labels of servers, such as ring=canary. A server is of the first stage whose labels it has; all others come last."
          autosize
          minRows={2}
          maxRows={10}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          error={!stages ? "Write name=value on each line" : empty ? `No server has ${stageName(empty)}. Label one, or leave the line out.` : begin.error?.field("stages")}
          spellCheck={false}
          data-autofocus
        />
        {sizes && (
          <p className="fl-dim fl-words">
            {[...stages, { labels: null }].map((stage, at) => `${stageName(stage)}: ${count(sizes[at]!, "server")}`).join(" · ")}
          </p>
        )}
        <Select label="A stage stays well for" description={soakWords(Number(soak))} data={soaks} value={soak} onChange={(value) => value && setSoak(value)} allowDeselect={false} />
        {begin.error && <ProblemNote error={begin.error} />}
        <FormEnd act="Begin" busy={begin.isPending} disabled={!stages || !!empty} onCancel={onDone} />
      </Stack>
    </form>
  );
}
