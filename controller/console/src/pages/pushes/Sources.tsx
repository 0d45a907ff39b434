import { Checkbox } from "@mantine/core";
import type { PushDeploy } from "../../api/types";
import { repositoriesOf } from "../../lib/pushes";
import { Mono } from "../../ui/bits";

interface Props {
  sources: PushDeploy["sources"];
  /** Null: all. */
  value: string[] | null;
  onChange: (value: string[] | null) => void;
  disabled?: boolean;
}

/** Which repositories count, each with the branch that a push has to go to. */
export function Sources({ sources, value, onChange, disabled }: Props) {
  const counting = value ?? sources.map(({ name }) => name);
  const last = sources.filter(({ name }) => counting.includes(name)).length === 1;
  return (
    <fieldset className="fl-sources">
      <legend>A push to these deploys it</legend>
      {sources.map(({ name, url, branch }) => {
        const on = counting.includes(name);
        return (
          <Checkbox
            key={name}
            size="sm"
            label={
              <>
                {name}, branch <Mono>{branch}</Mono>
              </>
            }
            description={url}
            checked={on}
            disabled={disabled || (on && last)}
            title={on && last ? "One of them has to count. To stop all of them turn push deploys off." : undefined}
            onChange={(event) => onChange(repositoriesOf(sources, event.currentTarget.checked ? [...counting, name] : counting.filter((each) => each !== name)))}
          />
        );
      })}
      {value === null && sources.length > 0 && <p className="fl-dim fl-small">All of them, also those that the project gets later.</p>}
    </fieldset>
  );
}
