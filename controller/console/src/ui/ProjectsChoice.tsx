import { Checkbox, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { projectsQuery } from "../api/projects";
import { useOrg } from "../app/access";
import { Choice } from "./Choice";
import { Loaded } from "./Problem";

/** Ids of projects; null: every project, those of later too. */
export type Projects = string[] | null;

/** What it reaches: everything, or named projects. `what` is who or what is limited: "This person", "The key". */
export function ProjectsChoice(props: { what: string; value: Projects; onChange: (value: Projects) => void; error?: string; onlyLimited?: boolean }) {
  const { value, onChange } = props;
  return (
    <div className="fl-stack" style={{ gap: 10 }}>
      <Choice
        label="Projects"
        value={value ? "some" : "all"}
        onChange={(to) => onChange(to === "all" ? null : [])}
        options={[
          ["all", "The whole organization", "All projects, and what belongs to no project", props.onlyLimited],
          ["some", "Only some projects", `${props.what} sees these, their environments, and the servers`],
        ]}
      />
      {value && <Named chosen={value} onChange={onChange} />}
      {props.error && <div className="fl-field-error">{props.error}</div>}
    </div>
  );
}

function Named({ chosen, onChange }: { chosen: string[]; onChange: (value: string[]) => void }) {
  const org = useOrg();
  const projects = useQuery(projectsQuery(org));
  const [text, setText] = useState("");
  return (
    <Loaded query={projects} lines={2}>
      {(all) => {
        if (!all.length) return <p className="fl-dim fl-small">There is no project yet. Create one first, or choose the whole organization.</p>;
        const wanted = text.trim().toLowerCase();
        const shown = all.filter((one) => one.name.toLowerCase().includes(wanted)).sort((a, b) => a.name.localeCompare(b.name));
        return (
          <fieldset className="fl-checks">
            <legend className="fl-sr">Which projects</legend>
            {all.length > 8 && <TextInput size="xs" placeholder="Find a project" aria-label="Find a project" value={text} onChange={(e) => setText(e.currentTarget.value)} />}
            <div>
              {shown.map((one) => (
                <Checkbox
                  key={one.id}
                  label={one.name}
                  checked={chosen.includes(one.id)}
                  onChange={(e) => onChange(e.currentTarget.checked ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
                />
              ))}
            </div>
          </fieldset>
        );
      }}
    </Loaded>
  );
}
