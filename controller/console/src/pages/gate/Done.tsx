import type { ReactNode } from "react";
import { Icon, type IconName } from "../../ui/Icon";

/** The end of something at the gate: what happened, and what comes next. */
export function Done({ icon, title, children }: { icon: IconName; title: string; children: ReactNode }) {
  return (
    <div className="fl-gate-form" role="status">
      <span className="fl-empty-icon">
        <Icon name={icon} size={22} />
      </span>
      <h1>{title}</h1>
      {children}
    </div>
  );
}
