import { Popover, UnstyledButton } from "@mantine/core";
import type { Environment, Server } from "../../api/types";
import { isLoopback } from "../../lib/loopback";
import { Command } from "../../ui/Command";
import { Icon } from "../../ui/Icon";

/** Where an environment's Odoo answers. On the server's loopback address a link would lead to the reader's own machine. */
export function Where({ environment, server }: { environment: Environment; server: Server | undefined }) {
  const url = parse(environment.url);
  if (!url) return null;
  if (!isLoopback(url.hostname)) {
    return (
      <a href={url.href} target="_blank" rel="noreferrer noopener" className="fl-row fl-outside">
        {url.host}
        <Icon name="external" size={14} />
        <span className="fl-sr">, opens in a new tab</span>
      </a>
    );
  }
  const port = url.port || "80";
  const host = server?.facts.addresses?.[0] ?? server?.name ?? "the-server";
  return (
    <Popover width={420} position="bottom-start" shadow="md" withinPortal>
      <Popover.Target>
        <UnstyledButton className="fl-row fl-outside">
          port {port} on {server?.name ?? "the server"}
          <span className="fl-sr">, how to open it</span>
          <Icon name="info" size={15} />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <div className="fl-stack" style={{ gap: 10 }}>
          <p className="fl-small">
            Odoo answers on the server itself, and is open to nobody else. To look at it from here, lead the port through SSH and open{" "}
            <code>http://127.0.0.1:{port}/</code>:
          </p>
          <Command value={`ssh -N -L ${port}:127.0.0.1:${port} root@${host}`} label="Command to forward the port" prompt="$" />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function parse(text: string | null): URL | null {
  try {
    const url = new URL(text ?? "");
    return url.protocol === "http:" || url.protocol === "https:" ? url : null;
  } catch {
    return null;
  }
}
