import type { ReactNode } from "react";
import { useLocation } from "wouter";

/** A list. On a phone each row is a card, and each cell says its column's name. */
export function Table(props: { head: (string | { label: string; className?: string; hidden?: boolean })[]; label: string; children: ReactNode }) {
  return (
    <table className="fl-table" aria-label={props.label}>
      <thead>
        <tr>
          {props.head.map((cell) => {
            const { label, className, hidden } = typeof cell === "string" ? { label: cell, className: undefined, hidden: false } : cell;
            return (
              <th key={label} scope="col" className={className}>
                {hidden ? <span className="fl-sr">{label}</span> : label}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  );
}

/** A row that opens a page when clicked anywhere; its name holds the real link, for keyboard and screen reader. */
export function Row({ href, children }: { href?: string; children: ReactNode }) {
  const [, navigate] = useLocation();
  return (
    <tr
      data-link={href ? true : undefined}
      onClick={(event) => {
        if (!href || (event.target as HTMLElement).closest("a,button,input,[role=menu]")) return;
        if (window.getSelection()?.toString()) return;
        if (event.metaKey || event.ctrlKey) window.open(href, "_blank", "noopener");
        else navigate(href);
      }}
    >
      {children}
    </tr>
  );
}
