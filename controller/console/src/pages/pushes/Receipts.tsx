import { Alert } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { pushesQuery } from "../../api/pushes";
import type { Environment, Push, PushDeploy } from "../../api/types";
import { useHref, useMay, useOrg } from "../../app/access";
import { count } from "../../lib/format";
import { cureOf, outcomes, providers, secretDiffers } from "../../lib/pushes";
import { LinkTo, Mono } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { More } from "../../ui/More";
import { Empty, Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";
import { When } from "../../ui/time";

/** What came in, and what became of it. */
export function Receipts({ environment, now }: { environment: Environment; now: PushDeploy }) {
  const org = useOrg();
  const pushes = useInfiniteQuery(pushesQuery(org, environment.id));
  const newest = pushes.data?.pages[0]?.data[0];
  return (
    <>
      {pushes.data && secretDiffers(now, newest) && (
        <Alert color="signal" icon={<Icon name="warning" />} title="The repository has another secret">
          {count(now.refused.count, "request")} without a good signature came to the address, the last one <When time={now.refused.last_at} />. Enter the secret again at the repository; if it is lost, make a new one.
        </Alert>
      )}
      <Panel title="Pushes" flush>
        <Loaded query={pushes}>
          {({ pages }) => {
            const list = pages.flatMap((page) => page.data);
            return list.length ? (
              <Rows pushes={list} />
            ) : (
              <Empty icon="branch" title="Nothing came in yet">
                Once address and secret are entered at the repository, each push stands here with what became of it. The last 50 are kept.
              </Empty>
            );
          }}
        </Loaded>
        <More of={pushes}>Older pushes</More>
      </Panel>
    </>
  );
}

function Rows({ pushes }: { pushes: Push[] }) {
  return (
    <Table label="Pushes" head={["Push", "What became of it", { label: "By", className: "fl-gives" }, "When"]}>
      {pushes.map((one) => (
        <Row key={one.id}>
          <td>
            <strong>{one.branch ?? one.event}</strong>
            {one.commit && (
              <>
                {" "}
                <Mono title={one.commit}>{one.commit.slice(0, 8)}</Mono>
              </>
            )}
            <span className="fl-sub">
              {providers[one.provider].title}
              {one.repository && `, ${one.repository}`}
            </span>
          </td>
          <td data-name="What became of it" className="fl-quiet">
            <Outcome push={one} />
          </td>
          <td data-name="By" className="fl-gives" title="As the provider says; nobody has checked it">
            {one.pusher ?? <span className="fl-dim">–</span>}
          </td>
          <td data-name="When" className="fl-quiet">
            <When time={one.received_at} />
          </td>
        </Row>
      ))}
    </Table>
  );
}

function Outcome({ push }: { push: Push }) {
  const href = useHref();
  const may = useMay();
  const [tone, word] = outcomes[push.outcome];
  const cure = cureOf(push);
  return (
    <>
      <span className="fl-row">
        <Lamp tone={tone} pulse={tone === "busy"}>
          {word}
        </Lamp>
        {push.operation_id && may("operations.view") && <LinkTo href={href(`/operations/${push.operation_id}`)}>See the deployment</LinkTo>}
      </span>
      <span className="fl-sub fl-says">
        {push.detail} {cure}
      </span>
    </>
  );
}
