import { Tabs } from "@mantine/core";
import { lazy, Suspense, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useSession } from "../../app/session";
import { Page } from "../../ui/Page";
import { Waiting } from "../../ui/Problem";

const Profile = lazy(() => import("./Profile"));
const SignInMethods = lazy(() => import("./SignInMethods"));
const Sessions = lazy(() => import("./Sessions"));

const parts: [value: string, label: string, content: ReactNode][] = [
  ["profile", "Profile", <Profile key="p" />],
  ["security", "Signing in", <SignInMethods key="s" />],
  ["sessions", "Sessions", <Sessions key="e" />],
];

export default function Account({ tab = "profile" }: { tab?: string }) {
  const { user } = useSession();
  const [location, navigate] = useLocation();
  const base = location.replace(/\/account(\/.*)?$/, "/account");
  return (
    <Page title="Account" lead={user.email}>
      <Tabs value={tab} onChange={(to) => navigate(to === "profile" ? base : `${base}/${to}`, { replace: true })} keepMounted={false}>
        <Tabs.List mb="md">
          {parts.map(([value, label]) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {parts.map(([value, , content]) => (
          <Tabs.Panel key={value} value={value}>
            <Suspense fallback={<Waiting />}>
              <div className="fl-stack">{content}</div>
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
