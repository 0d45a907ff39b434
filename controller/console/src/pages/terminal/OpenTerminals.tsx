import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMay, useOrg } from "../../app/access";
import { tell, useAct } from "../../app/act";
import { keys } from "../../api/keys";
import { endTerminal, terminalsQuery } from "../../api/terminals";
import type { Server } from "../../api/types";
import { Panel } from "../../ui/Page";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** Who has a shell on this server just now; nothing while nobody has. */
export function OpenTerminals({ server }: { server: Server }) {
  const org = useOrg();
  const may = useMay();
  const client = useQueryClient();
  const { data } = useQuery({ ...terminalsQuery(org, server.id), enabled: may("terminals.view") });
  const end = useAct({
    run: (id: string) => endTerminal(org, server.id, id),
    done: () => {
      void client.invalidateQueries({ queryKey: keys.terminals(org, server.id) });
      tell("The terminal is ended.");
    },
  });
  if (!data?.length) return null;
  return (
    <Panel title="Open terminals" flush>
      <Table label="Open terminals" head={["Unix user", "Opened by", "From", "Since", ""]}>
        {data.map((one) => (
          <Row key={one.id}>
            <td>{one.user}</td>
            <td data-name="Opened by">{one.opened_by.email}</td>
            <td data-name="From">{one.address}</td>
            <td data-name="Since">
              <When time={one.created_at} />
            </td>
            <td>
              {may("terminals.close") && (
                <Button size="compact-sm" variant="default" onClick={() => end.mutate(one.id)} aria-label={`End the terminal of ${one.opened_by.email} as ${one.user}`}>
                  End
                </Button>
              )}
            </td>
          </Row>
        ))}
      </Table>
    </Panel>
  );
}
