import { useSyncExternalStore } from "react";

const ids = new Set<string>();
const watchers = new Set<() => void>();

/** Notes that a thing was deleted, here or elsewhere. Ids are never used again, so nothing is ever taken out. */
export function markGone(id: string) {
  ids.add(id);
  watchers.forEach((each) => each());
}

/** Whether the thing that a page shows was deleted meanwhile. */
export function useGone(id: string): boolean {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => ids.has(id),
  );
}
