import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { orgQuery } from "../../api/org";
import { sessionQuery } from "../../api/session";
import type { Org } from "../../api/types";
import { tell, useAct } from "../../app/act";
import { May, useAccess, useOrg } from "../../app/access";
import { day } from "../../lib/format";
import { roleTitle } from "../../lib/roles";
import { Facts, Mono } from "../../ui/bits";
import { ConfirmName, confirmHeader } from "../../ui/ConfirmName";
import { FormEnd } from "../../ui/FormEnd";
import { Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";

export default function General() {
  const { org, visit } = useAccess();
  const self = useQuery(orgQuery(org.id));
  const guest = visit?.org.id === org.id; // of an agency: what they leave is the session
  return (
    <Loaded query={self}>
      {(one) => (
        <div className="fl-stack">
          <May permission="org.edit">
            <Names org={one} key={`${one.name} ${one.slug}`} />
          </May>
          <Panel title="About">
            <Facts
              items={[
                ["Id", <Mono key="i">{one.id}</Mono>],
                ["Created", day(one.created_at)],
                ["Your role", org.owner ? `${roleTitle(org)}, owner` : roleTitle(org)],
              ]}
            />
          </Panel>
          {!guest && <Leave />}
          {org.owner && <Delete org={one} />}
        </div>
      )}
    </Loaded>
  );
}

function Names({ org }: { org: Org }) {
  const client = useQueryClient();
  const [name, setName] = useState(org.name);
  const [slug, setSlug] = useState(org.slug);
  const save = useAct({
    run: () => need(api.PATCH("/api/v1/orgs/{org}", { params: { path: { org: org.id } }, body: { name: name.trim(), slug: slug.trim() } })),
    done: (now) => {
      client.setQueryData(keys.self(org.id), now);
      tell("The organization's name is saved.");
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey }); // its address follows
    },
    quiet: true,
  });
  const { error } = save;
  const changed = name.trim() !== org.name || slug.trim() !== org.slug;
  return (
    <Panel title="Name" hint="The address is the part of this console's links that names the organization. Old links end with a change.">
      <form
        className="fl-form"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <div className="fl-form-row">
          <TextInput label="Name" maxLength={80} value={name} onChange={(e) => setName(e.currentTarget.value)} error={error?.field("name")} />
          <TextInput label="Address" leftSection="/o/" leftSectionWidth={34} maxLength={40} value={slug} onChange={(e) => setSlug(e.currentTarget.value)} error={error?.field("slug")} spellCheck={false} autoComplete="off" />
        </div>
        {error && !error.field("name") && !error.field("slug") && <ProblemNote error={error} />}
        <div className="fl-row">
          <Button type="submit" loading={save.isPending} disabled={!changed || !name.trim() || !slug.trim()}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function Leave() {
  const { org } = useAccess();
  const client = useQueryClient();
  const [opened, dialog] = useDisclosure(false);
  const leave = useAct({
    run: () => need(api.DELETE("/api/v1/memberships/{org}", { params: { path: { org: org.id } } })),
    done: () => {
      tell(`You have left ${org.name}.`);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    quiet: true,
  });
  return (
    <Panel title="Leave" hint="You lose what you may do here. Your API keys of this organization stop working.">
      <Button variant="default" onClick={dialog.open}>
        Leave {org.name}
      </Button>
      <Modal opened={opened} onClose={dialog.close} title={`Leave ${org.name}?`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            leave.mutate();
          }}
        >
          <Stack>
            <p>Only a new invitation brings you back. What you did stays in the audit log.{org.owner && " The last owner cannot leave: make somebody else an owner first, or delete the organization."}</p>
            {leave.error && <ProblemNote error={leave.error} />}
            <FormEnd act="Leave" busy={leave.isPending} danger onCancel={dialog.close} />
          </Stack>
        </form>
      </Modal>
    </Panel>
  );
}

function Delete({ org }: { org: Org }) {
  const id = useOrg();
  const client = useQueryClient();
  const [opened, dialog] = useDisclosure(false);
  const remove = useAct({
    run: () => need(api.DELETE("/api/v1/orgs/{org}", { params: { path: { org: id }, header: { "X-Confirm": confirmHeader(org.name) } } })),
    done: () => {
      tell(`${org.name} is deleted.`);
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    quiet: true,
  });
  const { environments, servers } = org.counts;
  return (
    <Panel title="Delete" hint="Members, roles, keys and secrets go. Only owners can do it, and nobody can undo it.">
      <div className="fl-stack">
        {(environments > 0 || servers > 0) && (
          <p className="fl-dim">
            There are {environments} environments and {servers} servers. Delete the environments and revoke the servers first: afterwards nobody could reach them.
          </p>
        )}
        <div>
          <Button color="signal" variant="light" onClick={dialog.open}>
            Delete {org.name}
          </Button>
        </div>
      </div>
      <ConfirmName opened={opened} onClose={dialog.close} title={`Delete ${org.name}?`} name={org.name} act="Delete organization" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
        <p>Members, roles, invitations, API keys, tokens and secrets are deleted at once. The audit log is kept, so that it can still be checked.</p>
      </ConfirmName>
    </Panel>
  );
}
