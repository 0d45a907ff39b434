import { ActionIcon, Alert, Button, Drawer } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useLocation } from "wouter";
import { useOrgEvents } from "../live/hooks";
import type { StreamState } from "../live/stream";
import { Icon } from "../ui/Icon";
import { Broken } from "./Broken";
import { useAccess } from "./access";
import { Finder } from "./Finder";
import { Brand, Rail } from "./Rail";
import { Visit } from "./Visit";

export function Shell({ children }: { children: ReactNode }) {
  const { org } = useAccess();
  const stream = useOrgEvents(org.id);
  const [menu, { open, close }] = useDisclosure(false);
  const [finder, finding] = useDisclosure(false);
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useHotkeys([
    ["mod+K", finding.open],
    ["/", finding.open],
  ]);

  useEffect(() => {
    close();
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location, close]);

  return (
    <div className="fl-shell">
      <a className="fl-skip" href="#main">
        Skip to content
      </a>
      <nav className="fl-rail" aria-label="Main">
        <Rail onFind={finding.open} />
      </nav>
      <header className="fl-topbar">
        <ActionIcon variant="transparent" color="white" onClick={open} aria-label="Open menu" size="lg">
          <Icon name="menu" size={22} />
        </ActionIcon>
        <Brand />
        <ActionIcon variant="transparent" color="white" onClick={finding.open} aria-label="Go to…" size="lg" style={{ marginLeft: "auto" }}>
          <Icon name="search" size={20} />
        </ActionIcon>
      </header>
      <main className="fl-main" id="main" tabIndex={-1} ref={main} style={{ outline: "none" }}>
        <Visit />
        <Updated />
        <Broken page={location}>{children}</Broken>
      </main>
      <Drawer.Root opened={menu} onClose={close} size={272} padding={0} lockScroll={false}>
        <Drawer.Overlay />
        <Drawer.Content aria-label="Menu" style={{ background: "var(--fl-hull)" }}>
          <Drawer.Body style={{ height: "100%" }}>
            <nav className="fl-rail fl-drawer-rail" aria-label="Main">
              <Rail
                onFind={() => {
                  close();
                  finding.open();
                }}
              />
            </nav>
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      <Finder opened={finder} onClose={finding.close} />
      <Lost state={stream} />
    </div>
  );
}

/** Said only when it lasts: a short break is nobody's business. */
function Lost({ state }: { state: StreamState }) {
  const [shown, setShown] = useState(false);
  const away = state === "lost" || state === "connecting";
  useEffect(() => {
    if (!away) return setShown(false);
    const timer = setTimeout(() => setShown(true), 3000);
    return () => clearTimeout(timer);
  }, [away]);
  return (
    <div role="status" aria-live="polite">
      {shown && (
        <div className="fl-lost">
          <Icon name="bolt" size={16} />
          No live updates: the controller does not answer. Trying again…
        </div>
      )}
    </div>
  );
}

/** The controller that answers is not the one that this page came from. */
function Updated() {
  const { session } = useAccess();
  const [came] = useState(session.controller.version);
  const now = session.controller.version;
  if (now === came) return null;
  return (
    <Alert color="petrol" mb="md" title={`The controller was updated to ${now}`}>
      <Button size="xs" variant="light" onClick={() => window.location.reload()}>
        Load its console
      </Button>
    </Alert>
  );
}
