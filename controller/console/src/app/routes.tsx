import { lazy, type ComponentType } from "react";
import type { Feature, Permission } from "../api/types";
import type { IconName } from "../ui/Icon";

type Named<S extends string> = S extends `${infer N}?` ? { [K in N]?: string } : { [K in S]: string };
type Params<P extends string> = P extends `${string}:${infer N}/${infer Rest}` ? Named<N> & Params<`/${Rest}`> : P extends `${string}:${infer N}` ? Named<N> : object;

export interface PageSpec {
  /** Below the organization's address. */
  path: string;
  /** The same without a part that may be missing: where the menu leads. */
  home: string;
  /** Several: any of them. */
  permission: Permission | Permission[] | null;
  /** What the plan must have. */
  feature?: Feature;
  component: ComponentType<Record<string, string | undefined>>;
  /** Its place in the menu and in "Go to…"; pages about one thing have none. */
  menu?: Menu;
}

interface Menu {
  label: string;
  icon: IconName;
  /** Begins a new group. */
  apart?: boolean;
  /** In "Go to…" alone. */
  finderOnly?: boolean;
}

/** A page gets the named parts of its address as props; another first one makes it begin anew. */
function page<P extends string>(path: P, permission: PageSpec["permission"], load: () => Promise<{ default: ComponentType<Params<P>> }>, menu?: Menu, feature?: Feature): PageSpec {
  return { path, home: path.replace(/\/:\w+\?$/, ""), permission, feature, menu, component: lazy(load) as unknown as PageSpec["component"] };
}

// A new page is a line here: address, permission, program, its place in the menu, and what the plan must have for it.
export const pages: PageSpec[] = [
  page("/", "org.view", () => import("../pages/Overview"), { label: "Overview", icon: "overview" }),
  page("/environments", "environments.view", () => import("../pages/environments/Environments"), { label: "Environments", icon: "environment" }),
  page("/environments/new", "environments.create", () => import("../pages/environments/EnvironmentNew"), { label: "New environment", icon: "plus", finderOnly: true }),
  page("/environments/:environment/:tab?", "environments.view", () => import("../pages/environments/EnvironmentPage")),
  page("/backups", "backups.view", () => import("../pages/backups/Backups"), { label: "Backups", icon: "database" }),
  page("/backups/:backup", "backups.view", () => import("../pages/backups/BackupPage")),
  page("/projects", "projects.view", () => import("../pages/projects/Projects"), { label: "Projects", icon: "project" }),
  page("/projects/new", "projects.create", () => import("../pages/projects/ProjectEdit"), { label: "New project", icon: "plus", finderOnly: true }),
  page("/projects/:project", "projects.view", () => import("../pages/projects/ProjectPage")),
  page("/projects/:project/edit", "projects.edit", () => import("../pages/projects/ProjectEdit")),
  page("/servers", "servers.view", () => import("../pages/servers/Servers"), { label: "Servers", icon: "server" }),
  page("/servers/enrol", "servers.enroll", () => import("../pages/servers/Enrol"), { label: "Enrol a server", icon: "plus", finderOnly: true }),
  page("/servers/:server", "servers.view", () => import("../pages/servers/ServerPage")),
  page("/servers/:server/ssh-keys", "ssh_keys.view", () => import("../pages/ssh/SshKeysPage")),
  page("/servers/:server/logs/:source?", "logs.server", () => import("../pages/logs/ServerLogs")),
  page("/servers/:server/recordings", "recordings.view", () => import("../pages/terminal/Recordings")),
  page("/servers/:server/recordings/:recording", "recordings.view", () => import("../pages/terminal/RecordingPage")),
  page("/servers/:server/terminal", "terminals.open", () => import("../pages/terminal/TerminalPage")),
  page("/agent-updates/:rollout?", "servers.view", () => import("../pages/updates/AgentUpdates"), { label: "Agent updates", icon: "download" }),
  page("/alerts/:tab?", "alerts.view", () => import("../pages/alerts/Alerts"), { label: "Alerts", icon: "bell" }),
  page("/registration-tokens", "registration_tokens.view", () => import("../pages/servers/RegistrationTokens"), { label: "Registration tokens", icon: "link" }),
  page("/operations", "operations.view", () => import("../pages/operations/Operations"), { label: "Operations", icon: "operation", apart: true }),
  page("/operations/:operation", "operations.view", () => import("../pages/operations/OperationPage")),
  page("/git-credentials", "git_credentials.view", () => import("../pages/projects/GitCredentials"), { label: "Git credentials", icon: "branch" }),
  page("/members", "members.view", () => import("../pages/members/Members"), { label: "Members", icon: "members", apart: true }),
  page("/members/invite", "invitations.create", () => import("../pages/members/Invite"), { label: "Invite somebody", icon: "plus", finderOnly: true }),
  page("/members/:member", "members.view", () => import("../pages/members/MemberPage")),
  page("/roles", "roles.view", () => import("../pages/roles/Roles"), { label: "Roles", icon: "roles" }),
  page("/api-keys", "api_keys.view", () => import("../pages/keys/ApiKeys"), { label: "API keys", icon: "key" }, "api"),
  page("/api-keys/new", "api_keys.create", () => import("../pages/keys/ApiKeyNew"), { label: "New API key", icon: "plus", finderOnly: true }, "api"),
  page("/connect/agencies/new", "connect.grant", () => import("../pages/connect/GrantNew"), { label: "Let an agency in", icon: "plus", finderOnly: true }),
  page("/connect/:tab?", ["connect.use", "connect.view", "connect.sessions"], () => import("../pages/connect/Connect"), { label: "Connect-As", icon: "connect" }),
  page("/audit", "audit.view", () => import("../pages/audit/Audit"), { label: "Audit log", icon: "audit" }, "audit_log"),
  page("/settings/webhooks/:webhook/:delivery?", "webhooks.view", () => import("../pages/webhooks/WebhookPage")),
  page("/settings/:tab?", "org.view", () => import("../pages/org/Settings"), { label: "Settings", icon: "settings" }),
  page("/organizations/new", null, () => import("../pages/org/CreateOrg"), { label: "New organization", icon: "plus", finderOnly: true }),
  page("/support", null, () => import("../pages/installation/SupportOrgs")), // in the person's menu, for operators
  page("/installation-log", null, () => import("../pages/installation/InstallationLog")), // in the person's menu, for operators
  page("/mail", null, () => import("../pages/installation/Letters")), // in the person's menu, for operators
  page("/account/:tab?", null, () => import("../pages/account/Account"), { label: "Account and sessions", icon: "account", finderOnly: true }),
];
