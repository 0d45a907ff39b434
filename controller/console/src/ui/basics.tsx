import { ActionIcon, Alert, Anchor, Badge, Button, Skeleton, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useEffect, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { ApiError, controllerNow } from "../api/client";
import { duration, exact, relative } from "../lib/format";
import { Icon, type IconName } from "./Icon";

/** Title and acts of a page; also names the browser's tab. */
export function Page(props: {
  title: string;
  lead?: ReactNode;
  back?: { href: string; label: string };
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${props.title} · Fairlead`;
  }, [props.title]);
  return (
    <div className="fl-page">
      <header className="fl-page-head">
        <div className="fl-page-titles">
          {props.back && (
            <Link href={props.back.href} className="fl-back">
              <Icon name="chevronRight" size={14} style={{ transform: "rotate(180deg)" }} />
              {props.back.label}
            </Link>
          )}
          <h1>{props.title}</h1>
          {props.lead && <div className="fl-lead">{props.lead}</div>}
        </div>
        {props.actions && <div className="fl-page-actions">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

export function Panel(props: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  /** Makes it a section of a form: title and this sentence at the left, the fields at the right. */
  hint?: ReactNode;
}) {
  return (
    <section className={props.hint ? "fl-panel fl-split" : "fl-panel"}>
      {props.title && (
        <div className="fl-panel-head">
          <div>
            <h2>{props.title}</h2>
            {props.hint && <div className="fl-hint">{props.hint}</div>}
          </div>
          {props.actions && <div className="fl-panel-actions">{props.actions}</div>}
        </div>
      )}
      <div className={props.flush ? "fl-panel-flush" : "fl-panel-body"}>{props.children}</div>
    </section>
  );
}

/** What a list says when it is empty: why, and what to do next. */
export function Empty(props: { icon: IconName; title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="fl-empty">
      <span className="fl-empty-icon">
        <Icon name={props.icon} size={22} />
      </span>
      <h2>{props.title}</h2>
      <p>{props.children}</p>
      {props.action}
    </div>
  );
}

export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : null;
  const rest = problem?.errors?.filter((e) => e.message) ?? [];
  return (
    <Alert color="signal" variant="light" icon={<Icon name="warning" />} title={problem?.title || "That did not work"} role="alert">
      <div>{problem?.detail || String(error)}</div>
      {rest.length > 0 && (
        <ul className="fl-problem-fields">
          {rest.map((e) => (
            <li key={e.field + e.message}>
              <code>{e.field}</code> {e.message}
            </li>
          ))}
        </ul>
      )}
      {problem?.operation_id && <OtherOperation id={problem.operation_id} />}
      {problem?.retry_after_s && <Wait key={problem.request_id} seconds={problem.retry_after_s} />}
      {problem?.request_id && <div className="fl-request-id">request {problem.request_id}</div>}
      {retry && (
        <Button size="xs" variant="default" mt="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

/** The operation that is in the way. */
function OtherOperation({ id }: { id: string }) {
  const org = /^\/o\/[^/]+/.exec(window.location.pathname)?.[0];
  return org ? <LinkTo href={`${org}/operations/${id}`}>See that operation</LinkTo> : null;
}

function Wait({ seconds }: { seconds: number }) {
  const [end] = useState(() => controllerNow() + seconds * 1000);
  const left = Math.ceil((end - useNow()) / 1000);
  return <div>{left > 0 ? `You can try again in ${duration(left * 1000)}.` : "You can try again now."}</div>;
}

/** Shows what a query has, is waiting for, or failed with. */
export function Loaded<T>(props: {
  query: { data: T | undefined; error: unknown; refetch: () => unknown };
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const { data, error, refetch } = props.query;
  if (data !== undefined) return <>{props.children(data)}</>;
  if (error) return <ProblemNote error={error} retry={() => void refetch()} />;
  return <Waiting lines={props.lines} />;
}

export function Waiting({ lines = 4 }: { lines?: number }) {
  return (
    <div className="fl-loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <Skeleton key={i} height={18} width={`${92 - ((i * 17) % 40)}%`} />
      ))}
    </div>
  );
}

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

export function CopyButton({ value, label = "Copy" }: { value: string; label?: string }) {
  const clipboard = useClipboard({ timeout: 1600 });
  return (
    <Tooltip label={clipboard.copied ? "Copied" : label} withArrow>
      <ActionIcon variant="subtle" color="gray" onClick={() => clipboard.copy(value)} aria-label={label}>
        <Icon name={clipboard.copied ? "check" : "copy"} size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

/** A command to take away. */
export function Command({ value, label, prompt = "#" }: { value: string; label: string; prompt?: "#" | "$" }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className="fl-command">
      <pre tabIndex={0} aria-label={label}>
        <span className="fl-prompt" aria-hidden="true">
          {prompt}{" "}
        </span>
        {value}
      </pre>
      <Button
        size="xs"
        variant="light"
        leftSection={<Icon name={clipboard.copied ? "check" : "copy"} size={14} />}
        onClick={() => clipboard.copy(value)}
      >
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}

/** Pairs of name and value. */
export function Facts({ items }: { items: [string, ReactNode][] }) {
  return (
    <dl className="fl-facts">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value == null || value === "" ? <span className="fl-dim">–</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Mono({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className="fl-mono" title={title}>
      {children}
    </span>
  );
}

export function LinkTo({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Anchor component={Link} href={href} className="fl-link">
      {children}
    </Anchor>
  );
}

export function LinkButton(props: {
  href: string;
  children: ReactNode;
  icon?: IconName;
  variant?: "filled" | "default" | "light" | "subtle";
  size?: "xs" | "sm";
}) {
  return (
    <Button
      component={Link}
      href={props.href}
      variant={props.variant ?? "filled"}
      size={props.size ?? "sm"}
      leftSection={props.icon && <Icon name={props.icon} size={16} />}
    >
      {props.children}
    </Button>
  );
}

export function Labels({ labels }: { labels: Record<string, string> }) {
  const entries = Object.entries(labels);
  if (!entries.length) return null;
  return (
    <span className="fl-labels">
      {entries.map(([name, value]) => (
        <Badge key={name} variant="default" size="sm" className="fl-label">
          <span className="fl-dim">{name}</span> {value}
        </Badge>
      ))}
    </span>
  );
}

/** A share of something limited: a bar that turns brass at 80 % and red at 92 %. */
export function Meter({ value, label, text }: { value: number | null; label: string; text: ReactNode }) {
  const tone = value == null ? "none" : value >= 92 ? "high" : value >= 80 ? "warm" : "calm";
  return (
    <div className="fl-meter" data-tone={tone}>
      <div className="fl-meter-top">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      <div
        className="fl-meter-bar"
        {...(value == null
          ? { "aria-hidden": true }
          : { role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(value) })}
      >
        <span style={{ width: `${value ?? 0}%` }} />
      </div>
    </div>
  );
}

/** In place of a page whose subject was deleted while it was shown. */
export function Gone({ name, href, all }: { name: string; href: string; all: string }) {
  return (
    <div className="fl-page">
      <Panel>
        <Empty icon="trash" title={`${name} is gone`} action={<LinkButton href={href}>{all}</LinkButton>}>
          It was deleted. The audit log says by whom and when.
        </Empty>
      </Panel>
    </div>
  );
}
