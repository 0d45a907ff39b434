import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, need } from "../api/client";
import { useAct } from "./act";

/** Ends the session and leads to the sign-in page. */
export function useSignOut() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return useAct({
    run: () => need(api.DELETE("/api/v1/session")),
    done: () => {
      navigate("/signin", { replace: true });
      client.clear();
    },
  });
}

/** Where there is no menu that has it. */
export function SignOutButton() {
  const signOut = useSignOut();
  return (
    <Button variant="subtle" size="xs" onClick={() => signOut.mutate()} loading={signOut.isPending}>
      Sign out
    </Button>
  );
}
