import type { Operation } from "../../api/types";
import { isFinal } from "../../live/reduce";

/** Of `others`, what last ended on the same environment after a pre-flight's report was made. What was never delivered changed nothing. */
export function outdatedBy(report: Operation, others: readonly Operation[]): Operation | undefined {
  const end = (operation: Operation) => Date.parse(operation.finished_at ?? "");
  return others
    .filter((one) => one.id !== report.id && one.target.id === report.target.id && one.delivered_at != null && isFinal(one.state) && end(one) > end(report))
    .sort((a, b) => end(b) - end(a))[0];
}
