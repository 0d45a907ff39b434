import { Alert, Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { givenGrantsQuery } from "../../api/connect";
import { securityQuery } from "../../api/org";
import type { ConnectGrant } from "../../api/types";
import { useHref, useMay, useOrg } from "../../app/access";
import { LinkButton, LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";
import { GrantLamp, GrantReach } from "./parts";
import { RevokeGrant } from "./RevokeGrant";

/** What this organization granted to agencies. */
export function Agencies() {
  const org = useOrg();
  const href = useHref();
  const may = useMay();
  const grants = useQuery(givenGrantsQuery(org));
  const off = useQuery({ ...securityQuery(org), enabled: may("security.view") }).data?.connect_as_enabled === false;
  const [ending, setEnding] = useState<ConnectGrant | null>(null);
  return (
    <div className="fl-stack">
      {off && (
        <Alert color="brass" icon={<Icon name="ban" />}>
          Connect-As is switched off: no agency gets in, whatever is granted here. An owner turns it on in the <LinkTo href={href("/settings/security")}>security settings</LinkTo>.
        </Alert>
      )}
      <Panel flush>
        <Loaded query={grants}>
          {(list) =>
            !list.length ? (
              <Empty
                icon="connect"
                title="No agency is let in"
                action={
                  may("connect.grant") && (
                    <LinkButton href={href("/connect/agencies/new")} icon="plus">
                      Let an agency in
                    </LinkButton>
                  )
                }
              >
                Somebody who looks after your Odoo can work here without an account of yours. You say what they may and until when, and see all they do.
              </Empty>
            ) : (
              <Table label="Agencies" head={["Agency", "State", "They may", "Until", "Granted by", { label: "Acts", hidden: true, className: "fl-acts" }]}>
                {list.map((one) => (
                  <Row key={one.id}>
                    <td>
                      <strong>{one.agency.name}</strong>
                      {one.note && <span className="fl-sub">{one.note}</span>}
                    </td>
                    <td data-name="State" className="fl-quiet">
                      <GrantLamp status={one.status} />
                    </td>
                    <td data-name="They may">
                      <GrantReach grant={one} />
                    </td>
                    <td data-name="Until">
                      <When time={one.expires_at} />
                    </td>
                    <td data-name="Granted by">{one.created_by.email}</td>
                    <td className="fl-acts">
                      {one.status === "open" && may("connect.revoke") && (
                        <Button size="compact-xs" variant="default" onClick={() => setEnding(one)} aria-label={`Take back the access of ${one.agency.name}`}>
                          Take back
                        </Button>
                      )}
                    </td>
                  </Row>
                ))}
              </Table>
            )
          }
        </Loaded>
      </Panel>
      <RevokeGrant grant={ending} side="given" onClose={() => setEnding(null)} />
    </div>
  );
}
