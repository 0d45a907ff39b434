import { Button, Select, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { operationQuery } from "../../api/operations";
import { serversQuery } from "../../api/servers";
import type { Operation, Storage } from "../../api/types";
import { useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { isFinal } from "../../live/reduce";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { useTaken } from "../environments/taken";
import { OperationView } from "../operations/OperationView";

/** A storage being tried out from a server: the last test that was asked for, live, and another one. */
export function StorageTest({ storage, onClose }: { storage: Storage; onClose: () => void }) {
  const org = useOrg();
  const may = useMay();
  const taken = useTaken();
  const servers = (useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data ?? []).filter((one) => one.status !== "revoked");
  const [asked, setAsked] = useState(storage.test_operation_id);
  const [chosen, setChosen] = useState<string | null>(null);
  const server = chosen ?? storage.tested_on ?? servers.find((one) => one.status === "online")?.id ?? servers[0]?.id ?? null;
  const operation = useQuery({ ...operationQuery(org, asked ?? ""), enabled: asked !== null && may("operations.view") });
  const test = useAct<void, Operation>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/storages/{storage}/test", { params: { path: { org, storage: storage.id }, header: { "Idempotency-Key": key } }, body: { server_id: server! } })),
    done: (made) => {
      taken(made);
      setAsked(made.id);
    },
    quiet: true,
  });
  const busy = operation.data != null && !isFinal(operation.data.state);
  return (
    <Stack>
      {asked && may("operations.view") ? <Loaded query={operation}>{(one) => <OperationView key={one.id} operation={one} logAtFirst={false} />}</Loaded> : asked ? <p className="fl-dim">The test was asked for. Its result will stand in the list.</p> : <p className="fl-dim">It was not tested yet. The server writes, reads and removes a small object in the bucket, and nothing else.</p>}
      {test.error && <ProblemNote error={test.error} />}
      {may("storages.test") && (
        <form
          className="fl-form-foot"
          onSubmit={(event) => {
            event.preventDefault();
            test.mutate();
          }}
        >
          <Select label="Server" data={servers.map(({ id, name, status }) => ({ value: id, label: status === "online" ? name : `${name} (not connected)` }))} value={server} onChange={setChosen} allowDeselect={false} disabled={busy} />
          <Button type="submit" variant={asked ? "default" : "filled"} loading={test.isPending} disabled={busy || !server}>
            {asked ? "Test again" : "Test"}
          </Button>
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </form>
      )}
    </Stack>
  );
}
