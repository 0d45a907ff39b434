import type { Check } from "../api/types";
import { Lamp } from "./status";

const results = { passed: ["good", "Passed"], warning: ["warn", "Warning"], failed: ["bad", "Failed"] } as const;
const worst = { failed: 0, warning: 1, passed: 2 };

/** What was looked at and what was found, the worst first; and what to do about it. */
export function CheckList({ checks }: { checks: Check[] }) {
  return (
    <ul className="fl-check-list">
      {[...checks]
        .sort((a, b) => worst[a.result] - worst[b.result])
        .map((check, i) => {
          const [tone, word] = results[check.result];
          return (
            <li key={`${check.id}-${i}`}>
              <Lamp tone={tone}>{word}</Lamp>
              <div>
                <strong>{check.title}</strong>
                <div className="fl-dim">
                  {check.value}
                  {check.need && <> · needs {check.need}</>}
                </div>
                {check.remedy && check.result !== "passed" && <div className="fl-check-remedy">{check.remedy}</div>}
              </div>
            </li>
          );
        })}
    </ul>
  );
}
