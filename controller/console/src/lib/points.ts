import type { FactPoint } from "../api/types";

/** Columns for a chart; a null is put in where reports were missing for over two and a half steps, so that the line breaks there. */
export function withGaps(
  points: readonly FactPoint[],
  of: (point: FactPoint) => number | null | undefined,
  stepSeconds: number,
): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const point of points) {
    const at = Date.parse(point.at) / 1000;
    const last = times[times.length - 1];
    if (last !== undefined && at <= last) continue;
    if (last !== undefined && at - last > stepSeconds * 2.5) {
      times.push(last + stepSeconds);
      values.push(null);
    }
    times.push(at);
    values.push(of(point) ?? null);
  }
  return [times, values];
}
