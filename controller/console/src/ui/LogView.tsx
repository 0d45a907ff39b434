import { Button } from "@mantine/core";
import { useLayoutEffect, useRef, useState } from "react";
import type { Log } from "../live/reduce";
import { clock, count } from "../lib/format";
import { Icon } from "./Icon";

const shownAtFirst = 1500;

/** Lines as they arrive. Follows the end until the reader scrolls up; a button leads back. */
export function LogView({ log, state, over }: { log: Log; state: string; over: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [all, setAll] = useState(false);
  const lines = all ? log.lines : log.lines.slice(-shownAtFirst);
  const hidden = log.lines.length - lines.length;

  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [following, log]);

  const text = () => log.lines.map((l) => `${l.time} ${l.level} ${l.step ?? "-"} ${l.text}`).join("\n");

  return (
    <div className="fl-log" data-over={over || undefined}>
      <div className="fl-log-tools">
        <span>Log</span>
        {!following && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<Icon name="arrowDown" size={13} />}
            onClick={() => setFollowing(true)}
          >
            {over ? "To the end" : "Follow"}
          </Button>
        )}
        {log.lines.length > 0 && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<Icon name="copy" size={13} />}
            onClick={() => void navigator.clipboard.writeText(text())}
          >
            Copy
          </Button>
        )}
      </div>
      <div
        className="fl-log-box"
        ref={box}
        role="log"
        aria-label="Log"
        aria-live="off"
        tabIndex={0}
        onScroll={(event) => {
          const at = event.currentTarget;
          setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 24);
        }}
      >
        {log.dropped > 0 && <div className="fl-log-note">{count(log.dropped, "older line")} let go to keep this page light</div>}
        {hidden > 0 && (
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setAll(true)}>
            Show {count(hidden, "earlier line")}
          </Button>
        )}
        {lines.map((line) => (
          <div key={line.seq} className="fl-log-line" data-level={line.level}>
            <time dateTime={line.time}>{clock(line.time)}</time>
            <span className="fl-log-step">{line.step ?? ""}</span>
            <span className="fl-log-text">
              {line.level === "error" || line.level === "warning" ? <span className="fl-sr">{line.level}: </span> : null}
              {line.text}
            </span>
          </div>
        ))}
        {!log.lines.length && (
          <div className="fl-log-note">
            {state === "lost" ? "The log could not be read; trying again…" : over ? (state === "ended" ? "No lines were written." : "Reading…") : "Waiting for the first line…"}
          </div>
        )}
      </div>
    </div>
  );
}
