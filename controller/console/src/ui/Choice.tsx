import { Radio } from "@mantine/core";
import { useId } from "react";

/** One of a few, each with a sentence. `value` null: nothing is assumed, the person has to choose. */
export function Choice<T extends string>(props: {
  label: string;
  value: T | null;
  onChange: (value: T) => void;
  options: [value: T, title: string, note: string, disabled?: boolean][];
}) {
  const name = useId();
  return (
    <fieldset className="fl-choices">
      <legend>{props.label}</legend>
      <div>
        {props.options.map(([value, title, note, disabled]) => (
          <label key={value} className="fl-choice" data-checked={props.value === value || undefined} data-disabled={disabled || undefined}>
            <Radio
              name={name}
              value={value}
              checked={props.value === value}
              disabled={disabled}
              onChange={() => props.onChange(value)}
              aria-label={title}
              aria-describedby={`${name}-${value}`}
            />
            <span>
              <b>{title}</b>
              <span className="fl-dim fl-small" id={`${name}-${value}`}>
                {note}
              </span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
