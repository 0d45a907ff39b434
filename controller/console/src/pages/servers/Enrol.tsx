import { Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAct } from "../../app/act";
import { useAccess, useHref, useOrg } from "../../app/access";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import { serversQuery } from "../../api/servers";
import { LinkButton } from "../../ui/bits";
import { Command } from "../../ui/Command";
import { Page, Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Icon } from "../../ui/Icon";
import { LabelsInput, parseLabels } from "../../ui/LabelsInput";
import { Lamp, ServerLamp } from "../../ui/status";

const lifetimes = [
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
];

export default function Enrol() {
  const org = useOrg();
  const href = useHref();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [labels, setLabels] = useState("");
  const [uses, setUses] = useState<number | string>(1);
  const [life, setLife] = useState("3600");

  const create = useAct({
    run: (_: void, key) =>
      need(
        api.POST("/api/v1/orgs/{org}/registration-tokens", {
          params: { path: { org }, header: { "Idempotency-Key": key } },
          body: {
            name: name.trim() || "Enrolled from the console",
            labels: parseLabels(labels) ?? {},
            max_uses: Number(uses) || 1,
            expires_in_s: Number(life),
          },
        }),
      ),
    done: () => void client.invalidateQueries({ queryKey: keys.tokens(org) }),
    quiet: true,
  });
  const made = create.data;

  return (
    <Page title="Enrol a server" back={{ href: href("/servers"), label: "Servers" }} lead="One command on the server, as root: Debian 12 or 13, Ubuntu 22.04 or 24.04.">
      {!made ? (
        <Panel title="A token for it" hint="Good once, for a while, for this organization alone; kept only as a hash.">
          <form
            className="fl-form"
            onSubmit={(event) => {
              event.preventDefault();
              if (parseLabels(labels)) create.mutate();
            }}
          >
            <TextInput
              label="What is it for?"
              description="Names the token in lists and in the audit log"
              placeholder="Acme production"
              maxLength={80}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={create.error?.field("name")}
              data-autofocus
              autoFocus
            />
            <LabelsInput value={labels} onChange={setLabels} error={create.error?.field("labels")} />
            <div className="fl-form-row">
              <NumberInput
                label="For how many servers"
                min={1}
                max={1000}
                value={uses}
                onChange={setUses}
                error={create.error?.field("max_uses")}
                allowDecimal={false}
              />
              <Select label="Good for" data={lifetimes} value={life} onChange={(value) => setLife(value ?? "3600")} />
            </div>
            {create.error && <ProblemNote error={create.error} />}
            <div className="fl-row">
              <Button type="submit" loading={create.isPending}>
                Make the command
              </Button>
            </div>
          </form>
        </Panel>
      ) : (
        <Paste command={made.command} token={made.registration_token.id} expires={made.registration_token.expires_at} uses={made.registration_token.max_uses} />
      )}
    </Page>
  );
}

function Paste(props: { command: string; token: string; expires: string; uses: number }) {
  const org = useOrg();
  const href = useHref();
  const { session } = useAccess();
  // Kept true by the organization's events; asked again now and then in case those are away.
  const servers = useQuery({ ...serversQuery(org), refetchInterval: 10_000 });
  const mine = (servers.data ?? []).filter((server) => server.registration_token_id === props.token);
  const left = props.uses - mine.length;

  return (
    <>
      <Panel title="Paste this on the server">
        <div className="fl-stack">
          <Command value={props.command} label="Command to enrol the server" />
          <p className="fl-dim fl-small">
            The token in it is shown only now. It ends <When time={props.expires} />
            {props.uses > 1 ? ` and enrols up to ${props.uses} servers` : " and enrols one server"}.
            {session.controller.self_signed &&
              " This controller has a certificate of its own, so the command names the certificate that the server must see; nothing else is trusted."}
          </p>
        </div>
      </Panel>
      <Panel title="Waiting for it">
        <div className="fl-stack" aria-live="polite">
          {mine.map((server) => (
            <div key={server.id} className="fl-waiting" data-done={server.status === "online" || undefined}>
              <Icon name="server" size={20} />
              <div style={{ flex: 1, minWidth: 0 }}>
                <strong>{server.name}</strong>
                <span className="fl-sub">
                  {[server.facts.os?.pretty, server.facts.arch].filter(Boolean).join(" · ") || "Certificate handed out"}
                </span>
              </div>
              <ServerLamp status={server.status} />
              <LinkButton href={href(`/servers/${server.id}`)} size="xs" variant="default">
                Open
              </LinkButton>
            </div>
          ))}
          {left > 0 && (
            <div className="fl-waiting">
              <Lamp tone="busy" pulse>
                {mine.length ? "Waiting for the next server…" : "Waiting for the server to come online…"}
              </Lamp>
            </div>
          )}
          {mine.some((server) => server.status === "online") && (
            <div className="fl-row">
              <LinkButton href={href("/environments/new")} icon="plus">
                Create an environment on it
              </LinkButton>
              <LinkButton href={href("/servers")} variant="default">
                All servers
              </LinkButton>
            </div>
          )}
          {!mine.length && (
            <details className="fl-small fl-dim">
              <summary>Nothing happens?</summary>
              <ul>
                <li>The script says what is wrong in its last line: read it first.</li>
                <li>
                  The server must reach <code>{session.controller.name}</code> over HTTPS. Try <code>curl -I</code> from it.
                </li>
                <li>Its clock must be right within five minutes.</li>
                <li>
                  Once installed, <code>fairlead-agent status</code> and <code>journalctl -u fairlead-link</code> tell more.
                </li>
              </ul>
            </details>
          )}
        </div>
      </Panel>
    </>
  );
}
