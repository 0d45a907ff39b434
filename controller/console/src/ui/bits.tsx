import { Anchor, Badge, Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Icon, type IconName } from "./Icon";

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
