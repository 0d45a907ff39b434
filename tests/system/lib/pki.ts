// Certificates for the tests' own servers, made by openssl.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "./paths.ts";
import { run } from "./process.ts";

export interface Authority {
  certificate: string;
  /** A certificate for a server, signed by this authority. Names are "DNS:…" and "IP:…". */
  issue(name: string, names: string[]): Promise<{ key: string; certificate: string }>;
}

const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

export async function makeAuthority(dir: string, subject = "Fairlead tests"): Promise<Authority> {
  folder(dir);
  const key = join(dir, "ca.key");
  const pem = join(dir, "ca.pem");
  await run("openssl", [
    "req", "-x509", ...curve, "-keyout", key, "-out", pem, "-days", "2", "-subj", `/CN=${subject}`,
    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
  ]);
  return {
    certificate: readFileSync(pem, "utf8"),
    async issue(name, names) {
      const base = join(dir, name);
      writeFileSync(`${base}.ext`, `subjectAltName=${names.join(",")}\n`);
      await run("openssl", ["req", "-new", ...curve, "-keyout", `${base}.key`, "-out", `${base}.csr`, "-subj", `/CN=${name}`]);
      await run("openssl", [
        "x509", "-req", "-in", `${base}.csr`, "-CA", pem, "-CAkey", key, "-CAcreateserial",
        "-days", "2", "-extfile", `${base}.ext`, "-out", `${base}.pem`,
      ]);
      return { key: readFileSync(`${base}.key`, "utf8"), certificate: readFileSync(`${base}.pem`, "utf8") };
    },
  };
}

/** A request for a certificate, as an agent makes it. */
export async function makeRequest(dir: string): Promise<string> {
  const csr = join(folder(dir), "request.csr");
  await run("openssl", ["req", "-new", ...curve, "-keyout", join(dir, "request.key"), "-out", csr, "-subj", "/CN=agent"]);
  return readFileSync(csr, "utf8");
}
