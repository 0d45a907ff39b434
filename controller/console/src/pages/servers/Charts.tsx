import { useMemo } from "react";
import { useOrg } from "../../app/access";
import { serverMetricsQuery } from "../../api/metrics";
import type { Server } from "../../api/types";
import { bytes } from "../../lib/format";
import { inBytesPerSecond, inLoad, inNumber, inPercent, inSeconds } from "../../lib/measures";
import { LineCharts, type Lines } from "../../ui/Lines";

export function Charts({ server }: { server: Server }) {
  const org = useOrg();
  const memory = server.facts.memory?.total_bytes;
  const disk = server.facts.disk?.total_bytes;
  const groups = useMemo<Lines[]>(
    () => [
      {
        title: "Server",
        lines: [
          { series: "cpu_percent", name: "CPU", max: 100, format: inPercent },
          { series: "memory_used_bytes", name: "Memory in use", max: memory, format: bytes },
          { series: "disk_free_bytes", name: "Disk free", max: disk, format: bytes },
          { series: "load1", name: "Load, 1 min", format: inLoad },
          { series: "network_in_bytes_per_s", name: "Network in", format: inBytesPerSecond },
          { series: "network_out_bytes_per_s", name: "Network out", format: inBytesPerSecond },
          { series: "swap_used_bytes", name: "Swap in use", format: bytes },
        ],
      },
      {
        title: "PostgreSQL",
        lines: [
          { series: "pg_bytes", name: "Size of all databases", format: bytes },
          { series: "pg_connections", name: "Connections", format: inNumber },
          { series: "pg_active", name: "Statements that run", format: inNumber },
          { series: "pg_slow", name: "Slow statements (over 5 s)", format: inNumber },
          { series: "pg_longest_s", name: "Longest statement", format: inSeconds },
          { series: "pg_waiting", name: "Waiting for a lock", format: inNumber },
          { series: "pg_idle_in_transaction", name: "Idle in a transaction (over 1 min)", format: inNumber },
          { series: "pg_transactions_per_s", name: "Transactions a second", format: inNumber },
        ],
      },
    ],
    [memory, disk],
  );
  return (
    <LineCharts
      query={(resolution, hours) => serverMetricsQuery(org, server.id, resolution, hours)}
      groups={groups}
      empty={
        server.status === "online"
          ? "Measurements arrive every 30 seconds; the first ones will be here in a minute."
          : "Nothing was measured in this time: the agent was not connected."
      }
    />
  );
}
