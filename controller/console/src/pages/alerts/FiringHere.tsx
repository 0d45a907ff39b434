import { Alert } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { alertsQuery } from "../../api/alerts";
import { useHref, useMay, useOrg } from "../../app/access";
import { valueWords } from "../../lib/alerts";
import { LinkTo } from "../../ui/bits";
import { Icon } from "../../ui/Icon";
import { When } from "../../ui/time";

/** On the page of a server or an environment: what fires about it. */
export function FiringHere({ id }: { id: string }) {
  const may = useMay();
  const href = useHref();
  const alerts = useInfiniteQuery({ ...alertsQuery(useOrg(), "firing"), enabled: may("alerts.view") });
  const here = alerts.data?.pages.flatMap((page) => page.data).filter(({ subject }) => subject.id === id) ?? [];
  if (!here.length) return null;
  return (
    <Alert color="signal" icon={<Icon name="bell" />} title={here.length === 1 ? "An alert fires" : `${here.length} alerts fire`}>
      <ul className="fl-problem-fields" style={{ margin: 0 }}>
        {here.map((one) => (
          <li key={one.id}>
            {one.rule_name}
            {one.value !== null && `: ${valueWords(one)}`}, since <When time={one.fired_at} />
          </li>
        ))}
      </ul>
      <LinkTo href={href("/alerts")}>All alerts</LinkTo>
    </Alert>
  );
}
