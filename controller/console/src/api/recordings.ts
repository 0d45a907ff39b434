import { queryOptions } from "@tanstack/react-query";
import { api, need, ownProblem } from "./client";
import { keys } from "./keys";
import type { Recording } from "./types";

/** Asked of the server each time, and written into the audit log: not by itself. */
export const recordingsQuery = (org: string, server: string) =>
  queryOptions({
    queryKey: keys.recordings(org, server),
    queryFn: async ({ signal }) => {
      const text = await need(whole(api.GET("/api/v1/orgs/{org}/servers/{server}/recordings", { params: { path: { org, server } }, parseAs: "text", signal })));
      return String(text).split("\n").filter(Boolean).map((line) => JSON.parse(line) as Recording);
    },
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    retry: false,
  });

/** An asciicast; each call is a replay in the audit log. */
export async function readRecording(org: string, server: string, recording: string, signal: AbortSignal): Promise<string> {
  return String(await need(whole(api.GET("/api/v1/orgs/{org}/servers/{server}/recordings/{recording}", { params: { path: { org, server, recording } }, parseAs: "text", signal }))));
}

/** What breaks off on its way is no half of a recording. */
async function whole<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw ownProblem("lost", "It broke off", "The answer was not whole, or the controller could not be reached. Try again; if it stays so, on the server journalctl -u 'fairlead-recordings@*' says more.");
  }
}

/** Where the browser fetches the file from. */
export const recordingFile = (org: string, server: string, recording: string) => `/api/v1/orgs/${org}/servers/${server}/recordings/${recording}`;
