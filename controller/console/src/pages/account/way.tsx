import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { accountQuery } from "../../api/account";
import { sessionQuery } from "../../api/session";
import { Icon, type IconName } from "../../ui/Icon";

/** One way of signing in: what it is, how it stands, and what can be done with it. */
export function Way({ icon, title, children, acts }: { icon: IconName; title: ReactNode; children: ReactNode; acts?: ReactNode }) {
  return (
    <li className="fl-way">
      <Icon name={icon} size={20} />
      <div className="fl-way-text">
        <b>{title}</b>
        <div className="fl-dim fl-small">{children}</div>
      </div>
      {acts && <div className="fl-way-acts">{acts}</div>}
    </li>
  );
}

/** Fetches anew what says which ways there are: all below the account, and the session, which may have given a second factor. */
export function useWaysChanged() {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: accountQuery.queryKey });
    void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
}
