import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, need } from "../../api/client";
import { sessionsQuery } from "../../api/session";
import type { SessionEntry } from "../../api/types";
import { useAct } from "../../app/act";
import { device } from "../../lib/device";
import { Mono } from "../../ui/bits";
import { Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

export default function Sessions() {
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useAct({
    run: (id: string) => need(api.DELETE("/api/v1/sessions/{session}", { params: { path: { session: id } } })),
    done: () => void client.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  return (
    <>
      <Panel title="Where you are signed in" flush>
        <Loaded query={sessions} lines={2}>
          {(list) => (
            <Table label="Sessions" head={["Device", "Address", "Signed in by", "Last used", "Since", { label: "Acts", hidden: true, className: "fl-acts" }]}>
              {list.map((one) => (
                <Row key={one.id}>
                  <td>
                    <span title={one.user_agent}>{device(one.user_agent)}</span>
                  </td>
                  <td data-name="Address">
                    <Mono>{one.address}</Mono>
                  </td>
                  <td data-name="Signed in by">{means(one)}</td>
                  <td data-name="Last used">
                    <When time={one.last_used_at} />
                  </td>
                  <td data-name="Since">
                    <When time={one.created_at} />
                  </td>
                  <td className="fl-acts">
                    {one.current ? (
                      <Lamp tone="good">This one</Lamp>
                    ) : (
                      <Button size="compact-xs" variant="default" onClick={() => end.mutate(one.id)} aria-label={`End the session on ${device(one.user_agent)}`}>
                        End
                      </Button>
                    )}
                  </td>
                </Row>
              ))}
            </Table>
          )}
        </Loaded>
      </Panel>
      <p className="fl-dim fl-small">
        One of them is not yours? End it, then change your password: that ends all the others too.
      </p>
    </>
  );
}

function means({ method, issuer, second_factor }: SessionEntry): string {
  const first = { password: "Password", passkey: "Passkey", sso: issuer || "Single sign-on", link: "One-time link" }[method];
  return second_factor && method !== "passkey" ? `${first} and second factor` : first;
}
