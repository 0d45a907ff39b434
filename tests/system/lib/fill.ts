// One of each thing that an organization can have, so that the routes about them can be asked.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Api } from "./api.ts";
import { makeRequest } from "./pki.ts";
import { setUpPushes } from "./pushes.ts";
import type { List } from "./types.ts";

export interface EnrolledAlone {
  server: string;
  token: string;
  csr: string;
  key: string;
  certificate: string;
}

/** Enrols a server as an agent does, with no agent behind it. */
export async function enrolAlone(api: Api, org: string, name: string): Promise<EnrolledAlone> {
  const dir = mkdtempSync(join(tmpdir(), "fairlead-csr-"));
  const csr = await makeRequest(dir);
  const key = readFileSync(join(dir, "request.key"), "utf8");
  rmSync(dir, { recursive: true });
  const token = await api.post<{ token: string; registration_token: { id: string } }>(`${org}/registration-tokens`, { name });
  const enrolled = await api.stranger().call<{ server_id: string; certificate: string }>("POST", "/api/v1/agent/enroll", {
    body: { token: token.token, csr, name, capability: 1, facts: {} },
  });
  return { server: enrolled.server_id, token: token.registration_token.id, csr, key, certificate: enrolled.certificate };
}

/** Ids by the names that paths have for them. The server is enrolled as an agent does, with no agent behind it. */
export async function fillOrg(api: Api, org: string): Promise<Record<string, string>> {
  const ids: Record<string, string> = { org: org.split("/").at(-1)! };
  const enrolled = await enrolAlone(api, org, "contract");
  ids.token = enrolled.token;
  ids.server = enrolled.server;
  const source = { url: "https://git.example.org/odoo.git", branch: "19.0" };
  const project = await api.post<{ id: string }>(`${org}/projects`, { name: "Contract", odoo_version: "19.0", odoo_source: source });
  ids.project = project.id;
  const environment = await api.post<{ id: string }>(`${org}/environments`, {
    project_id: project.id, server_id: enrolled.server, name: "contract", type: "development",
  });
  ids.environment = environment.id;
  ids.hook = (await setUpPushes(api, `${org}/environments/${environment.id}`)).url.split("/").at(-1)!;
  const ping = await api.post<{ id: string }>(`${org}/servers/${enrolled.server}/ping`);
  ids.operation = ping.id;
  const credential = await api.post<{ id: string }>(`${org}/git-credentials`, { name: "c", host: "git.example.org", kind: "token", secret: "s" });
  ids.credential = credential.id;
  const storage = await api.post<{ id: string }>(`${org}/storages`, {
    name: "contract", provider: "other", endpoint: "https://s3.example.org", bucket: "odoo-backups", access_key: "a", secret_key: "s", test_on_server: enrolled.server,
  });
  ids.storage = storage.id;
  ids.domain = (await api.post<{ id: string }>(`${org}/domains`, { name: "contract.example.org" })).id;
  ids.certificate = "crt_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.backup = "bak_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.import = "imp_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.copy = "cpy_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.terminal = "term_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.message = "1767225600000-0123456789ab";
  ids.recording = "term_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.rollout = "aro_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.ssh_key = "sshk_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.alert_rule = (await api.post<{ id: string }>(`${org}/alert-rules`, { kind: "disk" })).id;
  ids.release = "rel_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.session = "ses_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.connect_session = "con_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  ids.grant = "cag_01JD8Q4M3N7V5X2K9B6T0W1YHZ";
  const key = await api.post<{ api_key: { id: string } }>(`${org}/api-keys`, { name: "contract", kind: "read_only", permissions: ["org.view"] });
  ids.key = key.api_key.id;
  ids.tunnel_key = (await api.post<{ id: string }>(`${org}/tunnel-keys/rotate`)).id;
  ids.id = ids.org!;
  ids.entry = (await api.get<List<{ id: string }>>(`${org}/audit?limit=1`)).data[0]!.id;
  return ids;
}
