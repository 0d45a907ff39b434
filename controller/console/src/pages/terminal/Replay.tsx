import { Button, Checkbox, Select, useComputedColorScheme } from "@mantine/core";
import { Terminal } from "@xterm/xterm";
import { useEffect, useReducer, useRef, useState } from "react";
import { CastPlayer, clock, type Cast } from "../../lib/cast";
import { Icon } from "../../ui/Icon";
import { dark, light } from "./colours";

const speeds = ["0.5", "1", "2", "4", "8"];
/** Seconds: of a pause that is skipped so much stays, and an arrow key goes so far. */
const [idle, step] = [2, 5];

/** Plays a recording on the terminal's own screen. Nothing can be typed. */
export default function Replay({ cast, label }: { cast: Cast; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const held = useRef<{ terminal: Terminal; player: CastPlayer } | null>(null);
  const [, changed] = useReducer((n: number) => n + 1, 0);
  const [skips, setSkips] = useState(true);
  const scheme = useComputedColorScheme("light");

  useEffect(() => {
    const terminal = new Terminal({
      cols: cast.columns,
      rows: cast.rows,
      fontFamily: '"IBM Plex Mono", ui-monospace, monospace',
      fontSize: 13,
      scrollback: 1000,
      disableStdin: true,
      cursorBlink: false,
      minimumContrastRatio: 4.5,
    });
    terminal.open(place.current!);
    terminal.textarea?.setAttribute("aria-label", label);
    const player = new CastPlayer(
      cast,
      {
        reset: (columns, rows) => {
          terminal.reset();
          terminal.resize(columns, rows);
        },
        resize: (columns, rows) => terminal.resize(columns, rows),
        write: (text, shown) => terminal.write(text, shown),
      },
      {
        now: () => performance.now(),
        later: (ms, act) => {
          const timer = window.setTimeout(act, ms);
          return () => window.clearTimeout(timer);
        },
        changed,
      },
    );
    player.skipIdle(idle);
    held.current = { terminal, player };
    // Whoever opened it wants to see it, but for those who asked that nothing moves by itself.
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) player.play();
    changed();
    return () => {
      player.stop();
      terminal.dispose();
      held.current = null;
    };
    // One screen and one player for each recording.
  }, [cast, label]);

  useEffect(() => {
    if (held.current) held.current.terminal.options.theme = scheme === "dark" ? dark : light;
  }, [scheme, cast]);

  const player = held.current?.player;
  const playing = player?.playing ?? false;
  // The place moves on also where nothing is drawn.
  useEffect(() => {
    if (!playing) return;
    const timer = window.setInterval(changed, 250);
    return () => window.clearInterval(timer);
  }, [playing]);

  const at = player?.at ?? 0;
  const lasts = player?.lasts ?? 0;
  const toggle = () => (playing ? player?.pause() : player?.play());
  const keys = (event: React.KeyboardEvent) => {
    if ((event.target as HTMLElement).closest("input,button,[role=option]")) return;
    if (event.key === " ") toggle();
    else if (event.key === "ArrowLeft") player?.seek(at - step);
    else if (event.key === "ArrowRight") player?.seek(at + step);
    else return;
    event.preventDefault();
  };

  return (
    <div className="fl-terminal fl-replay" role="group" aria-label={label} onKeyDown={keys}>
      <div className="fl-terminal-bar" role="toolbar" aria-label="Replay">
        <Button size="compact-sm" onClick={toggle} leftSection={<Icon name={playing ? "pause" : "play"} size={14} />}>
          {playing ? "Pause" : "Play"}
        </Button>
        <input
          className="fl-replay-place"
          type="range"
          min={0}
          max={Math.max(lasts, 0.001)}
          step={0.1}
          value={at}
          aria-label="Place in the recording"
          aria-valuetext={`${clock(at)} of ${clock(lasts)}`}
          onChange={(event) => player?.seek(Number(event.currentTarget.value))}
        />
        <span className="fl-replay-clock">
          {clock(at)} / {clock(lasts)}
        </span>
        <Select
          size="xs"
          w={84}
          aria-label="Speed"
          data={speeds.map((value) => ({ value, label: `${value} ×` }))}
          value={String(player?.speed ?? 1)}
          allowDeselect={false}
          onChange={(value) => {
            if (player && value) player.speed = Number(value);
          }}
        />
        <Checkbox
          size="xs"
          label="Skip pauses"
          checked={skips}
          onChange={(event) => {
            const on = event.currentTarget.checked;
            setSkips(on);
            player?.skipIdle(on ? idle : Infinity);
          }}
        />
      </div>
      <div className="fl-terminal-screen fl-replay-screen" ref={place} />
    </div>
  );
}
