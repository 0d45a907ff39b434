import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, need } from "../../api/client";
import { sessionQuery } from "../../api/session";
import { useAct } from "../../app/act";
import { Page, Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";

/** A page of its own for somebody who has an organization already. */
export default function NewOrg() {
  return (
    <Page title="New organization" lead="For another client, company or team: with its own members, servers, keys and audit log.">
      <Panel>
        <CreateOrg />
      </Panel>
    </Page>
  );
}

/** Makes the person its owner, and opens it. */
export function CreateOrg() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [name, setName] = useState("");
  const create = useAct({
    run: (_: void, key) => need(api.POST("/api/v1/orgs", { params: { header: { "Idempotency-Key": key } }, body: { name: name.trim() } })),
    done: async (org) => {
      await client.fetchQuery({ ...sessionQuery, staleTime: 0 }); // the console knows only what the session names
      navigate(`/o/${org.slug}`);
    },
    quiet: true,
  });
  const { error } = create;
  return (
    <form
      className="fl-form"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate();
      }}
    >
      <TextInput
        label="Name"
        description="You are its owner. You can change the name later."
        placeholder="Acme Consulting"
        maxLength={80}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={error?.field("name")}
        autoFocus
      />
      {error && !error.field("name") && <ProblemNote error={error} />}
      <div className="fl-row">
        <Button type="submit" loading={create.isPending} disabled={!name.trim()}>
          Create organization
        </Button>
      </div>
    </form>
  );
}
