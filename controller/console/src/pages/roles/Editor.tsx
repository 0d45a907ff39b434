import { Button, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { sessionQuery } from "../../api/session";
import type { Role } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { sameCodes } from "../../lib/permissions";
import { roleTitle } from "../../lib/roles";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

/** A role that is being made or changed; `id` null: it is not there yet. */
export interface Draft {
  id: string | null;
  name: string;
  permissions: string[];
}

/** Below the matrix, where it stays in sight: the role's name, and the way out of the change. */
export function Editor({ draft, before, onDraft, onDone }: { draft: Draft; before: Role | undefined; onDraft: (draft: Draft) => void; onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const body = { name: draft.name.trim(), permissions: draft.permissions };
  const save = useAct({
    run: (_: void, key) =>
      draft.id === null
        ? need(api.POST("/api/v1/orgs/{org}/roles", { params: { path: { org }, header: { "Idempotency-Key": key } }, body }))
        : need(api.PATCH("/api/v1/orgs/{org}/roles/{role}", { params: { path: { org, role: draft.id } }, body })),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.roles(org) });
      if (before?.members) void client.invalidateQueries({ queryKey: sessionQuery.queryKey }); // it may be one's own
      tell(draft.id === null ? `The role ${body.name} is there. Give it to members on their page.` : `The role ${body.name} is saved, for everybody who has it.`);
      onDone();
    },
    quiet: true,
  });
  const { error } = save;
  const changed = !before || before.name !== body.name || !sameCodes(before.permissions, draft.permissions);
  return (
    <form
      className="fl-editor"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {error && !error.field("name") && <ProblemNote error={error} />}
      <div className="fl-editor-row">
        <TextInput size="xs" label="Name of the role" maxLength={60} value={draft.name} onChange={(event) => onDraft({ ...draft, name: event.currentTarget.value })} error={error?.field("name")} />
        <span className="fl-dim fl-small">
          {count(draft.permissions.length, "permission")}
          {before ? `, ${before.members ? `${count(before.members, "member")} ${before.members === 1 ? "has" : "have"} it` : "nobody has it"}` : ""}
        </span>
        <div className="fl-row">
          <Button size="xs" variant="default" onClick={onDone}>
            Cancel
          </Button>
          <Button size="xs" type="submit" loading={save.isPending} disabled={!changed || !body.name}>
            {draft.id === null ? "Create role" : "Save role"}
          </Button>
        </div>
      </div>
    </form>
  );
}

/** Name and beginning of a new role; what it may is ticked in the matrix then. */
export function StartRole({ opened, roles, onClose, onStart }: { opened: boolean; roles: Role[]; onClose: () => void; onStart: (draft: Draft) => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="New role">
      <Start roles={roles} onClose={onClose} onStart={onStart} />
    </Modal>
  );
}

function Start({ roles, onClose, onStart }: { roles: Role[]; onClose: () => void; onStart: (draft: Draft) => void }) {
  const may = useMay() as (code: string) => boolean;
  const [name, setName] = useState("");
  const [from, setFrom] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const begun = roles.find((one) => one.id === from)?.permissions ?? [];
        onStart({ id: null, name: name.trim(), permissions: begun.filter(may) });
      }}
    >
      <Stack>
        <TextInput label="Name" placeholder="Deployment engineer" maxLength={60} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select
          label="Begin with"
          description="You tick what it may in the next step"
          data={[{ value: "", label: "Nothing" }, ...roles.filter((one) => one.permissions.length).map((one) => ({ value: one.id, label: `What ${roleTitle({ role: one.id, role_name: one.name })} may` }))]}
          value={from}
          onChange={(value) => setFrom(value ?? "")}
        />
        <FormEnd act="Choose permissions" busy={false} disabled={!name.trim()} onCancel={onClose} />
      </Stack>
    </form>
  );
}
