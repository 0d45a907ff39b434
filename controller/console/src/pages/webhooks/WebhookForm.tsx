import { Checkbox, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Webhook, WebhookEvent } from "../../api/types";
import { useAct } from "../../app/act";
import { useOrg } from "../../app/access";
import { bodyOf, draftOf, eventGroups, type WebhookDraft } from "../../lib/webhooks";
import { withItem } from "../../live/reduce";
import { Choice } from "../../ui/Choice";
import { FormEnd } from "../../ui/FormEnd";
import { ProblemNote } from "../../ui/Problem";

interface Props {
  /** Null: a new one. */
  webhook: Webhook | null;
  /** The secret comes with a new one alone. */
  onDone: (saved: Webhook, secret: string | null) => void;
  onCancel: () => void;
}

export function WebhookForm({ webhook, onDone, onCancel }: Props) {
  const org = useOrg();
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(webhook));
  const change = (part: Partial<WebhookDraft>) => setDraft((held) => ({ ...held, ...part }));
  const body = bodyOf(draft);
  const save = useAct({
    run: async (_: void, key): Promise<{ webhook: Webhook; secret: string | null }> =>
      webhook
        ? { webhook: await need(api.PATCH("/api/v1/orgs/{org}/webhooks/{webhook}", { params: { path: { org, webhook: webhook.id } }, body: body! })), secret: null }
        : need(api.POST("/api/v1/orgs/{org}/webhooks", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: body! })),
    done: ({ webhook: saved, secret }) => {
      client.setQueryData<Webhook[]>(keys.webhooks(org), (held) => held && withItem(held, saved, true));
      client.setQueryData<Webhook>(keys.webhook(org, saved.id), (held) => held && saved);
      onDone(saved, secret);
    },
    quiet: true,
  });
  const { error } = save;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (body) save.mutate();
      }}
      autoComplete="off"
    >
      <Stack>
        <TextInput
          label="Address"
          description="Each event is sent there by POST. https, on the public internet."
          placeholder="https://hooks.example.org/fairlead"
          value={draft.url}
          maxLength={2048}
          onChange={(e) => change({ url: e.currentTarget.value })}
          error={error?.field("url")}
          spellCheck={false}
          data-autofocus
        />
        <TextInput label="Description" description="What people here call it; may stay empty" placeholder="Alerts for the team's chat" value={draft.description} maxLength={200} onChange={(e) => change({ description: e.currentTarget.value })} error={error?.field("description")} />
        <Choice
          label="What it is told"
          value={draft.all ? "all" : "chosen"}
          onChange={(value) => change({ all: value === "all" })}
          options={[
            ["all", "All events", "Also those that a later version adds"],
            ["chosen", "Chosen events", "These and no others"],
          ]}
        />
        {!draft.all && <Events chosen={draft.chosen} onChange={(chosen) => change({ chosen })} />}
        {error?.field("events") && <div className="fl-field-error">{error.field("events")}</div>}
        {error && <ProblemNote error={error} />}
        <FormEnd act={webhook ? "Save" : "Add webhook"} busy={save.isPending} disabled={!body} onCancel={onCancel} />
      </Stack>
    </form>
  );
}

function Events({ chosen, onChange }: { chosen: WebhookEvent[]; onChange: (chosen: WebhookEvent[]) => void }) {
  const set = (codes: WebhookEvent[], on: boolean) => onChange(on ? [...new Set([...chosen, ...codes])] : chosen.filter((code) => !codes.includes(code)));
  return (
    <div className="fl-permissions">
      {eventGroups.map(({ title, events }) => {
        const codes = events.map(([code]) => code);
        const all = codes.every((code) => chosen.includes(code));
        return (
          <fieldset key={title}>
            <legend>
              {title}
              {codes.length > 1 && (
                <button type="button" className="fl-plain-button" onClick={() => set(codes, !all)} aria-label={`${all ? "None" : "All"} of ${title}`}>
                  {all ? "none" : "all"}
                </button>
              )}
            </legend>
            {events.map(([code, says]) => (
              <Checkbox key={code} size="xs" label={says} description={<span className="fl-mono">{code}</span>} checked={chosen.includes(code)} onChange={(event) => set([code], event.currentTarget.checked)} />
            ))}
          </fieldset>
        );
      })}
      {!chosen.length && <p className="fl-dim fl-small">Tick at least one.</p>}
    </div>
  );
}
