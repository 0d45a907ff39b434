import { Button, PasswordInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { tell, useAct } from "../../app/act";
import { useAccess } from "../../app/access";
import { api, need } from "../../api/client";
import { sessionsQuery } from "../../api/session";
import { device } from "../../lib/device";
import { Mono } from "../../ui/bits";
import { Page, Panel } from "../../ui/Page";
import { Loaded, ProblemNote } from "../../ui/Problem";
import { When } from "../../ui/time";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";

export default function Account() {
  const { session } = useAccess();
  return (
    <Page title="Account" lead={session.user.email}>
      <Sessions />
      <Password />
    </Page>
  );
}

function Sessions() {
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useAct({
    run: (id: string) => need(api.DELETE("/api/v1/sessions/{session}", { params: { path: { session: id } } })),
    done: () => void client.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
  });
  return (
    <Panel title="Where you are signed in" flush>
      <Loaded query={sessions} lines={2}>
        {(list) => (
          <Table label="Sessions" head={["Device", "Address", "Last used", "Signed in", { label: "Acts", hidden: true, className: "fl-acts" }]}>
            {list.map((one) => (
              <Row key={one.id}>
                <td>
                  <span title={one.user_agent}>{device(one.user_agent)}</span>
                </td>
                <td data-name="Address">
                  <Mono>{one.address}</Mono>
                </td>
                <td data-name="Last used">
                  <When time={one.last_used_at} />
                </td>
                <td data-name="Signed in">
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
  );
}

function Password() {
  const { session } = useAccess();
  const client = useQueryClient();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const change = useAct({
    run: (_: void, key) =>
      need(api.POST("/api/v1/password", { params: { header: { "Idempotency-Key": key } }, body: { current, new: fresh } })),
    done: () => {
      setCurrent("");
      setFresh("");
      setAgain("");
      tell("Your password is changed. All other sessions of yours have ended.");
      void client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    },
    quiet: true,
  });
  const { error } = change;
  const differs = again && again !== fresh ? "Not the same as above" : undefined;
  const named = error?.field("current") || error?.field("new");
  return (
    <Panel title="Password" hint="Changing it ends all your other sessions.">
      <form
        className="fl-form"
        style={{ maxWidth: 380 }}
        onSubmit={(event) => {
          event.preventDefault();
          if (fresh && fresh === again) change.mutate();
        }}
      >
        <input type="hidden" autoComplete="username" value={session.user.email} readOnly />
        <PasswordInput label="Present password" autoComplete="current-password" value={current} onChange={(e) => setCurrent(e.currentTarget.value)} error={error?.field("current")} />
        <PasswordInput label="New password" description="At least 12 characters" autoComplete="new-password" value={fresh} onChange={(e) => setFresh(e.currentTarget.value)} error={error?.field("new")} />
        <PasswordInput label="New password again" autoComplete="new-password" value={again} onChange={(e) => setAgain(e.currentTarget.value)} error={differs} />
        {error && !named && <ProblemNote error={error} />}
        <div className="fl-row">
          <Button type="submit" loading={change.isPending} disabled={!current || fresh.length < 12 || fresh !== again}>
            Change password
          </Button>
        </div>
      </form>
    </Panel>
  );
}
