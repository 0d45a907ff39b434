import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../api/session";
import type { Session } from "../api/types";

/** Of whoever is signed in; also for pages that belong to no organization. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error("useSession before one is signed in");
  return data;
}
