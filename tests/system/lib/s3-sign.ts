// What tests ask S3 servers behind the back of the client that they test: Signature Version 4 by node's own crypto.
import { createHash, createHmac } from "node:crypto";
import { request } from "node:http";

export interface Keys {
  access: string;
  secret: string;
  region: string;
}

export interface Answer {
  status: number;
  body: Buffer;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();

/** One request over plain HTTP to a server on this machine. */
export async function ask(
  port: number, keys: Keys, method: string, bucket: string, key = "", query: Record<string, string> = {}, body = Buffer.alloc(0),
): Promise<Answer> {
  const path = `/${bucket}${key ? `/${key.split("/").map(encode).join("/")}` : ""}`;
  const asked = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => `${encode(k)}=${encode(v)}`).join("&");
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const headers: Record<string, string> = {
    "content-md5": createHash("md5").update(body).digest("base64"), host: `127.0.0.1:${port}`,
    "x-amz-content-sha256": sha256(body), "x-amz-date": date,
  };
  const names = Object.keys(headers).join(";");
  const canonical = `${method}\n${path}\n${asked}\n${Object.entries(headers).map(([k, v]) => `${k}:${v}\n`).join("")}\n${names}\n${sha256(body)}`;
  const scope = `${date.slice(0, 8)}/${keys.region}/s3/aws4_request`;
  let signing = hmac(`AWS4${keys.secret}`, date.slice(0, 8));
  for (const part of [keys.region, "s3", "aws4_request"]) signing = hmac(signing, part);
  const signature = hmac(signing, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString("hex");
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${keys.access}/${scope},SignedHeaders=${names},Signature=${signature}`;
  headers["content-length"] = String(body.length);
  return new Promise((done, failed) => {
    const sent = request({ host: "127.0.0.1", port, method, path: asked ? `${path}?${asked}` : path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => done({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      response.on("error", failed);
    });
    sent.on("error", failed);
    sent.end(body);
  });
}
