import { Tabs } from "@mantine/core";
import { lazy, Suspense, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useAccess, useHref, useMay } from "../../app/access";
import type { Permission } from "../../api/types";
import { Page } from "../../ui/Page";
import { Waiting } from "../../ui/Problem";
import General from "./General";

const Security = lazy(() => import("./Security"));
const PlanTab = lazy(() => import("./PlanTab"));
const Storages = lazy(() => import("../storages/Storages"));
const Certificates = lazy(() => import("../certificates/Certificates"));
const TunnelKeys = lazy(() => import("../tunnels/TunnelKeys"));
const Webhooks = lazy(() => import("../webhooks/Webhooks"));
const Domains = lazy(() => import("../domains/Domains"));
const RecoveryKeys = lazy(() => import("./RecoveryKeys"));
const Support = lazy(() => import("./Support"));

export default function Settings({ tab = "general" }: { tab?: string }) {
  const { org } = useAccess();
  const href = useHref();
  const may = useMay();
  const [, navigate] = useLocation();
  const parts: [value: string, label: string, permission: Permission, content: ReactNode][] = [
    ["general", "General", "org.view", <General key="g" />],
    ["security", "Security", "security.view", <Security key="s" />],
    ["storage", "Storage", "storages.view", <Storages key="b" />],
    ["recovery-keys", "Recovery keys", "backup_settings.view", <RecoveryKeys key="r" />],
    ["domains", "Domains", "domains.view", <Domains key="d" />],
    ["certificates", "Certificates", "certificates.view", <Certificates key="c" />],
    ["tunnel-keys", "Tunnel keys", "tunnel_keys.view", <TunnelKeys key="t" />],
    ["webhooks", "Webhooks", "webhooks.view", <Webhooks key="w" />],
    ["plan", "Plan", "plan.view", <PlanTab key="p" />],
    ["support", "Support access", "support.view", <Support key="a" />],
  ];
  const allowed = parts.filter(([, , permission]) => may(permission));
  const shown = allowed.some(([value]) => value === tab) ? tab : "general";
  return (
    <Page title="Settings" lead={`Of ${org.name}. Your own are under “Account and sessions”.`}>
      <Tabs value={shown} onChange={(to) => navigate(href(to === "general" ? "/settings" : `/settings/${to}`), { replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {allowed.map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {allowed.map(([value, , , content]) => (
          <Tabs.Panel key={value} value={value}>
            <Suspense fallback={<Waiting />}>{content}</Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
