import type { Environment } from "../../api/types";
import { LogScreen } from "./LogScreen";

/** What an environment's Odoo says. */
export default function LogsTab({ environment }: { environment: Environment }) {
  return (
    <LogScreen
      key={environment.id}
      of={{ environment: environment.id }}
      name={`Log of ${environment.name}`}
      hint={environment.current_release ? "What Odoo writes appears here as it comes." : "Nothing is deployed yet. What Odoo writes appears here once it runs."}
    />
  );
}
