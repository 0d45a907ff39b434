import { ActionIcon, Alert, Button, Drawer, Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { api, need } from "../api/client";
import { orgQuery } from "../api/queries";
import { useOrgEvents } from "../live/hooks";
import type { StreamState } from "../live/stream";
import { Icon, type IconName } from "../ui/Icon";
import { Mark } from "../ui/Mark";
import { Broken } from "./Broken";
import { useAccess, useHref, useMay } from "./access";
import { Finder } from "./Finder";
import { tellError } from "./act";

interface Item {
  path: string;
  label: string;
  icon: IconName;
  permission: string;
  also?: string[];
}

const items: (Item | null)[] = [
  { path: "", label: "Overview", icon: "overview", permission: "org.view" },
  { path: "/environments", label: "Environments", icon: "environment", permission: "environments.view" },
  { path: "/projects", label: "Projects", icon: "project", permission: "projects.view" },
  { path: "/servers", label: "Servers", icon: "server", permission: "servers.view" },
  null,
  { path: "/operations", label: "Operations", icon: "operation", permission: "operations.view" },
  { path: "/audit", label: "Audit log", icon: "audit", permission: "audit.view" },
  { path: "/git-credentials", label: "Git credentials", icon: "key", permission: "git_credentials.view" },
];

export function Shell({ children }: { children: ReactNode }) {
  const { org } = useAccess();
  const stream = useOrgEvents(org.id);
  const [menu, { open, close }] = useDisclosure(false);
  const [finder, finding] = useDisclosure(false);
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useHotkeys([
    ["mod+K", finding.open],
    ["/", finding.open],
  ]);

  useEffect(() => {
    close();
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location, close]);

  return (
    <div className="fl-shell">
      <a className="fl-skip" href="#main">
        Skip to content
      </a>
      <nav className="fl-rail" aria-label="Main">
        <Rail onFind={finding.open} />
      </nav>
      <header className="fl-topbar">
        <ActionIcon variant="transparent" color="white" onClick={open} aria-label="Open menu" size="lg">
          <Icon name="menu" size={22} />
        </ActionIcon>
        <Brand />
        <ActionIcon variant="transparent" color="white" onClick={finding.open} aria-label="Go to…" size="lg" style={{ marginLeft: "auto" }}>
          <Icon name="search" size={20} />
        </ActionIcon>
      </header>
      <main className="fl-main" id="main" tabIndex={-1} ref={main} style={{ outline: "none" }}>
        <Updated />
        <Broken page={location}>{children}</Broken>
      </main>
      <Drawer.Root opened={menu} onClose={close} size={272} padding={0} lockScroll={false}>
        <Drawer.Overlay />
        <Drawer.Content aria-label="Menu" style={{ background: "var(--fl-hull)" }}>
          <Drawer.Body style={{ height: "100%" }}>
            <nav className="fl-rail fl-drawer-rail" aria-label="Main">
              <Rail
                onFind={() => {
                  close();
                  finding.open();
                }}
              />
            </nav>
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      <Finder opened={finder} onClose={finding.close} />
      <Lost state={stream} />
    </div>
  );
}

function Brand() {
  const href = useHref();
  return (
    <Link href={href("")} className="fl-brand">
      <Mark size={26} />
      Fairlead
    </Link>
  );
}

function Rail({ onFind }: { onFind: () => void }) {
  const { org, session } = useAccess();
  const href = useHref();
  const may = useMay();
  const [location] = useLocation();
  const counts = useQuery(orgQuery(org.id)).data?.counts;

  const number: Record<string, number | undefined> = {
    "/environments": counts?.environments,
    "/projects": counts?.projects,
    "/servers": counts?.servers,
    "/operations": counts?.operations_active || undefined,
  };

  return (
    <>
      <Brand />
      <OrgSwitch />
      <button type="button" className="fl-find mantine-focus-auto" style={{ border: 0, cursor: "pointer", font: "inherit" }} onClick={onFind}>
        <Icon name="search" size={15} />
        Go to…
        <kbd aria-hidden="true">Ctrl K</kbd>
      </button>
      <div className="fl-nav">
        {items.map((item, i) => {
          if (!item) return <div key={i} className="fl-nav-gap" />;
          if (!may(item.permission)) return null;
          const to = href(item.path);
          const here = item.path ? location === to || location.startsWith(`${to}/`) : location === to;
          return (
            <Link key={item.path} href={to} aria-current={here ? "page" : undefined}>
              <Icon name={item.icon} />
              {item.label}
              {number[item.path] !== undefined && (
                <span className="fl-nav-count" data-busy={item.path === "/operations" || undefined}>
                  {number[item.path]}
                  {item.path === "/operations" && <span className="fl-sr"> under way</span>}
                </span>
              )}
            </Link>
          );
        })}
      </div>
      <div className="fl-rail-foot">
        <PersonMenu />
        <div style={{ padding: "0 10px" }}>
          {session.controller.name} · {session.controller.version}
        </div>
      </div>
    </>
  );
}

function OrgSwitch() {
  const { org, session } = useAccess();
  const label = (
    <>
      <b>{org.name}</b>
      <span>
        {org.owner ? "Owner" : org.role} · {org.plan} plan
      </span>
    </>
  );
  if (session.orgs.length < 2) return <div className="fl-org">{label}</div>;
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className="fl-org">
          {label}
          <span className="fl-sr">, change the organization</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {session.orgs.map((one) => (
          <Menu.Item key={one.id} component={Link} href={`/o/${one.slug}`} rightSection={one.id === org.id && <Icon name="check" size={15} />}>
            {one.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function PersonMenu() {
  const { session } = useAccess();
  const href = useHref();
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();

  const signOut = async () => {
    try {
      await need(api.DELETE("/api/v1/session"));
      navigate("/signin", { replace: true });
      client.clear();
    } catch (error) {
      tellError(error);
    }
  };

  const schemes: ["light" | "dark" | "auto", string, IconName][] = [
    ["light", "Light", "sun"],
    ["dark", "Dark", "moon"],
    ["auto", "As the system", "auto"],
  ];

  return (
    <Menu position="top-start" width={220}>
      <Menu.Target>
        <UnstyledButton className="fl-person-button">
          <Icon name="account" size={20} />
          <span>{session.user.name || session.user.email}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.user.email}</Menu.Label>
        <Menu.Item component={Link} href={href("/account")} leftSection={<Icon name="shield" size={16} />}>
          Account and sessions
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {schemes.map(([value, label, icon]) => (
          <Menu.Item
            key={value}
            onClick={() => setColorScheme(value)}
            leftSection={<Icon name={icon} size={16} />}
            rightSection={colorScheme === value && <Icon name="check" size={15} />}
            aria-label={colorScheme === value ? `${label}, chosen` : label}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()} leftSection={<Icon name="signOut" size={16} />}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Said only when it lasts: a short break is nobody's business. */
function Lost({ state }: { state: StreamState }) {
  const [shown, setShown] = useState(false);
  const away = state === "lost" || state === "connecting";
  useEffect(() => {
    if (!away) return setShown(false);
    const timer = setTimeout(() => setShown(true), 3000);
    return () => clearTimeout(timer);
  }, [away]);
  return (
    <div role="status" aria-live="polite">
      {shown && (
        <div className="fl-lost">
          <Icon name="bolt" size={16} />
          No live updates: the controller does not answer. Trying again…
        </div>
      )}
    </div>
  );
}

/** The controller that answers is not the one that this page came from. */
function Updated() {
  const { session } = useAccess();
  const [came] = useState(session.controller.version);
  const now = session.controller.version;
  if (now === came) return null;
  return (
    <Alert color="petrol" mb="md" title={`The controller was updated to ${now}`}>
      <Button size="xs" variant="light" onClick={() => window.location.reload()}>
        Load its console
      </Button>
    </Alert>
  );
}
