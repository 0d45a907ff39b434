import { Tabs } from "@mantine/core";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import type { Permission } from "../../api/types";
import { useAccess, useHref, useMay } from "../../app/access";
import { LinkButton } from "../../ui/bits";
import { Page } from "../../ui/Page";
import { Agencies } from "./Agencies";
import { Clients } from "./Clients";
import { Sessions } from "./Sessions";

export default function Connect({ tab }: { tab?: string }) {
  const href = useHref();
  const may = useMay();
  const { org } = useAccess();
  const [, navigate] = useLocation();
  const parts: [value: string, label: string, permission: Permission, content: ReactNode][] = [
    ["clients", "Clients", "connect.use", <Clients key="c" />],
    ["agencies", "Agencies", "connect.view", <Agencies key="a" />],
    ["sessions", "Sessions", "connect.sessions", <Sessions key="s" />],
  ];
  const allowed = parts.filter(([, , permission]) => may(permission));
  // Who cannot work at clients' came for those who work here.
  const first = org.features.includes("connect_as") ? allowed[0] : (allowed.find(([value]) => value === "agencies") ?? allowed[0]);
  const shown = allowed.some(([value]) => value === tab) ? tab! : (first?.[0] ?? "");
  return (
    <Page
      title="Connect-As"
      lead="An agency's people work in a client's organization: under their own names, for an hour at most, in both audit logs."
      actions={
        shown === "agencies" &&
        may("connect.grant") && (
          <LinkButton href={href("/connect/agencies/new")} icon="plus">
            Let an agency in
          </LinkButton>
        )
      }
    >
      <Tabs value={shown} onChange={(to) => navigate(href(`/connect/${to}`), { replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {allowed.map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {allowed.map(([value, , , content]) => (
          <Tabs.Panel key={value} value={value}>
            {content}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
