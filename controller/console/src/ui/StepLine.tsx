import type { Step } from "../api/types";
import { duration } from "../lib/format";
import { useNow } from "./time";

const words: Record<Step["state"], string> = {
  pending: "waiting",
  running: "running",
  done: "done",
  failed: "failed",
  undone: "undone",
  skipped: "skipped",
};

/**
 * Steps of an operation as rings on a line; the line is drawn as far as the work has come. Where there is room they stand side by side with
 * one word each and the present one's sentence below; otherwise one below the other. `told`: why it failed is said elsewhere.
 */
export function StepLine({ steps, live, told }: { steps: Step[]; live: boolean; told?: boolean }) {
  const now = useNow(live && steps.some((step) => step.state === "running"));
  if (!steps.length) return null;
  const said = (told ? undefined : steps.find((step) => step.state === "failed")) ?? (live ? steps.find((step) => step.state === "running") : undefined);
  return (
    <div className="fl-steps-box">
      <ol className="fl-steps">
        {steps.map((step) => (
          <li key={step.name} data-state={step.state} aria-current={step.state === "running" ? "step" : undefined} title={step.title}>
            <span className="fl-ring" aria-hidden="true" />
            <span className="fl-step-text">
              <span className="fl-step-short" aria-hidden="true">
                {short(step.name)}
              </span>
              <span className="fl-step-title">{step.title}</span>
              <span className="fl-step-note">
                <span className="fl-sr">{words[step.state]} </span>
                {note(step, now)}
              </span>
              {step.detail && !(told && step.state === "failed") && <span className="fl-step-detail">{step.detail}</span>}
            </span>
          </li>
        ))}
      </ol>
      {said && (
        <p className="fl-steps-now" data-state={said.state} aria-hidden="true">
          <b>{said.title}</b>
          {said.state === "running" && said.percent ? ` ${said.percent}\u00a0%` : ""}
          {said.detail && <span className="fl-dim"> {said.detail}</span>}
        </p>
      )}
    </div>
  );
}

function note(step: Step, now: number): string {
  if (step.state === "skipped" || step.state === "undone") return words[step.state];
  if (step.state === "pending" || !step.started_at) return "\u00a0";
  if (step.state === "running" && step.percent) return `${step.percent}\u00a0%`;
  return duration((step.finished_at ? Date.parse(step.finished_at) : now) - Date.parse(step.started_at));
}

/** One word for a narrow place: "preflight" is the one that people would not say. */
function short(name: string): string {
  if (name === "preflight") return "Check";
  return (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
}
