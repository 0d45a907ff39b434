import { TextInput } from "@mantine/core";

/** "region=fra client=acme" → labels; null when a word is not name=value. */
export function parseLabels(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {};
  for (const word of text.split(/[\s,]+/).filter(Boolean)) {
    const at = word.indexOf("=");
    if (at < 1) return null;
    labels[word.slice(0, at)] = word.slice(at + 1);
  }
  return labels;
}

export function writeLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

export function LabelsInput(props: { value: string; onChange: (value: string) => void; error?: string }) {
  const wrong = props.value && !parseLabels(props.value) ? "Write name=value, with a space between two labels" : undefined;
  return (
    <TextInput
      label="Labels"
      description="To sort servers by, such as client=acme region=fra"
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
      error={wrong ?? props.error}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
