import type { Project } from "../api/types";
import { words } from "./format";

/** The host of an address in any form that git takes, in small letters; the text itself where it is no address. */
export function hostIn(text: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^/:?#]*)/i.exec(text);
  const host = url?.[1] ?? /^(?:[^@/]+@)([^/:]+):/.exec(text)?.[1] ?? text.split("/", 1)[0]!;
  return host.toLowerCase().replace(/\.$/, "");
}

/** What somebody typed or pasted as a list of domains: of an address its host counts. */
export function domainsIn(text: string): string[] {
  return [...new Set(words(text).map(hostIn))];
}

/** As the controller judges: a domain itself, or `*.` and everything below it, which is not the domain itself. */
export function isAmong(domains: readonly string[], host: string): boolean {
  return domains.some((domain) => (domain.startsWith("*.") ? host.endsWith(domain.slice(1)) : host === domain));
}

export interface ShutOut {
  project: Pick<Project, "id" | "name">;
  hosts: string[];
}

/** Projects that such a list would keep from being deployed, and the hosts that it lacks; none where the list is empty, as that is no limit. */
export function shutOut(domains: readonly string[], projects: readonly Pick<Project, "id" | "name" | "odoo_source" | "addons">[]): ShutOut[] {
  if (!domains.length) return [];
  return projects
    .map(({ id, name, odoo_source, addons }) => {
      const hosts = [odoo_source, ...addons].map(({ url }) => hostIn(url)).filter((host) => !isAmong(domains, host));
      return { project: { id, name }, hosts: [...new Set(hosts)] };
    })
    .filter(({ hosts }) => hosts.length > 0);
}
