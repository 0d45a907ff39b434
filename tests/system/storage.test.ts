// The agent's S3 client against servers that are not ours: Swift's s3api, the one to judge by, and s3rver.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { built } from "./lib/paths.ts";
import { ended, run } from "./lib/process.ts";
import { domain, type Kind, S3, type StorageSettings } from "./lib/s3.ts";
import { poll } from "./lib/wait.ts";

const mib = 1 << 20;

interface Failure {
  code: string;
  message: string;
  detail: string;
}
interface Uploaded {
  bytes: number;
  sha256: string;
  buffers: number;
  peak_kib: number;
}
interface Check {
  id: string;
  result: "passed" | "warning" | "failed";
  value: string;
  remedy: string;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

for (const kind of ["swift", "s3rver"] as Kind[]) {
  describe(`the S3 client against ${kind}`, { concurrency: 1 }, () => {
    const dir = mkdtempSync(join(tmpdir(), `fairlead-s3-${kind}-`));
    const bucket = "fairlead-tests";
    let server: S3;
    let tool: string;

    before(async () => {
      tool = built("tests/system/bucket-tool");
      server = await S3.start(kind, join(dir, "server"), "127.0.0.1");
      await server.createBucket(bucket);
    });
    beforeEach(() => {
      server.relay.fault = undefined;
      server.relay.asked.length = 0;
    });
    after(async () => {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    const environment = (more: Record<string, string> = {}): Record<string, string> =>
      ({ BUCKET_SECRET: server.keys.secret, BUCKET_IDLE_MS: "30000", ...more });

    /** What the tool printed, and whether it worked. */
    async function ask(storage: StorageSettings, args: string[], more: Record<string, string> = {}): Promise<{ good: boolean; said: unknown; text: string }> {
      const [program = tool, ...first] = storage.addressing === "path" ? [] : ["unshare", "-m", "sh", "-c", `mount --bind ${dir}/hosts /etc/hosts && exec "$0" "$@"`, tool];
      const { code, stdout, stderr } = await run(program, [...first, JSON.stringify(storage), ...args], {
        check: false, env: environment(more), timeoutMs: 120_000,
      });
      assert.ok(code === 0 || code === 1, `status ${code}: ${stdout}${stderr}`);
      assert.ok(!(stdout + stderr).includes(more.BUCKET_SECRET ?? server.keys.secret) || kind === "s3rver", "the secret is in what was said");
      return { good: code === 0, said: JSON.parse(stdout) as unknown, text: stdout };
    }
    async function good<T = unknown>(args: string[], storage = server.storage(bucket, "odoo/b ü"), more: Record<string, string> = {}): Promise<T> {
      const { good: worked, said, text } = await ask(storage, args, more);
      assert.ok(worked, text);
      return said as T;
    }
    async function bad(args: string[], storage = server.storage(bucket, "odoo/b ü"), more: Record<string, string> = {}): Promise<Failure> {
      const { good: worked, said, text } = await ask(storage, args, more);
      assert.ok(!worked, text);
      return said as Failure;
    }
    function file(name: string, bytes: Buffer): string {
      writeFileSync(join(dir, name), bytes);
      return join(dir, name);
    }
    /** s3rver cannot give up an upload (405), so there only the asking shows. */
    async function noUploadLeft(): Promise<void> {
      if (kind === "swift") assert.equal(await server.uploads(bucket), 0, "multipart uploads are left");
    }
    async function nothingLeft(): Promise<void> {
      await noUploadLeft();
      for (const { key } of await server.objects(bucket)) await server.remove(bucket, key);
    }

    it("passes the test of a storage, which leaves nothing", async () => {
      const { checks } = await good<{ checks: Check[] }>(["test"]);
      const not = checks.filter((check) => check.result !== "passed").map((check) => `${check.id} ${check.result}`);
      assert.deepEqual(not, kind === "swift" ? [] : ["abort warning"]);
      assert.deepEqual(await server.objects(bucket), []);
      await noUploadLeft();
    });

    it("keeps objects under keys with any characters, and lists them in pages", async () => {
      const keys = ["plain", "with space", "plus+and&amp;", "ünï/çødé 日本", "percent%20", "quote'\"", "a=b?c#d", "~tilde(1)!*"];
      for (const key of keys) await good(["put", key, `content of ${key}`]);
      const listed = await good<{ key: string; bytes: number }[]>(["list", ""]);
      assert.deepEqual(listed.map((one) => one.key).sort(), [...keys].sort());
      for (const key of keys) {
        await good(["get", key, join(dir, "got")]);
        assert.equal(readFileSync(join(dir, "got"), "utf8"), `content of ${key}`);
      }
      await good(["remove", ...keys, "never was"]);
      assert.deepEqual(await good(["list", ""]), []);

      // More than a page; s3rver opens all files of a page at once, and more than it may.
      const many = kind === "swift" ? 1005 : 150;
      for (let i = 0; i < many; i += 15) {
        await Promise.all(Array.from({ length: 15 }, (_, j) => server.write(bucket, `many/${i + j}`, Buffer.from("x"))));
      }
      const plain = server.storage(bucket);
      const all = await good<{ key: string }[]>(["list", "many/"], plain);
      assert.equal(new Set(all.map((one) => one.key)).size, many);
      await good(["remove", ...all.map((one) => one.key)], plain, { BUCKET_IDLE_MS: "90000" }); // Swift takes its time for a thousand
      assert.deepEqual(await server.objects(bucket), []);
    });

    it("uploads in parts and reads back what it wrote, in bounded memory", async () => {
      for (const size of [0, 1, 5 * mib, 5 * mib + 1, 67 * mib + 12345]) {
        const bytes = randomBytes(size);
        const sent = await good<Uploaded>(["upload", "big", file("source", bytes)]);
        assert.equal(sent.sha256, sha256(bytes));
        assert.ok(sent.buffers <= 4, `${sent.buffers} buffers`);
        assert.equal(sha256(await server.read(bucket, "odoo/b ü/big")), sha256(bytes));
        const got = await good<Uploaded>(["get", "big", join(dir, "got")]);
        assert.equal(got.sha256, sha256(bytes));
      }
      await good(["get", "big", join(dir, "got"), "5242870", "100"]);
      assert.deepEqual(readFileSync(join(dir, "got")), (await server.read(bucket, "odoo/b ü/big")).subarray(5242870, 5242970));
      await nothingLeft();
    });

    if (kind === "swift") it("names the bucket as a host, where that is asked for", async () => {
      file("hosts", Buffer.from(`127.0.0.1 localhost ${domain} ${bucket}.${domain}\n`));
      const storage: StorageSettings = { ...server.storage(bucket, "by host"), endpoint: `https://${domain}:${server.relay.port}`, addressing: "virtual_host" };
      const { checks } = await good<{ checks: Check[] }>(["test"], storage);
      assert.deepEqual(checks.filter((check) => check.result !== "passed"), []);
      const bytes = randomBytes(11 * mib);
      await good(["upload", "big ü", file("source", bytes)], storage);
      assert.deepEqual((await good<{ key: string }[]>(["list", ""], storage)).map((one) => one.key), ["big ü"]);
      assert.equal((await good<Uploaded>(["get", "big ü", join(dir, "got")], storage)).sha256, sha256(bytes));
      assert.ok(server.relay.asked.length > 5 && server.relay.asked.every(({ url }) => !url.startsWith(`/${bucket}`)));
      await good(["remove", "big ü"], storage);
      await nothingLeft();
    });

    if (kind === "s3rver") {
      // The real ones cannot be reached from here: what their documentation asks of a client, held against what is sent.
      for (const [title, region] of [
        ["Cloudflare R2: region auto, parts of one size, no ACL [S-BAK-02]", "auto"],
        ["Backblaze B2: its region in the signature, parts of 5 MiB or more, no ACL [S-BAK-03]", "us-west-004"],
      ] as const) {
        it(`speaks as a client of ${title}`, async () => {
          const storage = { ...server.storage(bucket, "odoo"), region };
          const bytes = randomBytes(17 * mib);
          server.relay.asked.length = 0;
          await good(["upload", "profile", file("source", bytes)], storage);
          await good(["put", "small", "x"], storage);
          const got = await good<Uploaded>(["get", "profile", join(dir, "got")], storage);
          assert.equal(got.sha256, sha256(bytes));
          for (const { method, url, headers } of server.relay.asked) {
            assert.match(String(headers.authorization), new RegExp(`^AWS4-HMAC-SHA256 Credential=[^/]+/\\d{8}/${region}/s3/aws4_request`), `${method} ${url}`);
            assert.deepEqual(Object.keys(headers).filter((name) => /^x-amz-(acl|grant)/.test(name)), [], `${method} ${url}`);
          }
          const parts = server.relay.asked.filter((one) => one.method === "PUT" && one.url.includes("partNumber=")).map((one) => one.bytes).sort((a, b) => b - a);
          assert.ok(parts.length >= 3, `${parts.length} parts`);
          assert.equal(new Set(parts.slice(0, -1)).size, 1, `parts of ${parts.join(", ")}`);
          assert.ok(parts[0]! >= 5 * mib && parts.at(-1)! <= parts[0]!);
          await good(["remove", "profile", "small"], storage);
          await nothingLeft();
        });
      }
    }

    it("goes on after answers of 500, cuts both ways and lost answers", async () => {
      const bytes = randomBytes(23 * mib);
      const source = file("source", bytes);
      const seen = new Map<string, number>();
      // Each request fails once, each time in another way.
      const faults = [
        { kind: "answer", status: 500, code: "InternalError" }, { kind: "cut-request", after: 100_000 },
        { kind: "answer", status: 503, code: "SlowDown", headers: { "Retry-After": "1" } }, { kind: "lose-answer" },
      ] as const;
      let next = 0;
      server.relay.fault = ({ method, url }) => {
        const again = seen.get(method + url) ?? 0;
        seen.set(method + url, again + 1);
        if (again > 0) return undefined;
        const fault = faults[next++ % faults.length]!;
        // s3rver answers the second Complete by 500 and has ETags of its own kind: nothing tells that the first one worked.
        return kind === "s3rver" && fault.kind === "lose-answer" && method === "POST" ? faults[0] : fault;
      };
      await good<Uploaded>(["upload", "big", source]);
      assert.ok(next >= 7, `${next} faults`);
      assert.equal(sha256(await server.read(bucket, "odoo/b ü/big")), sha256(bytes));

      let cuts = 0;
      server.relay.fault = ({ method }) => (method === "GET" && cuts++ < 3 ? { kind: "cut-answer", after: 6 * mib } : undefined);
      const got = await good<Uploaded>(["get", "big", join(dir, "got")]);
      assert.equal(got.sha256, sha256(bytes));
      assert.ok(cuts >= 3);
      server.relay.fault = undefined;
      await noUploadLeft();
    });

    it("fails clearly, and leaves nothing, when the storage goes away in an upload", async () => {
      const source = file("source", randomBytes(30 * mib));
      server.relay.fault = ({ url }) => (url.includes("partNumber=4") ? { kind: "answer", status: 403, code: "ExpiredToken" } : undefined);
      const expired = await bad(["upload", "lost", source]);
      assert.equal(expired.code, "storage_key_refused");
      server.relay.fault = ({ url }) => (url.includes("partNumber=3") ? { kind: "answer", status: 500, code: "InternalError" } : undefined);
      const failed = await bad(["upload", "lost", source], undefined, { BUCKET_TRIES: "3" });
      assert.equal(failed.code, "storage_failed");
      server.relay.fault = ({ url }) => (url.includes("partNumber=2") ? { kind: "silent" } : undefined);
      const silent = await bad(["upload", "lost", source], undefined, { BUCKET_TRIES: "2", BUCKET_IDLE_MS: "500" });
      assert.equal(silent.code, "storage_unreachable");
      assert.ok(!(await server.objects(bucket)).some((one) => one.key.endsWith("lost")));
      await noUploadLeft();
    });

    it("takes no good answer for an object that was stored altered, or lost", async () => {
      // s3rver's ETags of multipart uploads do not come from the content as those of S3 do.
      const sizes = kind === "swift" ? [3 * mib, 12 * mib] : [3 * mib];
      for (const size of sizes) {
        for (const [spoil, says] of [
          [() => server.alter(bucket, "stored"), /its checksum \(ETag\) is another/],
          [() => server.remove(bucket, "stored"), /it is not there/],
        ] as const) {
          server.relay.fault = ({ method, url }) =>
            (method === "PUT" && !url.includes("partNumber=")) || (method === "POST" && url.includes("uploadId=")) ? { kind: "hold-answer", until: spoil } : undefined;
          const failure = await bad(["upload", "stored", file("source", randomBytes(size))], server.storage(bucket));
          assert.equal(failure.code, "storage_damaged");
          assert.match(failure.message, says);
        }
      }
      server.relay.fault = undefined;
      await nothingLeft();
    });

    it("stops at once when it is told to, and gives up what it began", async () => {
      server.relay.fault = ({ url }) => (url.includes("partNumber=") ? { kind: "silent" } : undefined);
      const source = file("source", randomBytes(30 * mib));
      const child = spawn(tool, [JSON.stringify(server.storage(bucket)), "upload", "stopped", source], {
        env: { ...process.env, ...environment({ BUCKET_IDLE_MS: "600000" }) }, stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      child.stdout.on("data", (text: Buffer) => (said += text.toString()));
      const end = ended(child);
      await poll("parts are on their way", 60_000, async () => server.relay.asked.filter((one) => one.url.includes("partNumber=")).length >= 3 || undefined);
      child.kill("SIGTERM");
      assert.equal(await end, 1);
      assert.equal((JSON.parse(said) as Failure).code, "cancelled");
      assert.ok(server.relay.asked.some((one) => one.method === "DELETE" && one.url.includes("uploadId=")));
      await noUploadLeft();
    });

    it("says what is wrong with keys, names, region and certificate", async () => {
      const storage = server.storage(bucket);
      const refusals: [string, StorageSettings, Record<string, string>][] = [
        ["storage_bucket_missing", { ...storage, bucket: "never-made" }, {}],
        ["storage_tls_failed", { ...storage, ca: "" }, {}],
        ["storage_unreachable", { ...storage, endpoint: "https://127.0.0.1:1" }, { BUCKET_TRIES: "1" }],
      ];
      if (kind === "swift") {
        refusals.push(["storage_key_refused", storage, { BUCKET_SECRET: "wrong-secret-key" }]);
        refusals.push(["storage_key_refused", { ...storage, access_key: "somebody" }, {}]);
        refusals.push(["storage_region_wrong", { ...storage, region: "us-east-1" }, {}]);
        refusals.push(["storage_forbidden", { ...storage, access_key: "test:nobody" }, { BUCKET_SECRET: "nobody-secret" }]);
      }
      for (const [code, wrong, more] of refusals) {
        const failure = await bad(["list", ""], wrong, more);
        assert.ok(!failure.message.includes("wrong-secret-key"));
        assert.equal(failure.code, code, JSON.stringify(failure));
        if (code === "storage_region_wrong") assert.match(failure.message, /eu-test-1/);
      }
      assert.equal((await bad(["get", "never", join(dir, "got")])).code, "storage_object_missing");
    });

    it("makes up for a clock that is hours off", async () => {
      if (kind === "s3rver") return; // looks at no date
      for (const offset of [-10_800, 10_800]) {
        const { checks, offset_s } = await good<{ checks: Check[]; offset_s: number }>(["test"], undefined, { BUCKET_CLOCK_S: String(offset) });
        assert.ok(Math.abs(offset_s + offset) < 60, `${offset_s}`);
        assert.equal(checks.find((check) => check.id === "clock")?.result, "warning");
        assert.ok(checks.every((check) => check.result !== "failed"));
      }
    });

    it("sees that an object was changed while it was read", async () => {
      await server.write(bucket, "changing", randomBytes(12 * mib));
      let reads = 0;
      server.relay.fault = async ({ method }) => {
        if (method !== "GET") return undefined;
        if (++reads === 1) return { kind: "cut-answer", after: 6 * mib };
        if (reads === 2) await server.alter(bucket, "changing");
        return undefined;
      };
      const failure = await bad(["get", "changing", join(dir, "got")], server.storage(bucket));
      assert.equal(failure.code, "storage_damaged");
      assert.equal(reads, 2);
    });

    it("is there again after the server was gone", async () => {
      await good(["put", "stays", "here"]);
      await server.suspend();
      await server.resume();
      await good(["get", "stays", join(dir, "got")]);
      assert.equal(readFileSync(join(dir, "got"), "utf8"), "here");
    });
  });
}
