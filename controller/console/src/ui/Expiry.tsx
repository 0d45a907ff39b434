import { Select } from "@mantine/core";

const hour = 3600;
const day = 24 * hour;

/** Lengths of time to choose from, in seconds. */
export const lifetimes = {
  hour: [hour, "1 hour"],
  day: [day, "1 day"],
  week: [7 * day, "7 days"],
  month: [30 * day, "30 days"],
  quarter: [90 * day, "90 days"],
  year: [365 * day, "1 year"],
  never: [0, "No end"],
} as const;

export type Lifetime = keyof typeof lifetimes;

export function seconds(life: Lifetime): number {
  return lifetimes[life][0];
}

/** When something of that length ends, as the API wants it; null: never. */
export function endOf(life: Lifetime, now: number): string | null {
  return life === "never" ? null : new Date(now + seconds(life) * 1000).toISOString();
}

export function Expiry(props: { label?: string; description?: string; choices: Lifetime[]; value: Lifetime; onChange: (value: Lifetime) => void; error?: string }) {
  return (
    <Select
      label={props.label ?? "Good for"}
      description={props.description}
      data={props.choices.map((value) => ({ value, label: lifetimes[value][1] }))}
      value={props.value}
      onChange={(value) => value && props.onChange(value as Lifetime)}
      error={props.error}
    />
  );
}
