/** Columns for a chart; a null is put in where reports were missing for over two and a half steps, so that the line breaks there. */
export function withGaps(at: readonly number[], of: readonly (number | null)[], stepSeconds: number): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  at.forEach((time, i) => {
    const last = times[times.length - 1];
    if (last !== undefined && time <= last) return;
    if (last !== undefined && time - last > stepSeconds * 2.5) {
      times.push(last + stepSeconds);
      values.push(null);
    }
    times.push(time);
    values.push(of[i] ?? null);
  });
  return [times, values];
}
