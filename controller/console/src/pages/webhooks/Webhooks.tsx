import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { Webhook } from "../../api/types";
import { webhooksQuery } from "../../api/webhooks";
import { May, useGo, useHref, useMay, useOrg } from "../../app/access";
import { chosenWords, hostOf, nameOf } from "../../lib/webhooks";
import { Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Once } from "../../ui/Once";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { Going, WebhookLamp } from "./parts";
import { Verify } from "./Verify";
import { WebhookForm } from "./WebhookForm";

/** As the controller lists them; news of one that is new puts it at the end. */
const newestFirst = (list: Webhook[]) => [...list].sort((a, b) => b.created_at.localeCompare(a.created_at));

export default function Webhooks() {
  const org = useOrg();
  const may = useMay();
  const href = useHref();
  const webhooks = useQuery(webhooksQuery(org));
  const [adding, setAdding] = useState(false);
  const add = (
    <May permission="webhooks.create">
      <Button size="xs" variant={webhooks.data?.length ? "default" : "filled"} leftSection={<Icon name="plus" size={15} />} onClick={() => setAdding(true)}>
        Add a webhook
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Programs of yours that are told what happens here: a chat, a monitor, a ticket. Each event is signed by a secret of the webhook's own, and sent again until the receiver has taken it. Nothing of Odoo's
        data is in it.
      </p>
      <Panel title="Webhooks" actions={webhooks.data?.length ? add : null} flush>
        <Loaded query={webhooks}>
          {(list) =>
            !list.length ? (
              <Empty icon="bolt" title="No webhook yet" action={add}>
                {may("webhooks.create")
                  ? "Add the address of a program that takes a POST over https. You get a secret by which it knows that what comes is from here, and can try it out with a test."
                  : "Nobody is told when something happens here. Ask an admin of this organization to add a webhook."}
              </Empty>
            ) : (
              <Table label="Webhooks" head={["Webhook", "State", { label: "Told", className: "fl-gives" }, { label: "Waiting", className: "fl-num" }]}>
                {newestFirst(list).map((one) => (
                  <Row key={one.id} href={href(`/settings/webhooks/${one.id}`)}>
                    <td>
                      <Link href={href(`/settings/webhooks/${one.id}`)} className="fl-name">
                        {nameOf(one)}
                      </Link>
                      <span className="fl-sub fl-clip">
                        <Mono title={one.url}>{one.description ? hostOf(one.url) : one.url}</Mono>
                      </span>
                    </td>
                    <td data-name="State" className="fl-quiet">
                      <WebhookLamp webhook={one} />
                      <span className="fl-sub fl-says">
                        <Going webhook={one} />
                        {one.state === "failing" && one.disabled && <span className="fl-webhook-why">{one.disabled.message}</span>}
                      </span>
                    </td>
                    <td data-name="Told" className="fl-gives">
                      {chosenWords(one.events)}
                    </td>
                    <td data-name="Waiting" className="fl-num">
                      {one.waiting.toLocaleString()}
                    </td>
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <Add opened={adding} onClose={() => setAdding(false)} />
    </div>
  );
}

function Add({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const go = useGo();
  const [made, setMade] = useState<{ id: string; name: string; secret: string } | null>(null);
  const end = () => {
    setMade(null);
    onClose();
  };
  return (
    <Modal opened={opened} onClose={end} size="lg" title={made ? `The secret of ${made.name}` : "Add a webhook"} closeOnClickOutside={!made}>
      {made ? (
        <Once
          label="The secret"
          value={made.secret}
          below={<Verify />}
          done="I have stored it"
          onDone={() => {
            end();
            go(`/settings/webhooks/${made.id}`);
          }}
        >
          Give it to the receiver, which verifies by it that what comes is from here and unchanged. If it is lost, make a new one.
        </Once>
      ) : (
        <WebhookForm webhook={null} onCancel={end} onDone={(saved, secret) => (secret ? setMade({ id: saved.id, name: nameOf(saved), secret }) : end())} />
      )}
    </Modal>
  );
}
