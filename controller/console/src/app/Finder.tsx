import { Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { environmentsQuery } from "../api/environments";
import { projectsQuery } from "../api/projects";
import { serversQuery } from "../api/servers";
import { Icon, type IconName } from "../ui/Icon";
import { useGo, useMay, useOrg, useShown } from "./access";
import { pages } from "./routes";

interface Place {
  path: string;
  name: string;
  kind: string;
  icon: IconName;
}

/** Goes to anything by its name: Ctrl K, some letters, Enter. */
export function Finder({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal.Root opened={opened} onClose={onClose} padding={0} centered={false} yOffset="12vh" size={520} lockScroll={false}>
      <Modal.Overlay />
      <Modal.Content aria-label="Go to" radius="md">
        <Modal.Body>
          <Inside onClose={onClose} />
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function Inside({ onClose }: { onClose: () => void }) {
  const org = useOrg();
  const may = useMay();
  const shown = useShown();
  const go = useGo();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const environments = useQuery({ ...environmentsQuery(org), enabled: may("environments.view") }).data;
  const servers = useQuery({ ...serversQuery(org), enabled: may("servers.view") }).data;
  const projects = useQuery({ ...projectsQuery(org), enabled: may("projects.view") }).data;

  const found = useMemo(() => {
    const places: Place[] = [
      ...(environments ?? []).map((e): Place => ({ path: `/environments/${e.id}`, name: e.name, kind: "Environment", icon: "environment" })),
      ...(servers ?? []).map((s): Place => ({ path: `/servers/${s.id}`, name: s.name, kind: "Server", icon: "server" })),
      ...(projects ?? []).map((p): Place => ({ path: `/projects/${p.id}`, name: p.name, kind: "Project", icon: "project" })),
      ...pages.flatMap((page): Place[] =>
        page.menu && shown(page) ? [{ path: page.home, name: page.menu.label, kind: page.menu.icon === "plus" ? "Act" : "Page", icon: page.menu.icon }] : [],
      ),
    ];
    const wanted = text.trim().toLowerCase();
    const fits = (place: Place) => `${place.name} ${place.kind}`.toLowerCase().includes(wanted);
    return (wanted ? places.filter(fits) : places).slice(0, 12);
  }, [environments, servers, projects, text, shown]);

  const open = (place: Place | undefined) => {
    if (!place) return;
    onClose();
    go(place.path);
  };
  const chosen = Math.min(at, Math.max(0, found.length - 1));

  return (
    <div>
      <TextInput
        variant="unstyled"
        size="lg"
        placeholder="Go to a server, project, environment…"
        aria-label="Go to"
        role="combobox"
        aria-expanded="true"
        aria-controls="finder-list"
        aria-activedescendant={found[chosen] ? `finder-${chosen}` : undefined}
        leftSection={<Icon name="search" />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, chosen + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
          else if (event.key === "Enter") open(found[chosen]);
          else return;
          event.preventDefault();
        }}
        data-autofocus
        autoFocus // at once: what is typed before the dialog has faded in must not be lost
        px="xs"
      />
      <ul className="fl-finder" id="finder-list" role="listbox" aria-label="Places">
        {found.map((place, i) => (
          <li
            key={place.path}
            id={`finder-${i}`}
            role="option"
            aria-selected={i === chosen}
            onMouseMove={() => setAt(i)}
            onClick={() => open(place)}
          >
            <Icon name={place.icon} size={17} />
            {place.name}
            <span>{place.kind}</span>
          </li>
        ))}
        {!found.length && <li className="fl-dim">Nothing has “{text}” in its name.</li>}
      </ul>
    </div>
  );
}
