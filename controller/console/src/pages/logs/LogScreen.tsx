import { Button, SegmentedControl, Select, Switch, TextInput, Tooltip } from "@mantine/core";
import { useDocumentVisibility } from "@mantine/hooks";
import { memo, useLayoutEffect, useMemo, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useOrg } from "../../app/access";
import { controllerNow } from "../../api/client";
import { logFile, type LogFilter, type LogLevel, type LogOf } from "../../api/logs";
import { clock, exact } from "../../lib/format";
import { fieldTime, mostShown, shortUnit, sinceOf, type ShownLog } from "../../lib/logs";
import { Icon } from "../../ui/Icon";
import { Empty, Panel } from "../../ui/Page";
import { ProblemNote } from "../../ui/Problem";
import { useLog, type LogState } from "./useLog";

const levels: { value: LogLevel; label: string }[] = [
  { value: "debug", label: "Everything" },
  { value: "info", label: "Information and up" },
  { value: "warning", label: "Warnings and up" },
  { value: "error", label: "Errors" },
];

const ranges = [
  { value: "", label: "Any time" },
  { value: "15", label: "Last 15 minutes" },
  { value: "60", label: "Last hour" },
  { value: "1440", label: "Last day" },
  { value: "10080", label: "Last week" },
  { value: "between", label: "Between…" },
];

const states: Record<LogState, string> = {
  reading: "Reading…",
  live: "Live",
  waiting: "Not connected; trying again…",
  paused: "Paused",
  still: "Not live: it ends at a time",
  failed: "Ended",
};

interface Asked {
  level: LogLevel;
  range: string;
  from: string;
  to: string;
  search: string;
  match: LogFilter["match"];
}

const nothingAsked: Asked = { level: "debug", range: "", from: "", to: "", search: "", match: "text" };

/** A log with live tail, search, level, time and download. Another `of` is another screen: give it a key. */
export function LogScreen({ of, name, hint }: { of: LogOf; name: string; hint: ReactNode }) {
  const org = useOrg();
  const [asked, setAsked] = useState(nothingAsked);
  const [typed, type] = useState("");
  const [paused, setPaused] = useState(false);
  const { level, range, from, to, search, match } = asked;
  const filter = useMemo<LogFilter>(() => {
    const times = range === "between" ? { since: fieldTime(from), until: fieldTime(to) } : { since: sinceOf(range, controllerNow()) };
    return { level, search, match, ...times };
  }, [level, range, from, to, search, match]);
  // A page that nobody sees keeps no connection: it goes on from where it was.
  const hidden = useDocumentVisibility() === "hidden";
  const { log, state, error, note, olderUnderWay, older, again } = useLog(org, of, filter, paused || hidden);
  const set = (change: Partial<Asked>) => setAsked((now) => ({ ...now, ...change }));
  const find = (event: FormEvent) => {
    event.preventDefault();
    set({ search: typed.trim() });
  };
  const narrowed = search !== "" || level !== "debug" || range !== "";

  return (
    <Panel flush>
      <div className="fl-logs-filter">
        <form onSubmit={find} className="fl-logs-search" role="search">
          <TextInput
            aria-label="Search"
            placeholder={match === "pattern" ? "timeout|refused" : "Search"}
            value={typed}
            maxLength={200}
            onChange={(e) => type(e.currentTarget.value)}
            leftSection={<Icon name="search" size={15} />}
            error={error?.field("search")}
          />
          <Button type="submit" variant="default" disabled={typed.trim() === search}>
            Find
          </Button>
          {search && (
            <Button
              variant="subtle"
              color="gray"
              onClick={() => {
                type("");
                set({ search: "" });
              }}
            >
              Clear
            </Button>
          )}
        </form>
        <Tooltip label="Like timeout|refused or ^ERROR .*lock: without what could take for ever">
          <span>
            <Switch label="Pattern" checked={match === "pattern"} onChange={(e) => set({ match: e.currentTarget.checked ? "pattern" : "text" })} />
          </span>
        </Tooltip>
        <Select aria-label="Level" data={levels} value={level} onChange={(value) => set({ level: (value ?? "debug") as LogLevel })} allowDeselect={false} w={180} />
        <Select aria-label="Time" data={ranges} value={range} onChange={(value) => set({ range: value ?? "" })} allowDeselect={false} w={160} />
        {range === "between" && (
          <>
            <TextInput type="datetime-local" aria-label="From" value={from} onChange={(e) => set({ from: e.currentTarget.value })} error={error?.field("since")} />
            <TextInput type="datetime-local" aria-label="To" value={to} onChange={(e) => set({ to: e.currentTarget.value })} error={error?.field("until")} />
          </>
        )}
      </div>
      <div className="fl-log fl-logs">
        <div className="fl-log-tools">
          <span role="status" className="fl-logs-state" data-state={state}>
            {states[state]}
          </span>
          {state !== "still" && state !== "failed" && (
            <Button size="compact-xs" variant="default" leftSection={<Icon name={paused ? "play" : "pause"} size={13} />} onClick={() => setPaused(!paused)}>
              {paused ? "Go on" : "Pause"}
            </Button>
          )}
          <Button size="compact-xs" variant="default" component="a" href={logFile(org, of, filter)} download leftSection={<Icon name="download" size={13} />}>
            Download
          </Button>
        </div>
        <Lines log={log} state={state} name={name} olderUnderWay={olderUnderWay} older={older} />
      </div>
      <div className="fl-logs-below">
        {error && !error.field("search") && !error.field("since") && !error.field("until") && <ProblemNote error={error} retry={again} />}
        {note && <p role="status">{note}</p>}
        {!log.lines.length && !error && state !== "reading" && (
          <Empty icon="log" title={narrowed ? "Nothing of that kind" : "It has said nothing yet"}>
            {narrowed ? "Search for something else, take more levels, or a longer time. What the server's journal has let go of cannot be found any more." : hint}
          </Empty>
        )}
        <p className="fl-dim fl-small">Read on the server and kept there alone: the controller passes it on. Looks and downloads are in the audit log.</p>
      </div>
    </Panel>
  );
}

interface LinesProps {
  log: ShownLog;
  state: LogState;
  name: string;
  olderUnderWay: boolean;
  older: () => void;
}

/** Follows the end until the reader scrolls up; older entries come without moving what is read. */
function Lines({ log, state, name, olderUnderWay, older }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const before = useRef({ first: -1, height: 0 });
  const first = log.lines[0]?.key ?? -1;

  useLayoutEffect(() => {
    const at = box.current;
    if (!at) return;
    if (following) at.scrollTop = at.scrollHeight;
    else if (first !== before.current.first && before.current.first >= 0 && !log.dropped) at.scrollTop += at.scrollHeight - before.current.height;
    before.current = { first, height: at.scrollHeight };
  }, [following, first, log]);

  return (
    <>
      {!following && (
        <Button className="fl-logs-end" size="compact-xs" variant="default" leftSection={<Icon name="arrowDown" size={13} />} onClick={() => setFollowing(true)}>
          To the end
        </Button>
      )}
      <div
        className="fl-log-box"
        ref={box}
        role="log"
        aria-label={name}
        aria-live="off"
        aria-busy={state === "reading"}
        tabIndex={0}
        onScroll={(event) => {
          const at = event.currentTarget;
          setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 24);
        }}
      >
        {log.lines.length > 0 && log.more && log.lines.length < mostShown && (
          <Button size="compact-xs" variant="subtle" color="gray" onClick={older} loading={olderUnderWay}>
            Older
          </Button>
        )}
        {log.lines.length >= mostShown && <div className="fl-log-note">Only the newest {mostShown} are shown. Take a time, or download them.</div>}
        {log.lines.map((line) => (
          <Line key={line.key} line={line} />
        ))}
        {!log.lines.length && state === "reading" && <div className="fl-log-note">The server is asked…</div>}
      </div>
    </>
  );
}

const Line = memo(function Line({ line }: { line: ShownLog["lines"][number] }) {
  return (
    <div className="fl-log-line" data-level={line.level}>
      <time dateTime={line.at} title={exact(line.at)}>
        {clock(line.at)}
      </time>
      <span className="fl-log-step" title={line.pid ? `${line.from} [${line.pid}]` : line.from}>
        {shortUnit(line.from)}
      </span>
      <span className="fl-log-text">
        {line.level === "error" || line.level === "warning" ? <span className="fl-sr">{line.level}: </span> : null}
        {line.text}
        {line.cut && <span className="fl-log-note"> (goes on beyond 16 KiB)</span>}
      </span>
    </div>
  );
});

/** One of a few logs. */
export function LogChoice<T extends string>({ value, onChange, data }: { value: T; onChange: (to: T) => void; data: { value: T; label: string }[] }) {
  return <SegmentedControl aria-label="Log" value={value} onChange={(to) => onChange(to as T)} data={data} mb="md" />;
}
