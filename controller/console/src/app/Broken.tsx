import { Component, type ReactNode } from "react";
import { Button } from "@mantine/core";

interface Props {
  /** A new value is a new page: what broke the old one is forgotten. */
  page: string;
  children: ReactNode;
}

const lastReload = "fairlead-reloaded-at";

/**
 * Catches what a page throws while it is drawn, so that the rest of the console stays. A part of the program that cannot be loaded any
 * more, because the controller was updated meanwhile, is fetched anew by loading the page again, once in a while.
 */
export class Broken extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error) {
    if (!isMissingPart(error)) return;
    const last = Number(sessionStorage.getItem(lastReload) ?? 0);
    if (Date.now() - last < 30_000) return;
    sessionStorage.setItem(lastReload, String(Date.now()));
    window.location.reload();
  }

  override componentDidUpdate(before: Props) {
    if (before.page !== this.props.page && this.state.error) this.setState({ error: null });
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="fl-page" role="alert">
        <h1>This page could not be shown</h1>
        <p className="fl-dim">
          {isMissingPart(error)
            ? "A part of the console could not be loaded. The controller may be restarting, or was updated."
            : "That is a fault of the console; nothing on your servers is affected. What follows helps whoever looks for it."}
        </p>
        <pre className="fl-mono fl-small" style={{ whiteSpace: "pre-wrap" }}>
          {error.message}
        </pre>
        <div>
          <Button onClick={() => window.location.reload()}>Load the page again</Button>
        </div>
      </div>
    );
  }
}

function isMissingPart(error: Error): boolean {
  return /dynamically imported module|Importing a module script failed|module script/i.test(error.message);
}
