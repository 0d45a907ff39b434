import { useEffect, useState } from "react";
import { controllerNow } from "../api/client";
import { exact, relative } from "../lib/format";

let tick: Set<() => void> | undefined;
function everySecond(act: () => void) {
  if (!tick) {
    tick = new Set();
    setInterval(() => tick!.forEach((each) => each()), 1000);
  }
  tick.add(act);
  return () => void tick!.delete(act);
}

/** The present, again each second while `running`. */
export function useNow(running = true): number {
  const [now, setNow] = useState(controllerNow);
  useEffect(() => (running ? everySecond(() => setNow(controllerNow())) : undefined), [running]);
  return now;
}

export function When({ time }: { time: string | null | undefined }) {
  const now = useNow();
  if (!time) return <span className="fl-dim">–</span>;
  return (
    <time dateTime={time} title={exact(time)} className="fl-when">
      {relative(time, now)}
    </time>
  );
}
