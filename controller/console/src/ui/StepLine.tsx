import type { Step } from "../api/types";
import { duration } from "../lib/format";
import { useNow } from "./basics";

const words: Record<Step["state"], string> = {
  pending: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  undone: "undone",
  skipped: "skipped",
};

/** Steps of an operation as rings on a line; the line is drawn as far as the work has come. */
export function StepLine({ steps, live }: { steps: Step[]; live: boolean }) {
  const now = useNow(live && steps.some((step) => step.state === "running"));
  if (!steps.length) return null;
  return (
    <ol className="fl-steps">
      {steps.map((step) => {
        const end = step.finished_at ? Date.parse(step.finished_at) : now;
        const took = step.started_at && step.state !== "pending" ? end - Date.parse(step.started_at) : null;
        return (
          <li key={step.name} data-state={step.state} aria-current={step.state === "running" ? "step" : undefined}>
            <span className="fl-ring" aria-hidden="true" />
            <span className="fl-step-text">
              <span className="fl-step-title">{step.title}</span>
              <span className="fl-step-note">
                <span className="fl-sr">{words[step.state]} </span>
                {step.state === "skipped" || step.state === "undone"
                  ? words[step.state]
                  : step.state === "running" && step.percent
                    ? `${step.percent}\u00a0%`
                    : took != null
                      ? duration(took)
                      : "\u00a0"}
              </span>
              {step.detail && <span className="fl-step-detail">{step.detail}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
