/** Names of what is held, by subject. Everything of an organization lies under `keys.org`, so that one call makes all of it be fetched anew. */
export const keys = {
  org: (org: string) => ["org", org] as const,
  /** The organization itself, with its numbers. */
  self: (org: string) => ["org", org, "self"] as const,
  audit: (org: string, filter: object) => ["org", org, "audit", filter] as const,
  servers: (org: string) => ["org", org, "servers"] as const,
  server: (org: string, id: string) => ["org", org, "server", id] as const,
  /** What servers hold that the controller does not know. */
  founds: (org: string) => ["org", org, "found"] as const,
  found: (org: string, server: string) => ["org", org, "found", server] as const,
  projects: (org: string) => ["org", org, "projects"] as const,
  project: (org: string, id: string) => ["org", org, "project", id] as const,
  environments: (org: string) => ["org", org, "environments"] as const,
  environment: (org: string, id: string) => ["org", org, "environment", id] as const,
  operations: (org: string) => ["org", org, "operations"] as const,
  operation: (org: string, id: string) => ["org", org, "operation", id] as const,
  releases: (org: string, environment: string) => ["org", org, "environment", environment, "releases"] as const,
  variables: (org: string, environment: string) => ["org", org, "environment", environment, "variables"] as const,
  tokens: (org: string) => ["org", org, "tokens"] as const,
  credentials: (org: string) => ["org", org, "credentials"] as const,
};
