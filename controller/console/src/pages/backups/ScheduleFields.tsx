import { Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { controllerNow } from "../../api/client";
import { cronOf, cronProblem, weekdays, type Every, type Schedule } from "../../lib/cron";
import { timeIn } from "../../lib/zones";

interface Props {
  /** What it is of, as the beginning of each field's name: "Backups". */
  what: string;
  value: Schedule;
  onChange: (value: Schedule) => void;
  zone: string;
  error: string | undefined;
}

const names: Record<Every, string> = { never: "Never by itself", hour: "Every hour", day: "Every day", week: "Every week", custom: "Another rhythm (cron)" };

export function ScheduleFields({ what, value, onChange, zone, error }: Props) {
  const change = (part: Partial<Schedule>) => onChange({ ...value, ...part });
  const cron = cronOf(value);
  const wrong = value.every === "custom" ? cronProblem(cron) : undefined;
  return (
    <>
      <div className="fl-form-row">
        <Select
          label={what}
          data={(Object.keys(names) as Every[]).map((every) => ({ value: every, label: names[every] }))}
          value={value.every}
          onChange={(every) => every && change({ every: every as Every, ...(every === "custom" && !value.text ? { text: cron || "30 2 * * *" } : {}) })}
          allowDeselect={false}
        />
        {value.every === "week" && <Select label="On" data={weekdays.map((label, i) => ({ value: String(i), label }))} value={String(value.weekday)} onChange={(day) => day && change({ weekday: Number(day) })} allowDeselect={false} />}
        {(value.every === "day" || value.every === "week") && <TextInput label="At" type="time" value={value.time} onChange={(e) => change({ time: e.currentTarget.value })} error={value.time ? undefined : "Say when"} />}
        {value.every === "hour" && (
          <Select
            label="At"
            data={[0, 15, 30, 45, ...(Number(value.time.slice(3)) % 15 ? [Number(value.time.slice(3))] : [])].map((minute) => ({ value: String(minute), label: minute ? `${minute} min past` : "the full hour" }))}
            value={String(Number(value.time.slice(3)))}
            onChange={(minute) => minute && change({ time: `00:${minute.padStart(2, "0")}` })}
            allowDeselect={false}
          />
        )}
      </div>
      {value.every === "custom" && (
        <TextInput
          label="Cron"
          description="Minute, hour, day of the month, month, day of the week (0 is Sunday): 30 2 * * 1-5 is half past two from Monday to Friday"
          value={value.text}
          maxLength={100}
          onChange={(e) => change({ text: e.currentTarget.value })}
          error={wrong ?? error}
          autoComplete="off"
          spellCheck={false}
          classNames={{ input: "fl-mono" }}
        />
      )}
      {value.every !== "custom" && error && <p className="fl-field-error">{error}</p>}
      {cron && !wrong && <Next what={what} cron={cron} zone={zone} />}
    </>
  );
}

/** When that will be; the counting is loaded with the first schedule that is looked at. */
function Next({ what, cron, zone }: { what: string; cron: string; zone: string }) {
  const times = useQuery({
    queryKey: ["next-times", cron, zone],
    queryFn: async () => (await import("../../lib/nextTimes")).nextTimes(cron, zone, 5, new Date(controllerNow())),
    staleTime: 30_000,
    gcTime: 60_000,
    retry: false,
  });
  if (times.error) return <p className="fl-dim fl-small">The next times cannot be told here: this browser does not know the zone.</p>;
  if (!times.data) return null;
  return (
    <div className="fl-next">
      <h3 id={`next-${what}`}>The next times</h3>
      {times.data.length ? (
        <ul aria-labelledby={`next-${what}`}>
          {times.data.map((time) => (
            <li key={time.getTime()}>
              <time dateTime={time.toISOString()}>{timeIn(zone, time)}</time>
            </li>
          ))}
        </ul>
      ) : (
        <p className="fl-field-error">This never comes.</p>
      )}
    </div>
  );
}
