/** What is written into the file of recovery codes: enough to know years later what they open. */
export function recoveryText(codes: string[], email: string, controller: string, at: Date): string {
  return [
    `Recovery codes for ${email} on ${controller}`,
    `Made ${at.toISOString().slice(0, 10)}. Each is good once; new ones make these void.`,
    "",
    ...codes,
    "",
  ].join("\n");
}
