import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { Icon } from "./Icon";

export function CopyButton({ value, label = "Copy" }: { value: string; label?: string }) {
  const clipboard = useClipboard({ timeout: 1600 });
  return (
    <Tooltip label={clipboard.copied ? "Copied" : label} withArrow>
      <ActionIcon variant="subtle" color="gray" onClick={() => clipboard.copy(value)} aria-label={label}>
        <Icon name={clipboard.copied ? "check" : "copy"} size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

/** A command to take away. */
export function Command({ value, label, prompt = "#" }: { value: string; label: string; prompt?: "#" | "$" }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className="fl-command">
      <pre tabIndex={0} aria-label={label}>
        <span className="fl-prompt" aria-hidden="true">
          {prompt}{" "}
        </span>
        {value}
      </pre>
      <Button
        size="xs"
        variant="light"
        leftSection={<Icon name={clipboard.copied ? "check" : "copy"} size={14} />}
        onClick={() => clipboard.copy(value)}
      >
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}

/** Something to take away that is no command: a key, a link. */
export function Secret({ value, label }: { value: string; label: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className="fl-command">
      <pre tabIndex={0} aria-label={label}>
        {value}
      </pre>
      <Button size="xs" variant="light" leftSection={<Icon name={clipboard.copied ? "check" : "copy"} size={14} />} onClick={() => clipboard.copy(value)} data-autofocus>
        {clipboard.copied ? "Copied" : "Copy"}
      </Button>
    </div>
  );
}
