import { Checkbox, NumberInput, Textarea, TextInput } from "@mantine/core";
import type { ApiError } from "../../api/client";
import type { Environment } from "../../api/types";
import { words } from "../../lib/format";
import { Choice } from "../../ui/Choice";
import { Panel } from "../../ui/Page";
import { WhatNext } from "./Exposure";

/** What of an environment can be set on creation and changed later, as the form holds it. */
export interface Settings {
  branch: string;
  port: number | string;
  modules: string;
  memoryGiB: number | string;
  cpuPercent: number | string;
  tasksMax: number | string;
  workers: number | string;
  requirements: string;
  systemPackages: boolean;
  keepReleases: number | string;
  domains: string;
  exposure: Environment["exposure"];
}

export const defaults: Settings = {
  branch: "",
  port: "",
  modules: "base, web",
  memoryGiB: 2,
  cpuPercent: "",
  tasksMax: "",
  workers: 2,
  requirements: "",
  systemPackages: false,
  keepReleases: 5,
  domains: "",
  exposure: "port",
};

const GiB = 1024 ** 3;
/** What can be one at all: the controller knows letters of every script, and says what is wrong. */
const domain = /^[^\s/:@*_]+(\.[^\s/:@*_]+)+\.?$/;

export function settingsOf(environment: Environment): Settings {
  const { resources } = environment;
  return {
    branch: environment.branch ?? "",
    port: environment.port,
    modules: environment.modules.join(", "),
    memoryGiB: resources.memory_max_bytes ? Math.round((resources.memory_max_bytes / GiB) * 100) / 100 : "",
    cpuPercent: resources.cpu_percent ?? "",
    tasksMax: resources.tasks_max ?? "",
    workers: resources.workers,
    requirements: environment.requirements.join("\n"),
    systemPackages: environment.system_site_packages,
    keepReleases: environment.keep_releases,
    domains: environment.domains.join("\n"),
    exposure: environment.exposure,
  };
}

const orNull = (value: number | string) => (value === "" ? null : Number(value));

export function bodyOf(settings: Settings) {
  return {
    branch: settings.branch.trim() || null,
    modules: words(settings.modules),
    resources: {
      memory_max_bytes: settings.memoryGiB === "" ? null : Math.round(Number(settings.memoryGiB) * GiB),
      cpu_percent: orNull(settings.cpuPercent),
      tasks_max: orNull(settings.tasksMax),
      workers: Number(settings.workers) || 0,
    },
    requirements: settings.requirements
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
    system_site_packages: settings.systemPackages,
    keep_releases: Number(settings.keepReleases) || 5,
    domains: words(settings.domains.toLowerCase()),
    exposure: settings.exposure,
  };
}

interface FieldsProps {
  value: Settings;
  onChange: (change: Partial<Settings>) => void;
  error: ApiError | null;
}

/** The sections of a form that are the same when an environment is made and when it is changed. */
export function SettingsPanels(props: FieldsProps) {
  return (
    <>
      <Panel title="Code" hint="Which branch it follows, and what its new database begins with.">
        <div className="fl-form">
          <CodeFields {...props} />
        </div>
      </Panel>
      <Panel title="Addresses" hint="Where people reach it, and where Odoo listens on the server.">
        <div className="fl-form">
          <AddressFields {...props} />
        </div>
      </Panel>
      <Panel title="Limits" hint="The server's kernel holds the environment to them, so that one cannot starve another.">
        <div className="fl-form">
          <ResourceFields {...props} />
        </div>
      </Panel>
      <Panel title="Python and releases" hint="What Odoo's process may import, and how far one can go back.">
        <div className="fl-form">
          <MoreFields {...props} />
        </div>
      </Panel>
    </>
  );
}

function CodeFields({ value, onChange, error }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Branch"
        description="Of the repositories that the project lets follow it, for this environment alone; empty follows the project"
        placeholder="as the project says"
        value={value.branch}
        onChange={(e) => onChange({ branch: e.currentTarget.value })}
        error={error?.field("branch")}
        autoComplete="off"
        spellCheck={false}
      />
      <TextInput
        label="Modules to install at first"
        description="Into the new database; with a comma or space between"
        value={value.modules}
        onChange={(e) => onChange({ modules: e.currentTarget.value })}
        error={error?.field("modules")}
        autoComplete="off"
        spellCheck={false}
      />
    </>
  );
}

function AddressFields({ value, onChange, error }: FieldsProps) {
  const names = words(value.domains.toLowerCase());
  const bad = names.find((name) => !domain.test(name));
  return (
    <>
      <Choice
        label="How it is reached"
        value={value.exposure}
        onChange={(exposure) => onChange({ exposure })}
        options={[
          ["port", "On its server alone", "Nobody reaches it from outside, unless a web server of yours there passes requests on."],
          ["tunnel", "Through Fairlead", "Its domains lead here, and requests go on through the agent's link. The server needs no open port."],
          ["direct", "At its server", "Its domains lead to the server, where Caddy answers on ports 80 and 443 and gets certificates by itself."],
          ["cloudflared", "Through Cloudflare", "Cloudflare's own connector on the server opens a tunnel to your Cloudflare account. The server needs no open port."],
        ]}
      />
      <Textarea
        label="Domains"
        description="Host names that people use, one per line. The pre-flight looks each of them up"
        placeholder="odoo.acme.example"
        autosize
        minRows={1}
        maxRows={8}
        value={value.domains}
        onChange={(e) => onChange({ domains: e.currentTarget.value })}
        error={bad ? `${bad} is not a host name: letters, digits and dashes with dots between, no https:// and no path` : error?.field("domains")}
        autoComplete="off"
        spellCheck={false}
      />
      <NumberInput
        label="Port"
        maw={220}
        description="Of Odoo on the server, reached from there alone; empty picks a free one"
        placeholder="automatic"
        min={1024}
        max={65535}
        value={value.port}
        onChange={(port) => onChange({ port })}
        error={error?.field("port")}
        thousandSeparator=""
      />
      <WhatNext exposure={value.exposure} domains={bad ? [] : names} port={value.port} workers={value.workers} />
    </>
  );
}

function ResourceFields({ value, onChange, error }: FieldsProps) {
  return (
    <div className="fl-form-row fl-pairs">
      <NumberInput
        label="Memory limit"
        suffix=" GiB"
        placeholder="no limit"
        min={0.25}
        max={4096}
        step={0.5}
        value={value.memoryGiB}
        onChange={(memoryGiB) => onChange({ memoryGiB })}
        error={error?.field("resources.memory_max_bytes")}
      />
      <NumberInput
        label="CPU limit"
        suffix=" %"
        placeholder="no limit"
        description="100 % is one core"
        min={10}
        max={25600}
        step={50}
        value={value.cpuPercent}
        onChange={(cpuPercent) => onChange({ cpuPercent })}
        error={error?.field("resources.cpu_percent")}
        inputWrapperOrder={["label", "input", "description", "error"]}
      />
      <NumberInput
        label="Workers"
        description="0: one process with threads"
        min={0}
        max={64}
        value={value.workers}
        onChange={(workers) => onChange({ workers })}
        error={error?.field("resources.workers")}
        inputWrapperOrder={["label", "input", "description", "error"]}
      />
      <NumberInput
        label="Task limit"
        description="Processes and threads"
        placeholder="no limit"
        min={32}
        max={65536}
        value={value.tasksMax}
        onChange={(tasksMax) => onChange({ tasksMax })}
        error={error?.field("resources.tasks_max")}
        inputWrapperOrder={["label", "input", "description", "error"]}
      />
    </div>
  );
}

function MoreFields({ value, onChange, error }: FieldsProps) {
  return (
    <>
      <div className="fl-form-row">
        <NumberInput
          label="Releases to keep"
          description="For going back"
          min={1}
          max={50}
          value={value.keepReleases}
          onChange={(keepReleases) => onChange({ keepReleases })}
          error={error?.field("keep_releases")}
        />
      </div>
      <Textarea
        label="More Python packages"
        description="Beside those that Odoo and the addons ask for; one per line"
        placeholder="phonenumbers==8.13.40"
        autosize
        minRows={2}
        maxRows={10}
        value={value.requirements}
        onChange={(e) => onChange({ requirements: e.currentTarget.value })}
        error={error?.field("requirements")}
        spellCheck={false}
      />
      <Checkbox
        label="Use the server's own Python packages too"
        description="Those that the distribution installed; saves building them"
        checked={value.systemPackages}
        onChange={(e) => onChange({ systemPackages: e.currentTarget.checked })}
      />
    </>
  );
}
