import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, need } from "../../api/client";
import { keys } from "../../api/keys";
import type { Domain } from "../../api/types";
import { May, useMay, useOrg } from "../../app/access";
import { useAct } from "../../app/act";
import { cureOf } from "../../lib/claims";
import { withItem, withoutItem } from "../../live/reduce";
import { Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Confirm } from "../../ui/Confirm";
import { When } from "../../ui/time";
import { DomainLamp, Since } from "./parts";

/** One domain: how it stands, why, and what proves it. */
export function Claim({ domain }: { domain: Domain }) {
  const open = domain.state !== "verified" || domain.failing_since !== null;
  return (
    <li className="fl-claim">
      <div className="fl-claim-top">
        <div>
          <h3 className="fl-name">
            <Mono>{domain.name}</Mono>
          </h3>
          <DomainLamp domain={domain} />{" "}
          <span className="fl-dim fl-small">
            <Since domain={domain} />
          </span>
        </div>
        <Acts domain={domain} />
      </div>
      <Found domain={domain} />
      {domain.challenge &&
        (open ? (
          <Proof domain={domain} challenge={domain.challenge} />
        ) : (
          <details>
            <summary>What proves it</summary>
            <Proof domain={domain} challenge={domain.challenge} />
          </details>
        ))}
      {domain.state === "failed" && <p className="fl-dim fl-small">The claim is over, and the name is free for others. Claim it again if it is yours: it gets a new proof.</p>}
    </li>
  );
}

/** What the last look found, while it is not the proof. */
function Found({ domain: { last_error: error, checked_at } }: { domain: Domain }) {
  if (!error) return null;
  return (
    <p className="fl-claim-why" role="status">
      {error.message} {cureOf(error.code)}{" "}
      <span className="fl-dim">
        Looked at <When time={checked_at} />.
      </span>
    </p>
  );
}

function Proof({ domain, challenge: { record, file } }: { domain: Domain; challenge: NonNullable<Domain["challenge"]> }) {
  return (
    <div className="fl-claim-proof">
      <p>Add this record to the DNS of {domain.name.replace(/^\*\./, "")}, and leave it there:</p>
      <dl className="fl-entries">
        <Entry name="Type" value={record.type} />
        <Entry name="Name" value={record.name} copies />
        <Entry name="Value" value={record.value} copies />
      </dl>
      {file ? (
        <details>
          <summary>Or put a file on its web server</summary>
          <p>
            Where DNS is out of reach: this address answers with one line, by https, or by http as long as the name has no certificate. It does not serve for a name that leads to this controller, or to a server that answers for it directly: neither gives out such a file.
          </p>
          <dl className="fl-entries">
            <Entry name="Address" value={file.url} copies />
            <Entry name="Text" value={file.text} copies />
          </dl>
        </details>
      ) : (
        <p className="fl-dim fl-small">A name with a star is proved by DNS alone.</p>
      )}
    </div>
  );
}

function Entry({ name, value, copies }: { name: string; value: string; copies?: boolean }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <Mono>{value}</Mono>
        {copies && <CopyButton value={value} label={`Copy ${name.toLowerCase()}`} />}
      </dd>
    </>
  );
}

function Acts({ domain }: { domain: Domain }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const [leaving, setLeaving] = useState(false);
  const keep = (now: Domain) => client.setQueryData<Domain[]>(keys.domains(org), (held) => held && withItem(held, now, true));
  const check = useAct<void, Domain>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/domains/{domain}/check", { params: { path: { org, domain: domain.id }, header: { "Idempotency-Key": key } } })),
    // What was found may have come by its event before this answer: then it stays.
    done: (now) => client.setQueryData<Domain[]>(keys.domains(org), (held) => held?.map((one) => (one.id === now.id && one.checked_at === now.checked_at ? now : one))),
  });
  const again = useAct<void, Domain>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/domains", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: { name: domain.name } })),
    done: keep,
  });
  const remove = useAct({
    run: (_: void) => need(api.DELETE("/api/v1/orgs/{org}/domains/{domain}", { params: { path: { org, domain: domain.id } } })),
    done: () => {
      client.setQueryData<Domain[]>(keys.domains(org), (held) => held && withoutItem(held, domain.id));
      setLeaving(false);
    },
    quiet: true,
  });
  return (
    <div className="fl-row">
      {domain.state !== "failed" && may("domains.check") && (
        <Button size="xs" variant="default" loading={check.isPending || domain.checking} onClick={() => check.mutate()} aria-label={`Look at ${domain.name} now`}>
          Look now
        </Button>
      )}
      {domain.state === "failed" && may("domains.claim") && (
        <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()} aria-label={`Claim ${domain.name} again`}>
          Claim again
        </Button>
      )}
      <May permission="domains.delete">
        <Button size="xs" variant="subtle" color="signal" onClick={() => setLeaving(true)} aria-label={`Give ${domain.name} up`}>
          Give up…
        </Button>
      </May>
      <Confirm opened={leaving} onClose={() => setLeaving(false)} title={`Give ${domain.name} up`} act="Give up" onConfirm={() => remove.mutate()} busy={remove.isPending} error={remove.error}>
        <p>
          {domain.state === "verified"
            ? "Nothing is routed for it from then on, and another organization may claim it. Environments keep the name in their settings."
            : "The claim and its proof end. Claimed again, it gets a new one."}
        </p>
      </Confirm>
    </div>
  );
}
