import { infiniteQueryOptions, queryOptions, type QueryKey } from "@tanstack/react-query";

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

interface Ask {
  query: { limit: number; cursor: string | undefined };
  signal: AbortSignal;
}

/** A list that is short by nature (plans cap it), held whole; stops at 2,000 so that nothing is unbounded. */
export const wholeList = <T>(queryKey: QueryKey, page: (ask: Ask) => Promise<Page<T>>) =>
  queryOptions({
    queryKey,
    queryFn: async ({ signal }) => {
      const items: T[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < 10; pages++) {
        const { data, next_cursor } = await page({ query: { limit: 200, cursor }, signal });
        items.push(...data);
        if (!next_cursor) break;
        cursor = next_cursor;
      }
      return items;
    },
  });

/** A list that grows without end, held page by page as far as somebody asked for. */
export const pagedList = <T>(queryKey: QueryKey, limit: number, page: (ask: Ask) => Promise<Page<T>>) =>
  infiniteQueryOptions({
    queryKey,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: cursor, signal }) => page({ query: { limit, cursor }, signal }),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
