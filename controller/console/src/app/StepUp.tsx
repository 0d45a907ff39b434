import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { whenProofNeeded } from "../api/client";

const StepUpDialog = lazy(() => import("./StepUpDialog"));

type End = (proven: boolean) => void;

/**
 * The one place that asks for a proof when a request is refused with `step_up_required`. The client repeats the request afterwards
 * (`api/again.ts`): pages need to know nothing of it.
 */
export function StepUp() {
  const [asked, setAsked] = useState(false);
  const waiting = useRef<End | null>(null);

  const end: End = (proven) => {
    setAsked(false);
    waiting.current?.(proven);
    waiting.current = null;
  };

  useEffect(() => {
    whenProofNeeded(() => {
      setAsked(true);
      return new Promise<boolean>((done) => (waiting.current = done));
    });
    // Escape closes this dialog alone, not the one below from which the request came. Those begin to listen later, so they hear it later.
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !waiting.current) return;
      event.stopImmediatePropagation();
      end(false);
    };
    window.addEventListener("keydown", escape, { capture: true });
    return () => {
      window.removeEventListener("keydown", escape, { capture: true });
      whenProofNeeded(async () => false);
      end(false);
    };
  }, []);

  // The button that asked waits for its answer and cannot be given the focus back; the dialog that it is in can.
  useEffect(() => {
    if (!asked) return;
    return () => {
      setTimeout(() => {
        if (document.activeElement === document.body) document.querySelector<HTMLElement>("[role=dialog]")?.focus();
      }, 50);
    };
  }, [asked]);

  return <Suspense fallback={null}>{asked && <StepUpDialog onEnd={end} />}</Suspense>;
}
