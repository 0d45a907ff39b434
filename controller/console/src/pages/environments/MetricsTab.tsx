import { useMemo } from "react";
import { useOrg } from "../../app/access";
import { environmentMetricsQuery } from "../../api/metrics";
import type { Environment } from "../../api/types";
import { bytes } from "../../lib/format";
import { inMilliseconds, inNumber, inPercent, inSeconds, inShare } from "../../lib/measures";
import { LineCharts, type Lines } from "../../ui/Lines";

export default function MetricsTab({ environment }: { environment: Environment }) {
  const org = useOrg();
  const limit = environment.resources.memory_max_bytes ?? undefined;
  const workers = environment.resources.workers || undefined;
  const groups = useMemo<Lines[]>(
    () => [
      {
        title: "Requests",
        lines: [
          { series: "requests_per_s", name: "Requests a second", format: inNumber },
          { series: "request_ms", name: "Mean time of a request", format: inMilliseconds, sparse: true },
          { series: "failures_per_s", name: "Failures a second (500 and above)", format: inNumber },
          { series: "requests_under_way", name: workers ? `Busy workers, of ${workers}` : "Requests under way", max: workers, format: inNumber },
        ],
      },
      {
        title: "Odoo",
        lines: [
          { series: "memory_bytes", name: "Memory", max: limit, format: bytes },
          { series: "cpu_percent", name: "CPU, of one processor", format: inPercent },
          { series: "processes", name: "Processes", format: inNumber },
          { series: "up", name: "Running", max: 1, format: inShare },
          { series: "cron_late", name: "Scheduled actions that are late (over 5 min)", format: inNumber },
          { series: "cron_late_s", name: "Longest wait of a scheduled action", format: inSeconds },
        ],
      },
      {
        title: "Database",
        lines: [
          { series: "database_bytes", name: "Size", format: bytes },
          { series: "connections", name: "Connections", format: inNumber },
          { series: "slow", name: "Slow statements (over 5 s)", format: inNumber },
          { series: "waiting", name: "Waiting for a lock", format: inNumber },
        ],
      },
    ],
    [limit, workers],
  );
  return (
    <LineCharts
      query={(resolution, hours) => environmentMetricsQuery(org, environment.id, resolution, hours)}
      groups={groups}
      empty={
        environment.current_release
          ? "Nothing was measured in this time. Measurements arrive every 30 seconds while the server is connected; requests are counted from the next deployment on, where the agent was updated since the last one."
          : "Measured is what runs. Deploy it first."
      }
    />
  );
}
