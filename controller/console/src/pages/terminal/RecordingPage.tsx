import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState } from "react";
import { useHref, useOrg } from "../../app/access";
import { ownProblem } from "../../api/client";
import { readRecording, recordingFile } from "../../api/recordings";
import { serverQuery } from "../../api/servers";
import { readCast, type Cast } from "../../lib/cast";
import { Icon } from "../../ui/Icon";
import { Page } from "../../ui/Page";
import { Loaded, ProblemNote, Waiting } from "../../ui/Problem";

const Replay = lazy(() => import("./Replay"));

/** One recording, fetched once: each time is a replay in the audit log. */
export default function RecordingPage({ server: id, recording }: { server: string; recording: string }) {
  const org = useOrg();
  const href = useHref();
  const server = useQuery(serverQuery(org, id));
  const [cast, setCast] = useState<Cast | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setCast(null);
    setError(null);
    readRecording(org, id, recording, stop.signal).then(
      (text) => {
        if (stop.signal.aborted) return;
        try {
          setCast(readCast(text));
        } catch (cause) {
          setError(ownProblem("no_recording", "It cannot be played", (cause as Error).message));
        }
      },
      (cause: unknown) => !stop.signal.aborted && setError(cause),
    );
    return () => stop.abort();
  }, [org, id, recording, attempt]);
  return (
    <Loaded query={server}>
      {(one) => (
        <Page
          title={`Recording of ${one.name}`}
          back={{ href: href(`/servers/${one.id}/recordings`), label: `Recordings of ${one.name}` }}
          lead={<span className="fl-dim fl-small">{recording}</span>}
          actions={
            <Button component="a" href={recordingFile(org, id, recording)} download variant="default" leftSection={<Icon name="download" size={16} />}>
              Download
            </Button>
          }
        >
          {error !== null && <ProblemNote error={error} retry={() => setAttempt(attempt + 1)} />}
          {error === null && !cast && <Waiting />}
          {cast && (
            <Suspense fallback={null}>
              <Replay key={attempt} cast={cast} label={`Recording of a terminal of ${one.name}`} />
            </Suspense>
          )}
        </Page>
      )}
    </Loaded>
  );
}
