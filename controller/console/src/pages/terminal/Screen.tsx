import { ActionIcon, Button, TextInput, Tooltip, useComputedColorScheme } from "@mantine/core";
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { useEffect, useRef, useState } from "react";
import { tell } from "../../app/act";
import { api } from "../../api/client";
import { TerminalLink, type Line, type Phase } from "../../lib/terminalLink";
import { barKeys, withCtrl, type End } from "../../lib/terminals";
import { Icon, type IconName } from "../../ui/Icon";
import { dark, light } from "./colours";

const sizeKey = "fairlead-terminal-size";
const [smallest, usual, largest] = [9, 14, 28];
/** Somebody who types is not idle: the session hears of it this often at most. */
const alive = 5 * 60_000;

interface Around {
  id: string;
  ticket: string;
  label: string;
  user: string;
  onEnd: (end: End) => void;
}

function savedSize(): number {
  const saved = Number(localStorage.getItem(sizeKey));
  return saved >= smallest && saved <= largest ? saved : usual;
}

/** One terminal from its ticket to its end. */
export default function Screen({ id, ticket, label, user, onEnd }: Around) {
  const frame = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const toolbar = useRef<HTMLDivElement>(null);
  const held = useRef<{ terminal: Terminal; link: TerminalLink; search: SearchAddon; fit: FitAddon } | null>(null);
  const ctrl = useRef(false);
  const [ctrlOn, setCtrl] = useState(false);
  const [phase, setPhase] = useState<Phase>({ kind: "connecting" });
  const [size, setSize] = useState(savedSize);
  const [searching, setSearching] = useState(false);
  const [reader, setReader] = useState(false);
  const scheme = useComputedColorScheme("light");
  const ended = useRef(onEnd);
  ended.current = onEnd;

  useEffect(() => {
    const terminal = new Terminal({
      fontFamily: '"IBM Plex Mono", ui-monospace, monospace',
      fontSize: savedSize(),
      scrollback: 5000,
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      minimumContrastRatio: 4.5,
      allowProposedApi: true, // decorations of what was found
    });
    const fit = new FitAddon();
    const search = new SearchAddon();
    terminal.loadAddon(fit);
    terminal.loadAddon(search);
    terminal.loadAddon(new WebLinksAddon((event, uri) => (event.ctrlKey || event.metaKey) && void window.open(uri, "_blank", "noopener,noreferrer")));
    terminal.open(place.current!);
    terminal.textarea?.setAttribute("aria-label", label);
    const link = new TerminalLink(
      {
        connect: (events) => socketOf(id, events),
        show: (bytes, shown) => terminal.write(bytes, shown),
        phase: (now) => {
          setPhase(now);
          terminal.options.disableStdin = now.kind === "ended";
          if (now.kind === "ended") ended.current(now);
        },
        now: () => Date.now(),
        later: (ms, act) => {
          const timer = window.setTimeout(act, ms);
          return () => window.clearTimeout(timer);
        },
      },
      ticket,
    );
    held.current = { terminal, link, search, fit };

    const encoder = new TextEncoder();
    let told = Date.now();
    const type = (text: string) => {
      const bytes = ctrl.current ? withCtrl(text) : text;
      if (ctrl.current) {
        ctrl.current = false;
        setCtrl(false);
      }
      link.type(encoder.encode(bytes));
      if (Date.now() - told < alive) return;
      told = Date.now();
      void api.GET("/api/v1/session").catch(() => undefined);
    };
    terminal.onData(type);
    terminal.onBinary((text) => link.type(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => link.resize(Math.min(cols, 1000), Math.min(rows, 1000)));
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
      if (event.code === "KeyF") setSearching(true);
      else if (event.code === "KeyC") void copy(terminal);
      else if (event.key === "ArrowUp") toolbar.current?.querySelector("button")?.focus();
      else return true;
      event.preventDefault();
      return false;
    });
    const fitted = () => place.current?.clientWidth && fit.fit();
    const watch = new ResizeObserver(() => fitted());
    watch.observe(place.current!);
    void document.fonts.load('14px "IBM Plex Mono"').then(() => fitted());
    fitted();
    terminal.focus();
    const online = () => link.retry();
    window.addEventListener("online", online);
    return () => {
      window.removeEventListener("online", online);
      watch.disconnect();
      link.leave();
      terminal.dispose();
      held.current = null;
    };
    // A ticket counts once: the terminal is made once for each.
  }, [id]);

  useEffect(() => {
    if (held.current) held.current.terminal.options.theme = scheme === "dark" ? dark : light;
  }, [scheme]);
  useEffect(() => {
    if (held.current) held.current.terminal.options.screenReaderMode = reader;
  }, [reader]);
  useEffect(() => {
    localStorage.setItem(sizeKey, String(size));
    if (!held.current) return;
    held.current.terminal.options.fontSize = size;
    held.current.fit.fit();
  }, [size]);

  const focus = () => held.current?.terminal.focus();
  const press = (key: keyof typeof barKeys) => {
    const terminal = held.current?.terminal;
    const text = barKeys[key];
    // Programs that move a cursor of their own ask for other arrows.
    held.current?.link.type(new TextEncoder().encode(terminal?.modes.applicationCursorKeysMode && text.startsWith("\x1b[") ? text.replace("[", "O") : text));
    focus();
  };
  const paste = async () => {
    const text = await navigator.clipboard.readText().catch(() => null);
    if (text === null) tell("The browser lets nothing be pasted by a button. Press Ctrl+Shift+V in the terminal.");
    else held.current?.terminal.paste(text);
    focus();
  };
  const full = () => void (document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen().catch(() => tell("This browser has no full screen for parts of a page.")));
  const over = phase.kind === "ended";

  return (
    <div className="fl-terminal" ref={frame} role="group" aria-label={label}>
      <div className="fl-terminal-bar" ref={toolbar} role="toolbar" aria-label="Terminal">
        <span className="fl-terminal-user">{user}</span>
        <span className="fl-terminal-state" role="status">
          {phase.kind === "connecting" ? "Connecting…" : phase.kind === "open" ? "Connected" : phase.kind === "away" ? "The connection broke. It is tried again, for a minute at most; nothing is lost." : "Ended"}
        </span>
        {phase.kind === "away" && (
          <Button size="compact-xs" variant="default" onClick={() => held.current?.link.retry()}>
            Try now
          </Button>
        )}
        <span className="fl-terminal-acts">
          <Act icon="search" label="Search (Ctrl+Shift+F)" act={() => setSearching(!searching)} />
          <Act icon="copy" label="Copy what is selected (Ctrl+Shift+C)" act={() => held.current && void copy(held.current.terminal).then(focus)} />
          <Act icon="paste" label="Paste (Ctrl+Shift+V)" act={() => void paste()} disabled={over} />
          <Act icon="minus" label="Smaller letters" act={() => setSize(Math.max(smallest, size - 1))} disabled={size === smallest} />
          <Act icon="plus" label="Larger letters" act={() => setSize(Math.min(largest, size + 1))} disabled={size === largest} />
          <Act icon="eye" label={reader ? "Stop reading aloud what is shown" : "Let screen readers read what is shown"} act={() => setReader(!reader)} pressed={reader} />
          <Act icon="full" label="Full screen" act={full} />
          <Button size="compact-sm" variant="default" onClick={() => held.current?.link.close()} disabled={over}>
            Close terminal
          </Button>
        </span>
      </div>
      {searching && <Search onFind={(text, back) => (back ? held.current?.search.findPrevious(text) : held.current?.search.findNext(text)) ?? false} onEnd={() => { held.current?.search.clearDecorations(); setSearching(false); focus(); }} />}
      <div className="fl-terminal-screen" ref={place} data-phase={phase.kind} />
      <div className="fl-terminal-keys" role="group" aria-label="Keys that a phone lacks">
        {(Object.keys(barKeys) as (keyof typeof barKeys)[]).map((key) => (
          <button key={key} type="button" onClick={() => press(key)} disabled={over} aria-label={keyNames[key] ?? key}>
            {key}
          </button>
        ))}
        <button type="button" aria-pressed={ctrlOn} disabled={over} onClick={() => { ctrl.current = !ctrlOn; setCtrl(!ctrlOn); focus(); }}>
          Ctrl
        </button>
      </div>
      <p className="fl-terminal-hint fl-small">Ctrl+Shift+↑ leaves the terminal for its buttons. Links open with Ctrl and a click.</p>
    </div>
  );
}

const keyNames: Partial<Record<keyof typeof barKeys, string>> = { "↑": "Up", "↓": "Down", "←": "Left", "→": "Right" };

function Act({ icon, label, act, disabled, pressed }: { icon: IconName; label: string; act: () => void; disabled?: boolean; pressed?: boolean }) {
  return (
    <Tooltip label={label} withArrow>
      <ActionIcon variant="subtle" color="gray" aria-label={label} aria-pressed={pressed} onClick={act} disabled={disabled}>
        <Icon name={icon} size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

function Search({ onFind, onEnd }: { onFind: (text: string, back: boolean) => boolean; onEnd: () => void }) {
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const find = (wanted: string, back = false) => setMissing(wanted !== "" && !onFind(wanted, back));
  return (
    <form
      className="fl-terminal-search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        find(text);
      }}
      onKeyDown={(event) => event.key === "Escape" && onEnd()}
    >
      <TextInput
        size="xs"
        aria-label="Search in the terminal"
        placeholder="Search"
        value={text}
        autoFocus
        error={missing}
        onChange={(event) => {
          setText(event.currentTarget.value);
          find(event.currentTarget.value);
        }}
      />
      <Button size="xs" variant="default" onClick={() => find(text, true)}>
        Before
      </Button>
      <Button size="xs" variant="default" type="submit">
        Next
      </Button>
      <Button size="xs" variant="subtle" onClick={onEnd}>
        Done
      </Button>
      <span role="status" className="fl-small">{missing ? "Not found" : ""}</span>
    </form>
  );
}

async function copy(terminal: Terminal): Promise<void> {
  const text = terminal.getSelection();
  if (text) await navigator.clipboard.writeText(text).catch(() => tell("The browser does not let the page copy."));
}

function socketOf(id: string, events: Parameters<ConstructorParameters<typeof TerminalLink>[0]["connect"]>[0]): Line {
  const socket = new WebSocket(`wss://${location.host}/api/v1/terminals/${id}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => (typeof data === "string" ? events.text(data) : events.bytes(new Uint8Array(data as ArrayBuffer)));
  socket.onclose = ({ code, reason }) => events.closed(code, reason);
  return {
    send: (data) => socket.readyState === WebSocket.OPEN && socket.send(data as Uint8Array<ArrayBuffer>),
    close: (code) => socket.close(code),
  };
}
