import { Alert, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { tunnelKeysQuery } from "../../api/tunnelKeys";
import type { TunnelKey } from "../../api/types";
import { May, useMay, useOrg } from "../../app/access";
import { counts } from "../../lib/tunnelKeys";
import { Mono } from "../../ui/bits";
import { CopyButton } from "../../ui/Command";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { Revoke } from "./Revoke";
import { Rotate } from "./Rotate";

const states = {
  current: ["good", "Signs"],
  previous: ["busy", "Still counts"],
  ended: ["dim", "Ended"],
  revoked: ["dim", "Revoked"],
} as const;

export default function TunnelKeys() {
  const org = useOrg();
  const may = useMay();
  const list = useQuery(tunnelKeysQuery(org));
  const [rotating, setRotating] = useState(false);
  const [ending, setEnding] = useState<TunnelKey | null>(null);
  const rotate = (
    <May permission="tunnel_keys.rotate">
      <Button size="xs" variant="default" onClick={() => setRotating(true)}>
        New key…
      </Button>
    </May>
  );
  return (
    <div className="fl-stack">
      <p className="fl-dim fl-words">
        Visitors reach environments behind a tunnel over the link of their server. Each such connection is signed with this organization's key, for one server, for a minute, to be used once; servers take no
        other organization's. The private half never leaves the controller, where it is encrypted.
      </p>
      {list.data && list.data.length > 0 && !list.data.some((one) => one.state === "current") && (
        <Alert color="signal" icon={<Icon name="warning" />} title="No key signs">
          The last one was revoked: no address of this organization that goes through a tunnel answers. {may("tunnel_keys.rotate") ? "Make a new key to open them again." : "Ask an admin of this organization to make a new key."}
        </Alert>
      )}
      <Panel title="Tunnel keys" actions={rotate} flush>
        <Loaded query={list}>
          {(all) =>
            !all.length ? (
              <Empty icon="key" title="No tunnel key yet">
                The first one is made when a server of this organization connects.
              </Empty>
            ) : (
              <Table label="Tunnel keys" head={["Key", "State", "Made", "Ends", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {all.map((one) => {
                  const [tone, word] = states[one.state];
                  return (
                    <Row key={one.id}>
                      <td>
                        <span className="fl-recipient">
                          <Mono title={one.public_key}>
                            {one.public_key.slice(0, 18)}…{one.public_key.slice(-4)}
                          </Mono>
                          <CopyButton value={one.public_key} label={`Copy the public key ${one.public_key.slice(-4)}`} />
                        </span>
                      </td>
                      <td data-name="State" className="fl-quiet">
                        <Lamp tone={tone}>{word}</Lamp>
                      </td>
                      <td data-name="Made">
                        <When time={one.created_at} />
                        <span className="fl-sub">{one.created_by ?? "by the controller"}</span>
                      </td>
                      <td data-name="Ends">{one.ends_at ? <When time={one.ends_at} /> : <span className="fl-dim">when it is replaced</span>}</td>
                      <td className="fl-acts">
                        {may("tunnel_keys.revoke") && counts(one) && (
                          <Button size="compact-xs" variant="default" onClick={() => setEnding(one)} aria-label={`Revoke the tunnel key ${one.public_key.slice(-4)}`}>
                            Revoke
                          </Button>
                        )}
                      </td>
                    </Row>
                  );
                })}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <p className="fl-dim fl-words">
        Whoever is root on a server can name the public keys that it takes, in <Mono>/etc/fairlead/policy.yaml</Mono> under <Mono>tunnel_keys</Mono>. Then not even whoever holds the controller can bring in another. After a key
        was replaced, such a server refuses what the new one signs until it is named there too.
      </p>
      <Rotate opened={rotating} onClose={() => setRotating(false)} />
      <Revoke one={ending} onClose={() => setEnding(null)} />
    </div>
  );
}
