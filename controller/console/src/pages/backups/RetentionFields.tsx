import { Button, NumberInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { previewQuery } from "../../api/backups";
import type { ApiError } from "../../api/client";
import type { Retention } from "../../api/types";
import { useOrg } from "../../app/access";
import { backupKinds, sayRules } from "../../lib/backups";
import { count } from "../../lib/format";
import { timeIn } from "../../lib/zones";
import { Loaded } from "../../ui/Problem";
import { Lamp } from "../../ui/status";
import { Row, Table } from "../../ui/Table";

const spans: [field: keyof Retention, label: string][] = [
  ["last", "The last"],
  ["hourly", "Hourly"],
  ["daily", "Daily"],
  ["weekly", "Weekly"],
  ["monthly", "Monthly"],
  ["yearly", "Yearly"],
];

export function RetentionFields({ value, onChange, error, disabled }: { value: Retention; onChange: (value: Retention) => void; error: ApiError | null; disabled?: boolean }) {
  return (
    <>
      <p className="fl-dim fl-small">
        Of each span the newest backup stays, for as many spans as you say: 7 daily ones reach back a week, 4 weekly ones a month. A backup stays as long as any rule names it. The newest good one
        always stays. All zero: nothing is ever removed.
      </p>
      <div className="fl-spans">
        {spans.map(([field, label]) => (
          <NumberInput
            key={field}
            label={label}
            min={0}
            max={1000}
            allowDecimal={false}
            value={value[field] ?? 0}
            onChange={(n) => onChange({ ...value, [field]: Number(n) || 0 })}
            error={error?.field(`retention.${field}`)}
            disabled={disabled}
          />
        ))}
      </div>
      {error?.field("retention") && <p className="fl-field-error">{error.field("retention")}</p>}
    </>
  );
}

const few = 8;

/** What these numbers would do to the backups that are there now. */
export function RetentionPreview({ environment, retention, zone }: { environment: string; retention: Retention; zone: string }) {
  const org = useOrg();
  const [all, setAll] = useState(false);
  const [asked] = useDebouncedValue(retention, 350);
  const preview = useQuery({ ...previewQuery(org, environment, asked, zone), placeholderData: keepPreviousData });
  return (
    <section aria-label="What would stay" className="fl-panel" aria-busy={preview.isFetching}>
      <Loaded query={preview} lines={2}>
        {({ data, stay, go }) => (
          <>
            <div className="fl-panel-head">
              <h3>
                <span role="status">{data.length ? `Of the backups that there are now ${stay} would stay${go ? ` and ${go} would go` : ""}` : "There is no backup yet that this would remove"}</span>
              </h3>
            </div>
            {data.length > 0 && (
              <div className="fl-panel-flush">
                <Table label="What would stay" head={["Made", "With these numbers", "Because"]}>
                  {(all ? data : data.slice(0, few)).map((one) => (
                    <Row key={one.backup_id}>
                      <td>
                        <span className="fl-when">{timeIn(zone, new Date(one.finished_at))}</span>
                        <span className="fl-sub">{backupKinds[one.kind]}</span>
                      </td>
                      <td data-name="With these numbers" className="fl-quiet">
                        <Lamp tone={one.stays ? "good" : "warn"}>{one.stays ? "Stays" : "Goes"}</Lamp>
                      </td>
                      <td data-name="Because" className="fl-quiet">
                        {one.stays ? sayRules(one.rules) : <span className="fl-dim">no rule names it</span>}
                      </td>
                    </Row>
                  ))}
                </Table>
                {!all && data.length > few && (
                  <div className="fl-more">
                    <Button size="xs" variant="default" onClick={() => setAll(true)}>
                      Show the other {count(data.length - few, "backup")}
                    </Button>
                  </div>
                )}
              </div>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}
