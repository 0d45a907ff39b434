import { useMantineColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";

/** One line over time, drawn small. A gap in the points is a gap in the line, unless they are sparse. Loaded only where a chart is shown. */
export default function Chart(props: { times: number[]; values: (number | null)[]; max?: number; sparse?: boolean; label: string; format: (v: number) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const { colorScheme } = useMantineColorScheme();
  const { format, sparse } = props;
  const plot = useRef<uPlot | null>(null);
  const maximum = useRef(props.max);
  maximum.current = props.max;

  useEffect(() => {
    const host = box.current!;
    const css = getComputedStyle(document.documentElement);
    const colour = (name: string) => css.getPropertyValue(name).trim();
    const line = colour("--fl-busy");
    const font = `11px ${colour("--mantine-font-family")}`;
    const chart = new uPlot(
      {
        width: host.clientWidth || 300,
        height: 92,
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        legend: { show: false },
        scales: { y: { range: (_u, _min, max) => [0, maximum.current ?? roundUp(max)] } },
        axes: [
          { stroke: colour("--mantine-color-dimmed"), font, size: 20, space: 80, grid: { show: false }, ticks: { show: false } },
          {
            stroke: colour("--mantine-color-dimmed"),
            font,
            size: 58,
            space: 34,
            splits: (u) => [0, u.scales.y!.max ?? 1],
            values: (_u, splits) => splits.map((v) => format(v)),
            grid: { stroke: colour("--fl-line"), width: 1 },
            ticks: { show: false },
          },
        ],
        series: [{}, { stroke: line, width: 1.6, fill: `color-mix(in srgb, ${line} 12%, transparent)`, spanGaps: sparse, points: { show: !!sparse, size: 4 } }],
        hooks: {
          setCursor: [
            (u) => {
              const at = u.cursor.idx;
              const value = at == null ? null : u.data[1]?.[at];
              host.title = value == null ? "" : `${format(value)} at ${new Date(u.data[0]![at!]! * 1000).toLocaleTimeString()}`;
            },
          ],
        },
      },
      [[], []],
      host,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: host.clientWidth, height: 92 }));
    observer.observe(host);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [colorScheme, format, sparse]);

  useEffect(() => {
    plot.current?.setData([props.times, props.values]);
  }, [props.times, props.values, props.max, colorScheme, format, sparse]);

  return <div className="fl-chart" ref={box} role="img" aria-label={props.label} />;
}

/** The next of 0.5, 1, 2, 5, 10, … that is not below the value: a top that reads well. */
function roundUp(value: number): number {
  if (!(value > 0.5)) return 0.5;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((n) => n * power >= value) ?? 10) * power;
}
