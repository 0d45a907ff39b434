import { useEffect, type ReactNode } from "react";
import { Link } from "wouter";
import { LinkButton } from "./bits";
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
