import { Alert, Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import type { PushDeploy } from "../../api/types";
import { useAccess } from "../../app/access";
import { type Provider, providerOf, providers } from "../../lib/pushes";
import { Secret } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Panel } from "../../ui/Page";

/** What to enter at the provider, while the secret can be shown; without it the address and where things are. */
export function Enter({ now, secret, onDone }: { now: PushDeploy; secret: string | null; onDone: () => void }) {
  return (
    <Panel title="Enter these at the repository">
      <div className="fl-stack">
        <Instructions now={now} secret={secret} />
        {secret && (
          <Alert color="brass" icon={<Icon name="warning" />}>
            The secret is shown only now. Every repository that counts gets the same address and the same secret. If it is lost, make a new one.
          </Alert>
        )}
        <div className="fl-form-end">
          <Button onClick={onDone}>{secret ? "I have entered them" : "Close"}</Button>
        </div>
      </div>
    </Panel>
  );
}

const order = ["github", "gitlab", "bitbucket", "gitea"] as const satisfies Provider[];

export function Instructions({ now, secret }: { now: PushDeploy; secret: string | null }) {
  const { session } = useAccess();
  const counting = now.sources.filter((one) => one.counts);
  const [provider, setProvider] = useState<Provider>(() => providerOf((counting.find(({ name }) => name !== "odoo") ?? counting[0])?.url ?? ""));
  const { title, where, fields, proof } = providers[provider];
  return (
    <>
      <SegmentedControl
        className="fl-providers"
        size="xs"
        value={provider}
        onChange={(value) => setProvider(value as Provider)}
        data={order.map((value) => ({ value, label: value === "gitea" ? "Gitea, Forgejo" : providers[value].title }))}
        aria-label="Provider"
      />
      <p>{where}</p>
      <dl className="fl-entries" aria-label={`What to enter at ${title}`}>
        {fields.map(([name, value]) => (
          <Field key={name} name={name} value={value} url={now.url ?? ""} secret={secret} />
        ))}
      </dl>
      <p className="fl-dim">{proof}</p>
      <p className="fl-dim">
        {counting.length > 1 ? "Do so at each of these repositories" : "The repository"}: {counting.map(({ name, branch }) => `${name}, branch ${branch}`).join("; ")}. One that is not yours, such as Odoo's own, can be left out.
      </p>
      {session.controller.self_signed && (
        <Alert color="brass" icon={<Icon name="warning" />}>
          This controller has a certificate of its own, which providers do not know: they will not send to it. Give it one of a public authority, or switch the check of the certificate off at a provider inside your network.
        </Alert>
      )}
    </>
  );
}

function Field({ name, value, url, secret }: { name: string; value: (typeof providers)[Provider]["fields"][number][1]; url: string; secret: string | null }) {
  if (typeof value === "string") {
    return (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    );
  }
  return (
    <>
      <dt>{name}</dt>
      <dd>{value.gives === "url" ? <Secret label="The address" value={url} /> : secret ? <Secret label="The secret" value={secret} /> : "the one that was shown when it was made"}</dd>
    </>
  );
}
