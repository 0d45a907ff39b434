import { Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { accountQuery } from "../api/account";
import { alertsQuery } from "../api/alerts";
import { orgQuery } from "../api/org";
import { roleTitle } from "../lib/roles";
import { Icon, type IconName } from "../ui/Icon";
import { Mark } from "../ui/Mark";
import { useAccess, useHref, useMay, useShown } from "./access";
import { pages } from "./routes";
import { useSignOut } from "./signOut";

export function Brand() {
  const href = useHref();
  return (
    <Link href={href("")} className="fl-brand">
      <Mark size={26} />
      Fairlead
    </Link>
  );
}

export function Rail({ onFind }: { onFind: () => void }) {
  const { org, session } = useAccess();
  const href = useHref();
  const shown = useShown();
  const [location] = useLocation();
  const counts = useQuery(orgQuery(org.id)).data?.counts;
  const may = useMay();
  const alerts = useInfiniteQuery({ ...alertsQuery(org.id, "firing"), enabled: may("alerts.view") });
  const firing = alerts.data?.pages.reduce((sum, page) => sum + page.data.length, 0);

  const number: Record<string, number | undefined> = {
    "/environments": counts?.environments,
    "/projects": counts?.projects,
    "/servers": counts?.servers,
    "/operations": counts?.operations_active || undefined,
    "/alerts": firing || undefined,
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
        {pages.map((page) => {
          const { home: path, menu } = page;
          if (!menu || menu.finderOnly || !shown(page)) return null;
          const to = href(path);
          const here = location === to || (path !== "/" && location.startsWith(`${to}/`));
          return (
            <Link key={path} href={to} aria-current={here ? "page" : undefined} data-apart={menu.apart}>
              <Icon name={menu.icon} />
              {menu.label}
              {number[path] !== undefined && (
                <span className="fl-nav-count" data-busy={path === "/operations" || undefined} data-bad={path === "/alerts" || undefined}>
                  {number[path]}
                  {path === "/operations" && <span className="fl-sr"> under way</span>}
                  {path === "/alerts" && <span className="fl-sr"> that fire</span>}
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
  const { org, session, visit } = useAccess();
  const href = useHref();
  const guest = visit?.org.id === org.id;
  const places = [...session.orgs.map(({ id, name, slug }) => ({ id, name, path: slug })), ...(visit ? [{ id: visit.org.id, name: `${visit.org.name} (Connect-As)`, path: visit.org.id }] : [])];
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className="fl-org">
          <b>{org.name}</b>
          <span>
            {guest ? `For ${visit.connect_session.agency.name}` : org.owner ? "Owner" : roleTitle(org)} · {org.plan} plan
          </span>
          <span className="fl-sr">, change the organization</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className="fl-orgs">
        {places.map(({ id, name, path }) => (
          <Menu.Item key={id} component={Link} href={`/o/${path}`} aria-label={id === org.id ? `${name}, shown now` : name} rightSection={id === org.id && <Icon name="check" size={15} />}>
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item component={Link} href={href("/organizations/new")} leftSection={<Icon name="plus" size={15} />}>
          New organization
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** For whoever looks after the installation. */
function OperatorItems() {
  const href = useHref();
  if (!useQuery(accountQuery).data?.operator) return null;
  return (
    <>
      <Menu.Item component={Link} href={href("/mail")} leftSection={<Icon name="mail" size={16} />}>
        Mail that waits
      </Menu.Item>
      <Menu.Item component={Link} href={href("/support")} leftSection={<Icon name="search" size={16} />}>
        Support
      </Menu.Item>
      <Menu.Item component={Link} href={href("/installation-log")} leftSection={<Icon name="audit" size={16} />}>
        Log of the installation
      </Menu.Item>
    </>
  );
}

function PersonMenu() {
  const { session } = useAccess();
  const href = useHref();
  const { colorScheme, setColorScheme } = useMantineColorScheme();

  const signOut = useSignOut();

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
        <OperatorItems />
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
        <Menu.Item onClick={() => signOut.mutate()} leftSection={<Icon name="signOut" size={16} />}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
