import { Button, Modal, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { customHostnamesQuery } from "../../api/certificates";
import { api, need } from "../../api/client";
import { domainsQuery } from "../../api/domains";
import { keys } from "../../api/keys";
import type { Domain } from "../../api/types";
import { May, useMay, useOrg } from "../../app/access";
import { useAct } from "../../app/act";
import { byName, standingThere } from "../../lib/certificates";
import { inOrder } from "../../lib/claims";
import { withItem } from "../../live/reduce";
import { Mono } from "../../ui/bits";
import { FormEnd } from "../../ui/FormEnd";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { Claim } from "./Claim";

export default function Domains() {
  const org = useOrg();
  const may = useMay();
  const domains = useQuery(domainsQuery(org));
  const [claiming, setClaiming] = useState(false);
  const claim = (
    <May permission="domains.claim">
      <Button size="xs" variant={domains.data?.length ? "default" : "filled"} leftSection={<Icon name="plus" size={15} />} onClick={() => setClaiming(true)}>
        Claim a domain
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Host names that lead to environments of this organization. Each is proved to be yours before anything is routed for it, and looked at again every day. Whoever proves a name first has it, with all that is
        above and below it; a claim alone keeps nobody out.
      </p>
      <Panel title="Domains" actions={domains.data?.length ? claim : null} flush>
        <Loaded query={domains}>
          {(list) =>
            list.length ? (
              <ul className="fl-claims" aria-label="Domains">
                {inOrder(list).map((one) => (
                  <Claim key={one.id} domain={one} />
                ))}
              </ul>
            ) : (
              <Empty icon="link" title="No domain yet" action={claim}>
                {may("domains.claim")
                  ? "Claim the name that your users will open, such as shop.example.com. You get a DNS record to add, or a file to put on its web server; either proves that it is yours."
                  : "Nothing is routed by name here. Ask an admin of this organization to claim a domain."}
              </Empty>
            )
          }
        </Loaded>
      </Panel>
      {may("certificates.view") && <Records />}
      <Modal opened={claiming} onClose={() => setClaiming(false)} title="Claim a domain">
        <ClaimForm onDone={() => setClaiming(false)} />
      </Modal>
    </div>
  );
}

/** Where Cloudflare stands before the edge, names lead there. */
function Records() {
  const hostnames = useQuery(customHostnamesQuery(useOrg()));
  const led = byName(hostnames.data ?? []).filter((one) => one.cname_target);
  if (!led.length) return null;
  return (
    <Panel title="DNS records to set" flush>
      <Table label="DNS records to set" head={["Name", "Type", "Value", "State"]}>
        {led.map((one) => {
          const [tone, word] = standingThere(one);
          return (
            <Row key={one.id}>
              <td>
                <Mono>{one.name}</Mono>
              </td>
              <td data-name="Type">CNAME</td>
              <td data-name="Value">
                <Mono>{one.cname_target}</Mono>
              </td>
              <td data-name="State" className="fl-quiet">
                <Lamp tone={tone}>{word}</Lamp>
                <span className="fl-sub">by {one.served_by}</span>
              </td>
            </Row>
          );
        })}
      </Table>
    </Panel>
  );
}

function ClaimForm({ onDone }: { onDone: () => void }) {
  const org = useOrg();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const claim = useAct<void, Domain>({
    run: (_, key) => need(api.POST("/api/v1/orgs/{org}/domains", { params: { path: { org }, header: { "Idempotency-Key": key } }, body: { name: name.trim() } })),
    done: (made) => {
      client.setQueryData<Domain[]>(keys.domains(org), (held) => held && withItem(held, made, true));
      onDone();
    },
    quiet: true,
  });
  const { error } = claim;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) claim.mutate();
      }}
      autoComplete="off"
    >
      <Stack>
        <TextInput
          label="Name"
          description="A host name, or *. and a name for everything below it"
          placeholder="shop.example.com"
          value={name}
          maxLength={1024}
          onChange={(event) => setName(event.currentTarget.value)}
          error={error?.field("name")}
          spellCheck={false}
          autoCapitalize="none"
          data-autofocus
        />
        {error && <ProblemNote error={error} />}
        <FormEnd act="Claim" busy={claim.isPending} disabled={!name.trim()} onCancel={onDone} />
      </Stack>
    </form>
  );
}
