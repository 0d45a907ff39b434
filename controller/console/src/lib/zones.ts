/** All time zones that this browser knows, with UTC, which some leave out; and the one that is chosen, whatever it is. */
export function zones(chosen: string): string[] {
  return [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone"), ...(chosen ? [chosen] : [])])];
}

/** Where the person is. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** "Mon, 30 Nov 2026, 02:30" in a zone. */
export function timeIn(zone: string, time: Date): string {
  return time.toLocaleString(undefined, { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}
