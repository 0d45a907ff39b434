import { Checkbox, NumberInput, Textarea, TextInput } from "@mantine/core";
import type { ApiError } from "../../api/client";
import type { Environment } from "../../api/types";
import { words } from "../../lib/format";

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
};

const GiB = 1024 ** 3;

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
    domains: environment.domains.join(", "),
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
    domains: words(settings.domains),
  };
}

interface FieldsProps {
  value: Settings;
  onChange: (change: Partial<Settings>) => void;
  error: ApiError | null;
}

export function CodeFields({ value, onChange, error }: FieldsProps) {
  return (
    <>
      <TextInput
        label="Branch"
        description="Of the project's own code, for this environment alone; empty follows the project"
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

export function ResourceFields({ value, onChange, error }: FieldsProps) {
  return (
    <div className="fl-form-row">
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
    </div>
  );
}

export function MoreFields({ value, onChange, error }: FieldsProps) {
  return (
    <>
      <div className="fl-form-row">
        <NumberInput
          label="Port"
          description="On the server; empty picks a free one"
          placeholder="automatic"
          min={1024}
          max={65535}
          value={value.port}
          onChange={(port) => onChange({ port })}
          error={error?.field("port")}
          thousandSeparator=""
        />
        <NumberInput
          label="Releases to keep"
          description="For going back"
          min={1}
          max={50}
          value={value.keepReleases}
          onChange={(keepReleases) => onChange({ keepReleases })}
          error={error?.field("keep_releases")}
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
