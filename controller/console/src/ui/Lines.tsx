import { SegmentedControl } from "@mantine/core";
import type { UseQueryOptions } from "@tanstack/react-query";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState, type ReactNode } from "react";
import type { Resolution } from "../api/metrics";
import type { Measurements } from "../api/types";
import { withGaps } from "../lib/points";
import { Panel } from "./Page";
import { Loaded } from "./Problem";

const Chart = lazy(() => import("./Chart"));

const spans = [
  { value: "1", label: "1 h", resolution: "30s" },
  { value: "24", label: "24 h", resolution: "30s" },
  { value: "720", label: "30 d", resolution: "10m" },
] as const;

export interface Line {
  /** As the API calls it. */
  series: string;
  name: string;
  max?: number;
  format: (value: number) => string;
  /** Known only where something happened: between two points the line goes on. */
  sparse?: boolean;
}

export interface Lines {
  title: string;
  lines: Line[];
}

interface Props {
  // The queries of a server and of an environment differ in their keys alone.
  query: (resolution: Resolution, hours: number) => UseQueryOptions<Measurements, Error, Measurements, any>;
  groups: Lines[];
  /** What is said where there is nothing to show. */
  empty: ReactNode;
}

/** What was measured over time: a small chart for each line that there is. */
export function LineCharts({ query, groups, empty }: Props) {
  const [span, setSpan] = useState<string>("1");
  const chosen = spans.find((s) => s.value === span) ?? spans[0];
  const history = useQuery(query(chosen.resolution, Number(span)));
  return (
    <Panel
      title="Over time"
      actions={<SegmentedControl size="xs" value={span} onChange={setSpan} data={spans.map(({ value, label }) => ({ value, label }))} aria-label="Span" />}
    >
      <Loaded query={history}>
        {(measured) =>
          measured.times.length < 2 ? (
            <p className="fl-dim">{empty}</p>
          ) : (
            groups.map(({ title, lines }) => {
              const there = lines.filter(({ series }) => measured.series[series]);
              if (!there.length) return null;
              return (
                <section key={title} className="fl-chart-group">
                  <h3>{title}</h3>
                  <div className="fl-charts">
                    {there.map((line) => (
                      <Plot key={line.series} line={line} measured={measured} step={chosen.resolution === "30s" ? 30 : 600} />
                    ))}
                  </div>
                </section>
              );
            })
          )
        }
      </Loaded>
    </Panel>
  );
}

function Plot({ line, measured, step }: { line: Line; measured: Measurements; step: number }) {
  const [times, values] = useMemo(() => withGaps(measured.times, measured.series[line.series] ?? [], step), [measured, line.series, step]);
  // What is not known any more is not now.
  const at = times.at(-1) ?? 0;
  const last = at * 1000 > Date.now() - step * 2500 - 60_000 ? values.at(-1) : null;
  const now = last == null ? "–" : line.format(last);
  return (
    <div>
      <div className="fl-chart-head">
        <span>{line.name}</span>
        <span>{now}</span>
      </div>
      <Suspense fallback={<div className="fl-chart" />}>
        <Chart times={times} values={values} max={line.max} sparse={line.sparse} label={`${line.name} over time; now ${now}`} format={line.format} />
      </Suspense>
    </div>
  );
}
