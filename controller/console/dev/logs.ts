// Made-up logs, live ones too.
import type { ServerResponse } from "node:http";
import type { LogEntry } from "../src/api/types";

const texts = [
  "127.0.0.1 \"GET /web/health HTTP/1.1\" 200 -",
  "odoo.addons.base.models.ir_cron: Job `Mail: Email Queue Manager` done.",
  "odoo.modules.loading: 64 modules loaded in 0.42s",
  "odoo.http: <function> lost its session and signs in again",
];

const entry = (n: number, at: number): LogEntry => ({
  at: new Date(at).toISOString(),
  level: n % 17 === 0 ? "error" : n % 7 === 0 ? "warning" : n % 5 === 0 ? "debug" : "info",
  from: "fairlead-odoo@shop.service",
  pid: 4242,
  text: `${n} ${texts[n % texts.length]}`,
  cursor: `i=${n.toString(16)}`,
});

/** As the controller answers, without levels and times. */
export function answerLog(query: URLSearchParams, response: ServerResponse): null {
  const line = (value: object) => response.write(`${JSON.stringify(value)}\n`);
  const wanted = (one: LogEntry) => one.text.includes(query.get("search") ?? "");
  let n = parseInt((query.get("before") ?? query.get("after") ?? "i=1388").slice(2), 16);
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  if (query.get("follow") !== "true") {
    for (let i = 1; i <= Number(query.get("lines") ?? 200); i++) {
      const one = entry(n - i, Date.now() - (5000 - n + i) * 2000);
      if (wanted(one)) line(one);
    }
    line({ end: "lines" });
    response.end();
    return null;
  }
  const beat = setInterval(() => {
    const one = entry(++n, Date.now());
    if (wanted(one)) line(one);
  }, 700);
  response.on("close", () => clearInterval(beat));
  return null;
}
