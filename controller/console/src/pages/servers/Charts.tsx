import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";
import { useOrg } from "../../app/access";
import { factsQuery } from "../../api/servers";
import type { FactPoint, Server } from "../../api/types";
import { bytes } from "../../lib/format";
import { withGaps } from "../../lib/points";
import { Panel } from "../../ui/Page";
import { Loaded } from "../../ui/Problem";

const Chart = lazy(() => import("../../ui/Chart"));

const spans = [
  { value: "1", label: "1 h", resolution: "30s" },
  { value: "24", label: "24 h", resolution: "30s" },
  { value: "720", label: "30 d", resolution: "10m" },
] as const;

const inPercent = (v: number) => `${Math.round(v)} %`;
const inLoad = (v: number) => v.toFixed(v < 10 ? 1 : 0);

export function Charts({ server }: { server: Server }) {
  const org = useOrg();
  const [span, setSpan] = useState<string>("1");
  const chosen = spans.find((s) => s.value === span) ?? spans[0];
  const history = useQuery(factsQuery(org, server.id, chosen.resolution, Number(span)));

  return (
    <Panel
      title="Over time"
      actions={<SegmentedControl size="xs" value={span} onChange={setSpan} data={spans.map(({ value, label }) => ({ value, label }))} aria-label="Span" />}
    >
      <Loaded query={history}>
        {({ points }) =>
          points.length < 2 ? (
            <p className="fl-dim">
              {server.status === "online"
                ? "Measurements arrive every 30 seconds; the first ones will be here in a minute."
                : "Nothing was measured in this time: the agent was not connected."}
            </p>
          ) : (
            <div className="fl-charts">
              <Line name="CPU" points={points} of={(p) => p.cpu_percent} max={100} format={inPercent} step={chosen.resolution} />
              <Line
                name="Memory in use"
                points={points}
                of={(p) => p.memory_used_bytes}
                max={server.facts.memory?.total_bytes}
                format={bytes}
                step={chosen.resolution}
              />
              <Line
                name="Disk free"
                points={points}
                of={(p) => p.disk_free_bytes}
                max={server.facts.disk?.total_bytes}
                format={bytes}
                step={chosen.resolution}
              />
              <Line name="Load, 1 min" points={points} of={(p) => p.load1} format={inLoad} step={chosen.resolution} />
            </div>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Line(props: {
  name: string;
  points: FactPoint[];
  of: (point: FactPoint) => number | null | undefined;
  max?: number;
  format: (v: number) => string;
  step: "30s" | "10m";
}) {
  const { points, of, step } = props;
  // `of` is written in place and differs each time; the points decide.
  const [times, values] = useMemo(() => withGaps(points, of, step === "30s" ? 30 : 600), [points, step]);
  const last = [...values].reverse().find((v) => v != null);
  const now = last == null ? "–" : props.format(last);
  return (
    <div>
      <div className="fl-chart-head">
        <span>{props.name}</span>
        <span>{now}</span>
      </div>
      <Suspense fallback={<div className="fl-chart" />}>
        <Chart times={times} values={values} max={props.max} label={`${props.name} over time; now ${now}`} format={props.format} />
      </Suspense>
    </div>
  );
}
