// What a row of the table says, and how the table is printed.
import { loadavg } from "node:os";

export interface Row {
  what: string;
  /** The peer's number, measured in the same run; "–" without one. */
  peer?: string;
  ours: string;
  /** Ours over the peer's, as the target means it. */
  ratio?: string;
  target: string;
  met: boolean | undefined;
  /** CPU seconds and what else one must know to read the number. */
  cpu?: string;
}

const head = ["what", "peer", "ours", "ratio", "target", "", "CPU, remarks", "load"];
const rows: string[][] = [];

export function add(row: Row): void {
  const cells = [
    row.what, row.peer ?? "–", row.ours, row.ratio ?? "–", row.target,
    row.met === undefined ? "–" : row.met ? "met" : "**missed**", row.cpu ?? "", loadavg()[0]!.toFixed(1),
  ];
  rows.push(cells);
  process.stderr.write(`  ${cells.join(" | ")}\n`);
}

/** As Markdown, so that it can stand in the README as it is. */
export function table(): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

export const missed = (): number => rows.filter((cells) => cells[5] === "**missed**").length;

/** Progress, for who watches. */
export function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** "17.3 (15.9…18.2)" */
export function spread(values: number[], digits = 1): string {
  const text = (value: number) => value.toFixed(digits);
  if (values.length < 2) return text(median(values));
  return `${text(median(values))} (${text(Math.min(...values))}…${text(Math.max(...values))})`;
}
