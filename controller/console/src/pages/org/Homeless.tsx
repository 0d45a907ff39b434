import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, need } from "../../api/client";
import type { Session } from "../../api/types";
import { useAct } from "../../app/act";
import { LinkTo } from "../../ui/bits";
import { CreateOrg } from "./CreateOrg";

/** For somebody who is signed in and belongs to no organization. */
export default function Homeless({ session }: { session: Session }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const signOut = useAct({
    run: () => need(api.DELETE("/api/v1/session")),
    done: () => {
      navigate("/signin", { replace: true });
      client.clear();
    },
  });
  return (
    <main className="fl-gate-main" style={{ minHeight: "100vh" }}>
      <div className="fl-gate-form">
        <div>
          <h1>No organization yet</h1>
          <p className="fl-dim">
            {session.user.email} belongs to none. If you were invited, open the link in the invitation. Or begin one of your own:
          </p>
        </div>
        <CreateOrg />
        <div className="fl-between">
          <LinkTo href="/account">Your account</LinkTo>
          <Button variant="subtle" size="xs" onClick={() => signOut.mutate()} loading={signOut.isPending}>
            Sign out
          </Button>
        </div>
      </div>
    </main>
  );
}
