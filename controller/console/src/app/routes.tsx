import { lazy, type ComponentType } from "react";
import type { Permission } from "../api/types";
import type { IconName } from "../ui/Icon";

type Named<S extends string> = S extends `${infer N}?` ? { [K in N]?: string } : { [K in S]: string };
type Params<P extends string> = P extends `${string}:${infer N}/${infer Rest}` ? Named<N> & Params<`/${Rest}`> : P extends `${string}:${infer N}` ? Named<N> : object;

export interface PageSpec {
  /** Below the organization's address. */
  path: string;
  permission: Permission | null;
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
function page<P extends string>(path: P, permission: Permission | null, load: () => Promise<{ default: ComponentType<Params<P>> }>, menu?: Menu): PageSpec {
  return { path, permission, menu, component: lazy(load) as unknown as PageSpec["component"] };
}

// A new page is a line here: address, permission, program, and its place in the menu.
export const pages: PageSpec[] = [
  page("/", "org.view", () => import("../pages/Overview"), { label: "Overview", icon: "overview" }),
  page("/environments", "environments.view", () => import("../pages/environments/Environments"), { label: "Environments", icon: "environment" }),
  page("/environments/new", "environments.create", () => import("../pages/environments/EnvironmentNew"), { label: "New environment", icon: "plus", finderOnly: true }),
  page("/environments/:environment/:tab?", "environments.view", () => import("../pages/environments/EnvironmentPage")),
  page("/projects", "projects.view", () => import("../pages/projects/Projects"), { label: "Projects", icon: "project" }),
  page("/projects/new", "projects.create", () => import("../pages/projects/ProjectEdit"), { label: "New project", icon: "plus", finderOnly: true }),
  page("/projects/:project", "projects.view", () => import("../pages/projects/ProjectPage")),
  page("/projects/:project/edit", "projects.edit", () => import("../pages/projects/ProjectEdit")),
  page("/servers", "servers.view", () => import("../pages/servers/Servers"), { label: "Servers", icon: "server" }),
  page("/servers/enrol", "servers.enroll", () => import("../pages/servers/Enrol"), { label: "Enrol a server", icon: "plus", finderOnly: true }),
  page("/servers/:server", "servers.view", () => import("../pages/servers/ServerPage")),
  page("/operations", "operations.view", () => import("../pages/operations/Operations"), { label: "Operations", icon: "operation", apart: true }),
  page("/operations/:operation", "operations.view", () => import("../pages/operations/OperationPage")),
  page("/audit", "audit.view", () => import("../pages/audit/Audit"), { label: "Audit log", icon: "audit" }),
  page("/git-credentials", "git_credentials.view", () => import("../pages/projects/GitCredentials"), { label: "Git credentials", icon: "key" }),
  page("/account", null, () => import("../pages/account/Account"), { label: "Account and sessions", icon: "account", finderOnly: true }),
];
