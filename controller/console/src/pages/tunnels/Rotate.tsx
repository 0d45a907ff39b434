import { Modal, Select, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { tell, useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { graces } from "../../lib/graces";
import { graceWords } from "../../lib/tunnelKeys";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

export function Rotate({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="A new tunnel key">
      <Form onDone={onClose} />
    </Modal>
  );
}

function Form({ onDone }: { onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [grace, setGrace] = useState("86400");
  const rotate = useAct({
    run: (_: void, key) => need(api.POST("/api/v1/orgs/{org}/tunnel-keys/rotate", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: { grace_s: Number(grace) } })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.tunnelKeys(org) });
      tell("There is a new key.");
      onDone();
    },
    quiet: true,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        rotate.mutate();
      }}
    >
      <Stack>
        <Select label="The old key counts for" description={graceWords(grace)} data={graces} value={grace} onChange={(value) => value && setGrace(value)} allowDeselect={false} />
        {rotate.error && <ProblemNote error={rotate.error} />}
        <FormEnd act="Make a new key" busy={rotate.isPending} danger={grace === "0"} onCancel={onDone} />
      </Stack>
    </form>
  );
}
