const builtIn: Record<string, string> = { admin: "Admin", developer: "Developer", viewer: "Viewer", none: "None" };

/** What a role is called: built-in ones are words of the API, the organization's own have names. */
export function roleTitle({ role, role_name }: { role: string; role_name: string }): string {
  return builtIn[role] ?? role_name;
}
